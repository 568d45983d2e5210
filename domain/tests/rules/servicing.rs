//! A loan after its disbursement: days, repayments, reversals, write-off; and what the books say of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use lumbung_domain::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::example::{LOAN, rupiah, sealed, submission, user};
use crate::schedule::day;
use crate::{folded, obey};

/// A loan under test, its events, and the books.
struct Case {
    loan: Loan,
    events: Vec<LoanEvent>,
    books: BTreeMap<Account, i64>,
    /// The same by the dates that the entries have.
    dated: BTreeMap<NaiveDate, BTreeMap<Account, i64>>,
    today: NaiveDate,
    repayments: u128,
}

fn officer() -> Officer {
    Officer { user_id: user(90), name: sealed("Back Office"), branch_location: None }
}

fn rules() -> Arc<LendingRules> {
    Arc::default()
}

impl Case {
    /// Disbursed and scheduled.
    fn new(
        amount: i64,
        rate: &str,
        tenor: i64,
        disbursed_on: NaiveDate,
        terms: ServicingTerms,
    ) -> Option<Self> {
        let mut submission = submission();
        submission.amount_rupiah = rupiah(amount);
        submission.interest_rate = Rate::parse(rate).unwrap();
        submission.tenor_months = Tenor::new(tenor).unwrap();
        submission.product.servicing = terms;
        let mut case = Self {
            loan: Loan::default(),
            events: vec![],
            books: BTreeMap::new(),
            dated: BTreeMap::new(),
            today: disbursed_on,
            repayments: 0,
        };
        case.obey(LoanCommand::Submit(Box::new(submission))).unwrap();
        for number in 10..13 {
            let officer = Officer { user_id: user(number), ..officer() };
            case.obey(LoanCommand::Approve { officer, note: None, business_on: disbursed_on }).unwrap();
        }
        case.book(&wallet(disbursed_on, amount, Ok(WalletSource::Disbursement { loan: LOAN })));
        let rules = Box::new(rules().on(disbursed_on));
        case.obey(LoanCommand::Schedule { rules, business_on: disbursed_on }).ok()?;
        Some(case)
    }

    fn obey(&mut self, command: LoanCommand) -> Result<Vec<LoanEvent>, Rejection> {
        let events = obey(&mut self.loan, command)?;
        for event in &events {
            self.book(&AnyEvent::Loan(event.clone()));
        }
        self.events.extend(events.iter().cloned());
        Ok(events)
    }

    fn book(&mut self, event: &AnyEvent) {
        let postings = postings(event, "7");
        assert_eq!(postings.iter().map(|posting| posting.signed_rupiah).sum::<i64>(), 0, "{event:?}");
        assert_eq!(booked_on(event).is_some(), !postings.is_empty());
        let Some(on) = booked_on(event) else { return };
        let dated = self.dated.entry(on).or_default();
        for posting in postings {
            *self.books.entry(posting.account).or_default() += posting.signed_rupiah;
            *dated.entry(posting.account).or_default() += posting.signed_rupiah;
        }
    }

    fn debt(&self) -> &Debt {
        self.loan.debt().unwrap()
    }

    fn wait(&mut self, days: u64) {
        self.today = self.today + Days::new(days);
        self.close();
    }

    fn until(&mut self, date: &str) {
        self.today = day(date);
        self.close();
    }

    fn close(&mut self) -> usize {
        self.obey(LoanCommand::CloseThrough { on: self.today, rules: rules() }).unwrap().len()
    }

