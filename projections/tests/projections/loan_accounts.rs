//! What is owed of loans, however the events arrived.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use lumbung_domain::*;
use lumbung_projections::loan_accounts::arrears::{by_branch, by_customer, by_loan};
use lumbung_projections::loan_accounts::{Due, Progress, due, of_customer, progress};
use lumbung_projections::{Limit, LiveSchema};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::log::Log;
use crate::people::{officer, rupiah, sealed, today, user};
use crate::projecting::Node;

/// The rows, by loan.
async fn stored(read: &LiveSchema) -> Vec<Value> {
    let sql = "select row_to_json(a)::text from loan_accounts a order by loan";
    let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(read.pool()).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// A step in the lives of three loans.
#[derive(Clone)]
enum Step {
    Submit(i64),
    /// The next approval; the last one disburses and, if it is not of the time before, schedules.
    Approve(i64),
    Schedule(i64),
    /// Closes the days up to so many after the first.
    Close(i64, u64),
    Pay(i64, i64, u128),
    PayOff(i64, u128),
    Reverse(i64, u128),
    WriteOff(i64),
}

fn later(days: u64) -> NaiveDate {
    crate::people::later(days)
}

fn servicing() -> Arc<LendingRules> {
    Arc::default()
}

impl Log {
    fn last_closed_on(&self, loan: i64) -> NaiveDate {
        self.state::<Loan>(LoanNumber(loan)).0.debt().unwrap().closed_through_on
    }

    fn step(&mut self, step: &Step) {
        let rules = servicing();
        let number = |loan: &i64| LoanNumber(*loan);
        match step {
            Step::Submit(loan) => self.submit(*loan, u128::try_from(*loan).unwrap(), 1 + loan % 2, 3_000_000),
            Step::Approve(loan) => {
                let decided = self.state::<Loan>(number(loan)).0.application().unwrap().decided_by.len();
                self.approve(*loan, officer(101 + decided as u128, Some(1)), None);
            }
            Step::Schedule(loan) => {
                let command =
                    LoanCommand::Schedule { rules: Box::new(rules.on(today())), business_on: today() };
                self.run::<Loan>(number(loan), command).unwrap();
            }
            Step::Close(loan, days) => {
                let command = LoanCommand::CloseThrough { on: later(*days), rules };
                self.run::<Loan>(number(loan), command).unwrap();
            }
            Step::Pay(loan, amount, id) => {
                let incoming = Incoming {
                    repayment_id: RepaymentId(Uuid::from_u128(*id)),
                    amount: rupiah(*amount),
                    paid: Paid::Now,
                    top_up_id: None,
                };
                let business_on = self.last_closed_on(*loan);
                let command = LoanCommand::Repay { incoming, rules, business_on };
                self.run::<Loan>(number(loan), command).unwrap();
            }
            Step::PayOff(loan, id) => {
                let payoff = self.state::<Loan>(number(loan)).0.debt().unwrap().payoff_rupiah();
                self.step(&Step::Pay(*loan, payoff, *id));
            }
            Step::Reverse(loan, id) => {
                let command = LoanCommand::Reverse {
                    repayment_id: RepaymentId(Uuid::from_u128(*id)),
                    officer: officer(103, None),
                    note: sealed("bounced"),
                    rules,
                    business_on: self.last_closed_on(*loan),
                };
                self.run::<Loan>(number(loan), command).unwrap();
            }
            Step::WriteOff(loan) => {
                let business_on = self.last_closed_on(*loan);
                let command =
                    LoanCommand::WriteOff { officer: officer(103, None), note: sealed("gone"), business_on };
                self.run::<Loan>(number(loan), command).unwrap();
            }
        }
    }

    /// What the table must say, from the states that the rules made.
    fn expected(&self, positions: &BTreeMap<i64, i64>) -> Vec<Value> {
        let rows = positions.iter().map(|(loan, position)| {
            let (state, version) = self.state::<Loan>(LoanNumber(*loan));
            let application = state.application().unwrap();
            let customer = &application.submission.customer;
            let (owed, condition, closed) = match state.debt() {
                Some(debt) => (debt.outstanding(), debt.condition(), debt.closed_through_on),
                None => {
                    let condition = Condition {
                        status: LoanStatus::Disbursed,
                        days_past_due: 0,
                        collectibility: 1,
                        arrears_rupiah: 0,
                    };
                    (Amounts::default(), condition, today().pred_opt().unwrap())
                }
            };
            json!({
                "loan": loan,
                "position": position,
                "customer": customer.user_id,
                "customer_number": customer.number,
                "branch": application.submission.branch.branch_id,
                "disbursed_on": today(),
                "status": condition.status,
                "principal_rupiah": owed.principal_rupiah,
                "interest_rupiah": owed.interest_rupiah,
                "fee_rupiah": owed.fee_rupiah,
                "penalty_rupiah": owed.penalty_rupiah,
                "arrears_rupiah": condition.arrears_rupiah,
                "closed_through_on": closed,
                "days_past_due": condition.days_past_due,
                "collectibility": condition.collectibility,
                "version": version,
            })
        });
        rows.collect()
    }
}

/// Positions of the disbursements, by loan.
async fn disbursements(log: &Log) -> BTreeMap<i64, i64> {
    let sql = "select aggregate_id::bigint, position from journal.events where event_type = 'LoanDisbursed'";
    sqlx::query_as::<_, (i64, i64)>(sql).fetch_all(&log.pool).await.unwrap().into_iter().collect()
}

fn lives() -> Vec<Step> {
    use Step::{Approve, Close, Pay, PayOff, Reverse, Schedule, Submit, WriteOff};
    vec![
        Submit(1),
        Submit(2),
        Submit(3),
        Submit(4),
        Approve(1),
        Approve(1),
        Approve(1),
        Schedule(1),
        Close(1, 10),
        Approve(2),
        Approve(2),
        Approve(2),
        // The fourth is of a time without schedules.
        Approve(4),
        Approve(4),
        Approve(4),
        Pay(1, 400_000, 1),
        Schedule(2),
        Close(1, 40),
        Close(2, 70),
        Pay(1, 100_000, 2),
        Reverse(1, 2),
        Pay(2, 1, 3),
        Approve(3),
        Approve(3),
        Approve(3),
        Schedule(3),
        Close(3, 1),
        PayOff(3, 4),
        Close(2, 71),
        WriteOff(2),
        Pay(2, 1_000, 5),
    ]
}

#[tokio::test]
async fn the_life_of_debts() {
    let steps = lives();
    // One batch per step, all in one, and cut at every place in between.
    for cut in 0..=steps.len() {
        let mut log = Log::new().await;
        let node = Node::start(&log).await;
        for customer in 1..=4 {
            log.select(customer, customer.try_into().unwrap(), 1);
        }
        for (number, step) in steps.iter().enumerate() {
            log.step(step);
            if cut == steps.len() || cut == number {
                log.commit().await;
            }
        }
        if cut < steps.len() - 1 {
            log.commit().await;
        }
        let read = node.read_at(log.position()).await;
        assert_eq!(stored(&read).await, log.expected(&disbursements(&log).await), "cut behind {cut}");
        node.stop().await;
    }
}

#[tokio::test]
async fn what_is_to_be_closed_and_who_is_late() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    for customer in 1..=4 {
        log.select(customer, customer.try_into().unwrap(), 1);
    }
    for step in &lives() {
        log.step(step);
    }
    let read = node.read_at(log.commit().await).await;
    // The third is paid off and the second written off: they have no more days.
    let found = async |day, limit, after| -> Vec<(i64, NaiveDate)> {
        let page = due(&read, day, Limit::new(limit).unwrap(), after).await.unwrap();
        page.iter().map(|due| (due.loan.0, due.closed_through_on)).collect()
    };
    let before = today().pred_opt().unwrap();
    assert_eq!(found(later(41), 10, None).await, [(4, before), (1, later(40))]);
    assert_eq!(found(later(40), 10, None).await, [(4, before)]);
    assert_eq!(found(before, 10, None).await, []);
    assert_eq!(found(later(41), 1, None).await, [(4, before)]);
    let after = Some(Due { loan: LoanNumber(4), closed_through_on: before });
    assert_eq!(found(later(41), 1, after).await, [(1, later(40))]);
    let all = Progress { active: 2, open: 2, oldest_open_on: Some(today()) };
    assert_eq!(progress(&read, later(41)).await.unwrap(), all);
    let done = Progress { active: 2, open: 0, oldest_open_on: None };
    assert_eq!(progress(&read, before).await.unwrap(), done);

    // The first paid less than its first instalment.
    let late = by_loan(&read, Limit::default(), None).await.unwrap();
    assert_eq!((late.rows.len(), late.rows[0].of.loan, late.next), (1, LoanNumber(1), None));
    let (arrears, outstanding) = (late.rows[0].arrears_rupiah, late.rows[0].outstanding_rupiah);
    assert!(arrears > 0 && arrears < outstanding, "{late:?}");
    assert_eq!((late.rows[0].days_past_due, late.rows[0].collectibility), (9, 2));
    let customers = by_customer(&read, Limit::default(), None).await.unwrap();
    assert_eq!((customers.rows[0].of.user, customers.rows[0].arrears_rupiah), (user(1), arrears));
    let branches = by_branch(&read, Limit::default(), None).await.unwrap();
    assert_eq!((branches.rows[0].of, branches.rows[0].outstanding_rupiah), (BranchId(2), outstanding));

    let held =
        async |customer| of_customer(&read, user(customer), Limit::default(), None).await.unwrap().rows;
    assert_eq!(held(3).await, []);
    assert_eq!(held(2).await[0].status, LoanStatus::WrittenOff);
    let first = &held(1).await[0];
    assert_eq!((first.outstanding.total_rupiah(), first.arrears_rupiah), (outstanding, arrears));
    node.stop().await;
}
