//! Loans that were disbursed, an operator who sets the date, and what the journal says of the days.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use lumbung::daily_run::{DailyRun, Running, Settings};
use lumbung::node::Node;
use lumbung_commands::business_date::{FURTHEST_DAYS, SetBusinessDate};
use lumbung_commands::loan::servicing::{RepayLoan, Source};
use lumbung_commands::loan::{ApproveLoan, SubmitLoan};
use lumbung_commands::plafond::SelectPlafond;
use lumbung_commands::{Actor, Expected, Ledger};
use lumbung_domain::{
    AnyEvent, BranchId, LoanEvent, LoanNumber, LoanStatus, PlafondNumber, ProductId, RepaymentId, RoleId,
    Rupiah, Tenor,
};
use lumbung_journal::{codec, read};
use lumbung_projections::loan_accounts::progress;
use sqlx::PgPool;
use uuid::Uuid;

use crate::served::people::{cheap_hash, sign_up, sign_up_staff};
use crate::support::ledger::run;

pub(super) const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// As a server runs it, but more eagerly.
pub(super) fn eager() -> Settings {
    Settings { look_every: Duration::from_millis(20), days_at_once: 128, retry: Duration::from_millis(50) }
}

pub(super) fn close_days(node: &Node) -> Running {
    DailyRun::new(node, eager()).start()
}

/// A customer and their loan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Borrower {
    pub(super) actor: Actor,
    pub(super) loan: LoanNumber,
}

/// The staff, at the branch 1.
#[derive(Clone)]
pub(super) struct Town {
    officers: [Actor; 3],
    operator: Actor,
}

impl Town {
    pub(super) async fn settle(ledger: &Ledger) -> Self {
        let email = |who: &str| format!("{who}.{}@town.example", fresh());
        let hash = cheap_hash();
        let staff =
            async |who: &str, role, branch| sign_up_staff(ledger, &email(who), &hash, role, branch).await;
        Self {
            officers: [
                staff("marketing", RoleId::MARKETING, Some(BranchId(1))).await,
                staff("manager", RoleId::BRANCH_MANAGER, Some(BranchId(1))).await,
                staff("backoffice", RoleId::BACKOFFICE, None).await,
            ],
            operator: staff("operator", RoleId::OPERATOR, None).await,
        }
    }

    pub(super) async fn set_date(&self, ledger: &Ledger, business_on: NaiveDate) {
        let business_on = Some(business_on);
        run(ledger, SetBusinessDate { actor: self.operator, business_on, most_ahead_days: FURTHEST_DAYS })
            .await;
    }

    /// Lends somebody new 3,000,000 for so many months.
    pub(super) async fn lend(&self, ledger: &Ledger, months: i64) -> Borrower {
        self.lend_to(ledger, months).await.1
    }

    /// As [`Town::lend`]; tells the e-mail too.
    pub(super) async fn lend_to(&self, ledger: &Ledger, months: i64) -> (String, Borrower) {
        let (email, borrower) = self.apply_for(ledger, months).await;
        let loan = borrower.loan;
        for actor in self.officers {
            run(ledger, ApproveLoan { actor, loan, note: None, expected: Expected::Anything }).await;
        }
        (email, borrower)
    }

    /// An application that the last stage is to decide on.
    pub(super) async fn apply(&self, ledger: &Ledger, months: i64) -> LoanNumber {
        let loan = self.apply_for(ledger, months).await.1.loan;
        for actor in &self.officers[..2] {
            let actor = *actor;
            run(ledger, ApproveLoan { actor, loan, note: None, expected: Expected::Anything }).await;
        }
        loan
    }

    async fn apply_for(&self, ledger: &Ledger, months: i64) -> (String, Borrower) {
        let email = format!("borrower.{}@town.example", fresh());
        let actor = sign_up(ledger, &email, &cheap_hash()).await;
        let next = async |sequence: &str| -> i64 {
            let next = sqlx::query_scalar("select nextval($1::regclass)").bind(sequence);
            next.fetch_one(ledger.pool()).await.unwrap()
        };
        let number = PlafondNumber(next("journal.plafond_number").await);
        let bronze = SelectPlafond { actor, number, product: ProductId(1), expected: Expected::Anything };
        run(ledger, bronze).await;
        let loan = LoanNumber(next("journal.loan_number").await);
        let (amount, tenor) = (Rupiah::positive(3_000_000).unwrap(), Tenor::new(months).unwrap());
        let submit = SubmitLoan { actor, loan, branch: BranchId(1), amount, tenor, interest_rate: None };
        run(ledger, submit).await;
        (email, Borrower { actor, loan })
    }