    fn pay(&mut self, amount: i64, paid: Paid) -> Result<RepaymentId, Rejection> {
        self.repayments += 1;
        let repayment_id = RepaymentId(Uuid::from_u128(self.repayments));
        let (amount, business_on) = (rupiah(amount), self.today);
        let before = self.debt().payoff_rupiah();
        let now = paid == Paid::Now;
        let incoming = Incoming { repayment_id, amount, paid, top_up_id: None };
        let events = self.obey(LoanCommand::Repay { incoming, rules: rules(), business_on })?;
        let LoanEvent::RepaymentReceived(receipt) = &events[0] else { panic!("{events:?}") };
        let paid: i64 = receipt.lines.iter().map(|line| line.paid_rupiah).sum();
        assert_eq!(paid, amount.get(), "the allocation sums to the payment");
        assert_eq!(receipt.allotment().total_rupiah(), amount.get());
        if now {
            assert_eq!(self.debt().payoff_rupiah(), before - amount.get());
        }
        let allotment = receipt.allotment();
        let purpose = WalletPurpose::Repayment { repayment_id, loan: LOAN, allotment };
        self.book(&wallet(receipt.business_on, amount.get(), Err(purpose)));
        Ok(repayment_id)
    }

    fn reverse(&mut self, repayment_id: RepaymentId) -> Result<(), Rejection> {
        let (officer, note, business_on) = (officer(), sealed("Bounced"), self.today);
        let events =
            self.obey(LoanCommand::Reverse { repayment_id, officer, note, rules: rules(), business_on })?;
        let LoanEvent::RepaymentReversed(reversal) = &events[0] else { panic!("{events:?}") };
        let source = WalletSource::Reversal { repayment_id, loan: LOAN, allotment: reversal.allotment() };
        self.book(&wallet(reversal.business_on, reversal.amount_rupiah.get(), Ok(source)));
        Ok(())
    }

    fn write_off(&mut self) -> Result<(), Rejection> {
        let (officer, note, business_on) = (officer(), sealed("Gone"), self.today);
        self.obey(LoanCommand::WriteOff { officer, note, business_on }).map(|_| ())
    }

    /// What holds after every step.
    fn check(&self) {
        let debt = self.debt();
        let live = debt.repayments.iter().filter(|repayment| !repayment.reversed);
        let received: i64 = live.map(|repayment| repayment.amount_rupiah.get()).sum();
        let mut paid = 0;
        for owed in &debt.instalments {
            for component in Component::ALL {
                let (charged, settled) = (owed.charged.of(*component), owed.paid.of(*component));
                assert!(0 <= settled && settled <= charged, "{owed:?}");
                paid += settled;
            }
        }
        assert_eq!(paid, received, "every rupiah is set against something");
        self.check_books();
        self.check_books_of_every_day();
        self.check_caps();
    }

    /// The sub-ledger is the general ledger.
    fn check_books(&self) {
        let debt = self.debt();
        let outstanding = debt.outstanding();
        let of = |account: Account| self.books.get(&account).copied().unwrap_or(0);
        let written_off = matches!(debt.standing, Standing::WrittenOff { .. });
        for component in Component::ALL {
            let expected = if written_off { 0 } else { outstanding.of(*component) };
            assert_eq!(of(Account::receivable(*component)), expected, "{component:?} of {debt:#?}");
        }
        let given_up = if written_off { outstanding.total_rupiah() } else { 0 };
        assert_eq!(of(Account::WriteOffs), given_up, "what was written off is what is still owed");
        assert_eq!(self.books.values().sum::<i64>(), 0);
    }

    /// Nothing is settled before it was charged.
    fn check_books_of_every_day(&self) {
        let mut standing = BTreeMap::<Account, i64>::new();
        for (on, entries) in &self.dated {
            for (account, amount) in entries {
                *standing.entry(*account).or_default() += amount;
            }
            for component in Component::ALL {
                let account = Account::receivable(*component);
                assert!(
                    standing.get(&account).is_none_or(|owed| *owed >= 0),
                    "{account:?} on {on}: {standing:?}"
                );
            }
        }
    }

    fn check_caps(&self) {
        let debt = self.debt();
        let principal = debt.agreement.principal_rupiah.get();
        let cost: i64 = debt
            .instalments
            .iter()
            .map(|owed| {
                owed.plan.interest_rupiah.get() + owed.plan.fee_rupiah.get() + owed.charged.penalty_rupiah
            })
            .sum();
        let penalties: i64 = debt.instalments.iter().map(|owed| owed.charged.penalty_rupiah).sum();
        assert!(penalties == 0 || cost <= principal, "the total cost is capped at the principal");
        for event in &self.events {
            let LoanEvent::LoanDayClosed { lines, .. } = event else { continue };
            for line in lines.iter().filter(|line| line.component == Component::Penalty) {
                let plan = &debt.instalments[usize::from(line.instalment) - 1].plan;
                let due = plan.principal_rupiah.get() + plan.interest_rupiah.get();
                assert!(line.charged_rupiah <= due * 3 / 1_000, "0.3 % of what is overdue a day at most");
            }
        }
    }

    fn check_lived_again(&self) {
        let again = self.debt().lived_again(self.debt().repayments.clone()).unwrap();
        assert_eq!(again.instalments, self.debt().instalments);
        assert_eq!(again.standing, self.debt().standing);
        assert_eq!(again.days_past_due, self.debt().days_past_due);
        // The clock may have gone back behind what is known.
        let last_paid = self.debt().repayments.iter().map(|repayment| repayment.paid_on).max();
        let on = self.today.max(self.debt().closed_through_on).max(last_paid.unwrap_or(self.today));
        let now = self.debt().about(on, &rules()).unwrap();
        assert_eq!(now.instalments, self.debt().instalments);
        assert_eq!(now.condition(), self.debt().condition());
    }
}

/// Into a wallet, or out of it.
fn wallet(business_on: NaiveDate, amount: i64, why: Result<WalletSource, WalletPurpose>) -> AnyEvent {
    let (amount_rupiah, balance_rupiah, remarks) = (rupiah(amount), rupiah(0), None);
    AnyEvent::Wallet(match why {
        Ok(source) => {
            WalletEvent::WalletCredited { amount_rupiah, balance_rupiah, source, remarks, business_on }
        }
        Err(purpose) => {
            WalletEvent::WalletDebited { amount_rupiah, balance_rupiah, purpose, remarks, business_on }
        }
    })
}

/// One event of every kind that servicing knows, as a life made them.
pub(crate) fn every_event() -> Vec<AnyEvent> {
    let mut case = example();
    case.until("2026-02-01");
    let repayment_id = case.pay(700_000, Paid::Now).unwrap();
    case.reverse(repayment_id).unwrap();
    case.write_off().unwrap();
    let allotment =
        Allotment::Receivables(Amounts { interest_rupiah: 1, principal_rupiah: 1, ..Amounts::default() });
    let purpose = WalletPurpose::Repayment { repayment_id, loan: LOAN, allotment };
    let source = WalletSource::Reversal {
        repayment_id,
        loan: LOAN,
        allotment: Allotment::WriteOff { recovered_rupiah: -2 },
    };
    let servicing = case.events.into_iter().filter(|event| event.condition().is_some()).map(AnyEvent::from);
    let edition = Edition::example();
    servicing
        .chain([
            wallet(day("2026-02-01"), 2, Err(purpose)),
            wallet(day("2026-02-01"), 2, Ok(source)),
            LendingRulesEvent::LendingRulesAdopted { edition, actor: Some(user(9)) }.into(),
            LedgerEvent::BusinessDateSet { business_on: Some(day("2026-01-31")), actor: user(9) }.into(),
        ])
        .collect()
}

/// The loan of the contract, disbursed on 22 December 2025, with three days of grace and 0.1 % a day.
fn example() -> Case {
    Case::new(3_000_000, "12.0", 6, day("2025-12-22"), ServicingTerms::STANDARD).unwrap()
}