    /// Out of the wallet.
    pub(super) async fn repay(&self, ledger: &Ledger, borrower: &Borrower, rupiah: i64) {
        let repay = RepayLoan {
            actor: borrower.actor,
            loan: borrower.loan,
            repayment_id: RepaymentId(Uuid::now_v7()),
            amount: Rupiah::positive(rupiah).unwrap(),
            source: Source::Wallet,
            expected: Expected::Anything,
        };
        run(ledger, repay).await;
    }
}

fn fresh() -> u32 {
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// Waits until nothing is to be closed up to `day`, by the read models of a node.
pub(super) async fn closed_through(node: &Node, day: NaiveDate) {
    let started = Instant::now();
    loop {
        let shown = node.reader.freshness().wait_for(node.ledger.feed().reached(), PATIENCE).await.unwrap();
        let found = progress(&shown.schema, day).await.unwrap();
        if found.open == 0 {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{found:?}, {:?}", node.daily_run.counts());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A loan's days, as the journal has them.
#[derive(Debug, Default)]
pub(super) struct Days {
    pub(super) disbursed_on: Option<NaiveDate>,
    pub(super) closed: Vec<NaiveDate>,
    /// When each of them was.
    pub(super) closed_at: Vec<DateTime<Utc>>,
    pub(super) paid_off: bool,
}

impl Days {
    /// Whether the day was closed before an instant.
    pub(super) fn was_closed(&self, day: NaiveDate, before: DateTime<Utc>) -> bool {
        let mut closed = self.closed.iter().zip(&self.closed_at);
        closed.any(|(closed, at)| *closed == day && *at < before)
    }
}

/// Every loan's days, in the order of their events.
pub(super) async fn days(pool: &PgPool) -> BTreeMap<LoanNumber, Days> {
    let mut loans: BTreeMap<LoanNumber, Days> = BTreeMap::new();
    let mut position = 0;
    loop {
        let records = read::after(pool, position, 5_000).await.unwrap();
        let Some(last) = records.last() else { return loans };
        position = last.position;
        for record in &records {
            let AnyEvent::Loan(event) = codec::decode(record).unwrap() else { continue };
            let loan = loans.entry(record.stream.id.parse().unwrap()).or_default();
            if let Some(after) = event.condition() {
                loan.paid_off = after.status == LoanStatus::PaidOff;
            }
            match event {
                LoanEvent::LoanScheduled { agreement, .. } => {
                    loan.disbursed_on = Some(agreement.disbursed_on);
                }
                LoanEvent::LoanDayClosed { business_on, .. } => {
                    loan.closed.push(business_on);
                    loan.closed_at.push(record.recorded_at);
                }
                _ => {}
            }
        }
    }
}

/// Each day of each loan once and in its order, from the one after the disbursement to `last`; of one that was paid off perhaps
/// no further than it lived.
pub(super) async fn assert_each_day_once(pool: &PgPool, last: NaiveDate) -> usize {
    let mut count = 0;
    for (loan, found) in days(pool).await {
        let Some(disbursed_on) = found.disbursed_on else { continue };
        let until = if found.paid_off { found.closed.last().copied().unwrap_or(disbursed_on) } else { last };
        let wanted: Vec<NaiveDate> =
            disbursed_on.iter_days().skip(1).take_while(|day| *day <= until).collect();
        let wrong = found.closed.iter().zip(&wanted).find(|(closed, wanted)| closed != wanted);
        let (closed, days) = (found.closed.len(), wanted.len());
        assert!(
            found.closed == wanted,
            "loan {loan}, lent on {disbursed_on}: {closed} days were closed instead of {days}; {wrong:?}"
        );
        count += found.closed.len();
    }
    count
}