#[test]
fn paid_to_the_day_it_ends_with_the_last_instalment() {
    let mut case = example();
    for (date, amount) in [
        ("2026-01-22", 517_645),
        ("2026-02-22", 517_645),
        ("2026-03-22", 517_645),
        ("2026-04-22", 517_645),
        ("2026-05-22", 517_645),
        ("2026-06-22", 517_646),
    ] {
        assert_eq!(case.debt().condition().status, LoanStatus::Disbursed);
        case.until(date);
        assert_eq!(case.debt().due_rupiah(), amount, "{date}");
        case.pay(amount, Paid::Now).unwrap();
        case.check();
    }
    assert_eq!(
        case.debt().condition(),
        Condition { status: LoanStatus::PaidOff, days_past_due: 0, collectibility: 1, arrears_rupiah: 0 }
    );
    assert_eq!(case.books[&Account::InterestIncome], -105_871);
    assert_eq!(case.pay(1, Paid::Now), Err(Rejection::LoanPaidOff));
    case.wait(40);
    assert_eq!(case.debt().closed_through_on, day("2026-06-22"), "a loan that ended has no more days");
}

#[test]
fn every_day_is_closed_once_however_the_clock_jumps() {
    let mut case = example();
    case.until("2026-02-28");
    assert_eq!(
        case.events.iter().filter(|event| matches!(event, LoanEvent::LoanDayClosed { .. })).count(),
        68
    );
    for date in ["2026-02-28", "2026-01-15", "2025-12-01", "2026-02-28"] {
        case.today = day(date);
        assert_eq!(case.close(), 0, "{date}");
    }
    case.until("2026-03-02");
    let closed: Vec<NaiveDate> = case
        .events
        .iter()
        .filter_map(|event| match event {
            LoanEvent::LoanDayClosed { business_on, .. } => Some(*business_on),
            _ => None,
        })
        .collect();
    let days: Vec<NaiveDate> = day("2025-12-23").iter_days().take(70).collect();
    assert_eq!(closed, days);
    case.check();
}

#[test]
fn being_late_costs_after_the_grace_days_and_counts_from_the_due_day() {
    let mut case = example();
    case.until("2026-01-25");
    assert_eq!((case.debt().days_past_due, case.debt().outstanding().penalty_rupiah), (3, 0));
    case.until("2026-01-26");
    // 0.1 % of 517,645, rounded down.
    assert_eq!((case.debt().days_past_due, case.debt().outstanding().penalty_rupiah), (4, 517));
    assert_eq!(case.debt().collectibility, 2);
    case.until("2026-02-01");
    assert_eq!(case.debt().outstanding().penalty_rupiah, 7 * 517);
    assert_eq!(case.debt().arrears_rupiah(), 517_645 + 7 * 517);
    // Penalty, then interest, then principal.
    case.pay(7 * 517 + 30_000 + 7, Paid::Now).unwrap();
    let first = &case.debt().instalments[0];
    assert_eq!(
        (first.paid.penalty_rupiah, first.paid.interest_rupiah, first.paid.principal_rupiah),
        (3_619, 30_000, 7)
    );
    case.check();
}

#[test]
fn a_repayment_dated_back_takes_the_penalties_away_that_it_would_have_spared() {
    let mut case = example();
    case.until("2026-02-01");
    let on = day("2026-01-22");
    let paid = Paid::Backdated { on, officer: officer() };
    case.pay(517_645, paid).unwrap();
    let debt = case.debt();
    assert_eq!((debt.days_past_due, debt.outstanding().penalty_rupiah, debt.arrears_rupiah()), (0, 0, 0));
    case.check();
    case.check_lived_again();
    for on in ["2025-12-21", "2026-02-02"] {
        let paid = Paid::Backdated { on: day(on), officer: officer() };
        let range = Rejection::PaidOnOutOfRange { first_on: day("2025-12-22"), last_on: day("2026-02-01") };
        assert_eq!(case.pay(1, paid), Err(range));
    }
}

#[test]
fn a_reversed_repayment_leaves_the_loan_as_if_it_had_never_come() {
    let (mut paid, mut never) = (example(), example());
    paid.until("2026-01-22");
    let bounced = paid.pay(517_645, Paid::Now).unwrap();
    paid.until("2026-02-10");
    paid.reverse(bounced).unwrap();
    never.until("2026-02-10");
    assert_eq!(paid.debt().instalments, never.debt().instalments);
    assert_eq!(paid.debt().days_past_due, 19);
    paid.check();
    assert_eq!(paid.reverse(bounced), Err(Rejection::RepaymentReversed));
    assert_eq!(paid.reverse(RepaymentId(Uuid::nil())), Err(Rejection::RepaymentNotFound));
}

#[test]
fn the_payoff_is_principal_and_what_was_earned_and_a_rupiah_more_is_refused() {
    let mut case = example();
    case.until("2026-01-06");
    // Half of a month of 30 days less one: 14/30 of 30,000.
    assert_eq!(case.debt().payoff_rupiah(), 3_014_000);
    assert_eq!(
        case.pay(3_014_001, Paid::Now),
        Err(Rejection::RepaymentAbovePayoff { payoff_rupiah: 3_014_000 })
    );
    // In advance: the first two instalments with all of their interest, which a payoff gives back.
    case.pay(517_645 * 2, Paid::Now).unwrap();
    case.check();
    assert_eq!(case.debt().outstanding().interest_rupiah, 0);
    assert_eq!(case.debt().payoff_rupiah(), 3_014_000 - 517_645 * 2);
    let last = case.pay(3_014_000 - 517_645 * 2, Paid::Now).unwrap();
    case.check();
    assert_eq!(case.debt().standing, Standing::PaidOff);
    assert_eq!(case.books[&Account::InterestIncome], -14_000);
    case.reverse(last).unwrap();
    case.check();
    assert_eq!(case.debt().standing, Standing::Active);
    case.until("2026-01-08");
    case.check();
}

#[test]
fn a_loan_that_was_written_off_is_out_of_the_books_and_still_owed() {
    let mut case = example();
    case.until("2026-09-01");
    let owed = case.debt().outstanding();
    assert_eq!(case.debt().collectibility, 5);
    case.write_off().unwrap();
    case.check();
    assert_eq!(case.books[&Account::WriteOffs], owed.total_rupiah());
    assert_eq!(case.debt().condition().status, LoanStatus::WrittenOff);
    case.wait(30);
    assert_eq!(case.debt().outstanding(), owed, "nothing is charged any more");
    let recovered = case.pay(1_000_000, Paid::Now).unwrap();
    assert_eq!(case.books[&Account::WriteOffs], owed.total_rupiah() - 1_000_000);
    case.check();
    case.reverse(recovered).unwrap();
    assert_eq!(case.books[&Account::WriteOffs], owed.total_rupiah());
    case.check();
    assert_eq!(case.write_off(), Err(Rejection::LoanAlreadyWrittenOff));
    case.pay(owed.total_rupiah(), Paid::Now).unwrap();
    assert_eq!(case.books[&Account::WriteOffs], 0);
    case.check();
}

/// A month late, penalties and all, and then it turns out that everything had been paid in time.
#[test]
fn a_written_off_loan_that_had_been_paid_stays_written_off_and_owes_nothing() {
    let mut case = example();
    case.until("2026-03-01");
    case.write_off().unwrap();
    let on = day("2026-01-06");
    case.pay(3_014_000, Paid::Backdated { on, officer: officer() }).unwrap();
    case.check();
    assert_eq!(case.debt().condition().status, LoanStatus::WrittenOff);
    assert_eq!(case.debt().outstanding(), Amounts::default());
    assert_eq!((case.books[&Account::PenaltyIncome], case.books[&Account::InterestIncome]), (0, -14_000));
    case.check_lived_again();
}

/// Two instalments are paid ahead, with interest of 55,124 of which 14,000 is earned. The write-off gives the rest of it to the principal.
#[test]
fn a_write_off_leaves_no_more_to_pay_than_there_was() {
    let mut case = example();
    case.until("2026-01-06");
    case.pay(517_645 * 2, Paid::Now).unwrap();
    let owed = case.debt().payoff_rupiah();
    assert_eq!(case.books[&Account::InterestIncome], -55_124);
    case.write_off().unwrap();
    assert_eq!(case.debt().payoff_rupiah(), owed);
    assert_eq!(case.debt().outstanding().total_rupiah(), owed);
    assert_eq!(case.books[&Account::InterestIncome], -14_000);
    case.check();
    case.check_lived_again();
}

/// Penalties by the agreement 2 % a day, by the law 0.3 %.
#[test]
fn a_penalty_is_clipped_at_the_cap() {
    let terms = ServicingTerms {
        late_penalty_percent_per_day: Rate::parse("2").unwrap(),
        grace_days: 0,
        ..ServicingTerms::PLAIN
    };
    let mut case = Case::new(3_000_000, "12.0", 6, day("2025-12-22"), terms).unwrap();
    case.until("2026-01-23");
    assert_eq!(case.debt().outstanding().penalty_rupiah, 1_552);
    case.until("2030-01-01");
    let cost: i64 = 105_871 + case.debt().outstanding().penalty_rupiah;
    assert_eq!(cost, 3_000_000, "in all no more than was lent");
    case.check();
}

/// Recovered on the first of October and on the first of December; the first one bounces.
#[test]
fn what_was_written_off_stays_as_late_as_it_was() {
    let mut case = example();
    case.until("2026-09-01");
    case.write_off().unwrap();
    let late = case.debt().condition();
    case.until("2026-10-01");
    let first = case.pay(100_000, Paid::Now).unwrap();
    case.until("2026-12-01");
    case.pay(100_000, Paid::Now).unwrap();
    case.reverse(first).unwrap();
    case.pay(50_000, Paid::Backdated { on: day("2026-11-01"), officer: officer() }).unwrap();
    let now = case.debt().condition();
    assert_eq!((now.days_past_due, now.collectibility), (late.days_past_due, late.collectibility));
    case.check();
    case.check_lived_again();
}

/// A clock that ran ahead and went back: what is paid is not booked before what it pays.
#[test]
fn money_is_booked_no_earlier_than_the_charges_that_it_settles() {
    let mut case = example();
    case.until("2026-06-01");
    case.today = day("2026-01-15");
    let payoff = case.debt().payoff_rupiah();
    case.pay(payoff, Paid::Now).unwrap();
    assert_eq!(case.debt().repayments[0].paid_on, day("2026-06-01"));
    case.check();
}

/// Paid off late; then it turns out that an instalment had come in time. What was paid later is too much now, and that is said.
#[test]
fn a_repayment_dated_back_before_one_that_does_not_fit_any_more_names_it() {
    let mut case = example();
    case.until("2026-02-21");
    let payoff = case.debt().payoff_rupiah();
    let repayment_id = case.pay(payoff, Paid::Now).unwrap();
    let refused = case.pay(517_645, Paid::Backdated { on: day("2026-01-22"), officer: officer() });
    assert_eq!(refused, Err(Rejection::LaterRepaymentTooLarge { repayment_id }));
}

#[test]
fn however_many_repayments_came_the_last_one_is_taken() {
    let mut case = example();
    for _ in 0..Debt::MOST_REPAYMENTS {
        case.pay(1, Paid::Now).unwrap();
    }
    assert_eq!(case.pay(1, Paid::Now), Err(Rejection::TooManyRepayments));
    case.pay(case.debt().payoff_rupiah(), Paid::Now).unwrap();
    assert_eq!(case.debt().standing, Standing::PaidOff);
}

/// What is owed must be serviced, whatever the law would say of lending it today.
#[test]
fn a_loan_from_before_there_were_caps_gets_its_schedule() {
    let case = Case::new(1_000_000, "120", 24, day("2025-12-22"), ServicingTerms::STANDARD).unwrap();
    let interest: i64 = case.debt().instalments.iter().map(|owed| owed.plan.interest_rupiah.get()).sum();
    assert!(interest > 1_000_000);
    let mut late = case;
    late.wait(400);
    assert_eq!(late.debt().outstanding().penalty_rupiah, 0, "there is no room for penalties");
    late.check_books();
}

#[test]
fn what_needs_days_closed_waits_for_them() {
    let mut case = example();
    case.today = day("2025-12-25");
    assert_eq!(case.pay(1, Paid::Now), Err(Rejection::LoanDaysOpen));
    assert_eq!(case.write_off(), Err(Rejection::LoanDaysOpen));
    // A clock that went back: the last closed day counts.
    case.close();
    case.today = day("2025-12-23");
    case.pay(10, Paid::Now).unwrap();
    assert_eq!(case.debt().repayments[0].paid_on, day("2025-12-25"));
    case.check_lived_again();
}

#[test]
fn what_was_owed_about_a_day() {
    let mut case = example();
    case.until("2026-01-22");
    case.pay(517_645, Paid::Now).unwrap();
    case.until("2026-03-01");
    let then = case.debt().about(day("2026-01-21"), &rules()).unwrap();
    assert_eq!(then.outstanding().principal_rupiah, 3_000_000);
    assert_eq!(then.payoff_rupiah(), 3_029_000);
    assert_eq!((then.days_past_due, then.collectibility), (0, 1), "graded by that day, not by today");
    let ahead = case.debt().about(day("2026-04-22"), &rules()).unwrap();
    assert_eq!((ahead.days_past_due, ahead.collectibility), (59, 2));
    assert_eq!(ahead.closed_through_on, day("2026-04-22"));
    let now = case.debt().about(day("2026-03-01"), &rules()).unwrap();
    assert_eq!(now.instalments, case.debt().instalments);
}

#[test]
fn before_its_disbursement_nothing_is_owed() {
    let mut loan = folded::<Loan>(&[LoanEvent::LoanSubmitted(Box::new(submission()))]);
    let status = LoanStatus::Submitted;
    let close = || LoanCommand::CloseThrough { on: day("2026-01-01"), rules: rules() };
    assert_eq!(obey(&mut loan, close()), Err(Rejection::LoanNotDisbursed { status }));
    assert_eq!(obey(&mut Loan::default(), close()), Err(Rejection::LoanNotFound));
    let rules = Box::new(Edition::example());
    let schedule = LoanCommand::Schedule { rules, business_on: day("2026-01-01") };
    assert_eq!(obey(&mut loan, schedule), Err(Rejection::LoanNotDisbursed { status }));
}

/// What may happen to a loan.
#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    /// So many thousandths of what settles it.
    Pay(i64),
    /// What is due.
    PayDue,
    Payoff,
    /// So many days ago, so many thousandths of the payoff.
    Backdate(u64, i64),
    /// The clock goes back.
    Back(u64),
    /// One of those that came.
    Reverse(usize),
    WriteOff,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..45_u64).prop_map(Step::Wait),
        3 => (1..400_i64).prop_map(Step::Pay),
        4 => Just(Step::PayDue),
        1 => Just(Step::Payoff),
        2 => (0..120_u64, 1..400_i64).prop_map(|(days, share)| Step::Backdate(days, share)),
        1 => (1..60_u64).prop_map(Step::Back),
        2 => (0..8_usize).prop_map(Step::Reverse),
        1 => Just(Step::WriteOff),
    ]
}

fn any_terms() -> impl Strategy<Value = ServicingTerms> {
    let order = Just(Component::ALL.to_vec()).prop_shuffle();
    (any::<(bool, bool)>(), 0..10_u16, 0..20_000_u32, 0..30_000_i64, order).prop_map(
        |((flat, actual), grace_days, penalty, fee, order)| ServicingTerms {
            method: if flat { Method::Flat } else { Method::Annuity },
            day_count: if actual { DayCount::Actual365 } else { DayCount::Thirty360 },
            grace_days,
            late_penalty_percent_per_day: Rate::percent_e4(penalty).unwrap(),
            instalment_fee_rupiah: rupiah(fee),
            allocation: Allocation::new(&order).unwrap(),
        },
    )
}

/// How many loans are lived through; a hundred thousand before a release (`just loans`).
fn cases() -> u32 {
    std::env::var("LUMBUNG_LOANS").ok().and_then(|cases| cases.parse().ok()).unwrap_or(192)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn whatever_happens_to_a_loan_it_adds_up(
        (amount, rate, tenor) in (100_000..50_000_000_i64, 0..60_i64, 1..18_i64),
        begins in 0..4_000_u64,
        terms in any_terms(),
        steps in prop::collection::vec(any_step(), 0..20),
    ) {
        let disbursed_on = day("2020-01-01") + Days::new(begins);
        let case = Case::new(amount, &rate.to_string(), tenor, disbursed_on, terms);
        if let Some(mut case) = case {
            for step in steps {
                live(&mut case, &step);
                case.check();
            }
            case.check_lived_again();
            check_prefixes(&case);
        }
    }
}

fn live(case: &mut Case, step: &Step) {
    let share = |case: &Case, thousandths: i64| (case.debt().payoff_rupiah() * thousandths / 1_000).max(1);
    let refused = match step {
        Step::Wait(days) => {
            case.wait(*days);
            None
        }
        Step::Back(days) => {
            case.today = case.today.checked_sub_days(Days::new(*days)).unwrap();
            None
        }
        Step::Pay(thousandths) => case.pay(share(case, *thousandths), Paid::Now).err(),
        Step::PayDue => case.pay(case.debt().due_rupiah().max(1), Paid::Now).err(),
        Step::Payoff => case.pay(case.debt().payoff_rupiah().max(1), Paid::Now).err(),
        Step::Backdate(days, thousandths) => {
            let on = case.today.checked_sub_days(Days::new(*days)).unwrap();
            case.pay(share(case, *thousandths), Paid::Backdated { on, officer: officer() }).err()
        }
        Step::Reverse(at) => {
            let known = case.debt().repayments.get(*at).map(|repayment| repayment.repayment_id);
            case.reverse(known.unwrap_or(RepaymentId(Uuid::nil()))).err()
        }
        Step::WriteOff => case.write_off().err(),
    };
    // A loan that was settled and is owed again has days to catch up on.
    case.close();
    let expected = matches!(
        refused,
        None | Some(
            Rejection::LoanPaidOff
                | Rejection::RepaymentAbovePayoff { .. }
                | Rejection::LaterRepaymentTooLarge { .. }
                | Rejection::PaidOnOutOfRange { .. }
                | Rejection::RepaymentNotFound
                | Rejection::RepaymentReversed
                | Rejection::LoanAlreadyWrittenOff
        )
    );
    assert!(expected, "{step:?}: {refused:?}");
}

/// Any prefix of the history folds into one state, however often and from whatever stored form.
fn check_prefixes(case: &Case) {
    let mut state = Loan::default();
    for event in &case.events {
        state.evolve(event);
    }
    assert_eq!(state, case.loan);
    let middle = case.events.len() / 2;
    let stored = serde_json::to_string(&folded::<Loan>(&case.events[..middle])).unwrap();
    let mut resumed: Loan = serde_json::from_str(&stored).unwrap();
    for event in &case.events[middle..] {
        resumed.evolve(event);
    }
    assert_eq!(resumed, case.loan);
}
