//! The story of a loan, and every way in which it must not go.
#![allow(clippy::unwrap_used, clippy::panic)]

use lumbung_domain::{Agreement, Condition, Edition, Rate, Receipt, Rupiah, ServicingTerms, Tenor, UserId};
use uuid::Uuid;

use super::*;

const LOAN: LoanNumber = LoanNumber(7);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn rupiah(amount: i64) -> Rupiah {
    Rupiah::new(amount).unwrap()
}

fn after(status: LoanStatus) -> Condition {
    Condition { status, days_past_due: 0, collectibility: 1, arrears_rupiah: 0 }
}

#[derive(Clone)]
enum Event {
    Wallet(WalletEvent),
    Loan(LoanEvent),
}

fn paid_out(amount: i64) -> Event {
    Event::Wallet(WalletEvent::WalletCredited {
        amount_rupiah: rupiah(amount),
        balance_rupiah: rupiah(amount),
        source: WalletSource::Disbursement { loan: LOAN },
        remarks: None,
        business_on: day("2026-01-01"),
    })
}

fn scheduled(amount: i64) -> Event {
    let agreement = Agreement {
        principal_rupiah: rupiah(amount),
        interest_rate: Rate::from_e4_const(120_000),
        tenor_months: Tenor::from_const(2),
        disbursed_on: day("2026-01-01"),
        terms: ServicingTerms::PLAIN,
        caps: Edition::example().caps,
        rules_version: 0,
        calculation: Agreement::CALCULATION,
    };
    let instalments = agreement.plan().instalments().unwrap();
    let business_on = agreement.disbursed_on;
    Event::Loan(LoanEvent::LoanScheduled { agreement: Box::new(agreement), instalments, business_on })
}

fn line(component: Component, charged_rupiah: i64, paid_rupiah: i64) -> Line {
    Line { instalment: 1, component, charged_rupiah, paid_rupiah }
}

fn closed(on: &str) -> Event {
    let (lines, after) = (vec![line(Component::Interest, 10, 0)], after(LoanStatus::Disbursed));
    Event::Loan(LoanEvent::LoanDayClosed { loan: LOAN, lines, after, business_on: day(on) })
}

fn repaid(amount: i64) -> (Event, Event) {
    let receipt = Receipt {
        loan: LOAN,
        repayment_id: RepaymentId(Uuid::nil()),
        amount_rupiah: rupiah(amount),
        paid_on: day("2026-01-02"),
        top_up_id: None,
        officer: None,
        lines: vec![line(Component::Interest, 0, 10), line(Component::Principal, 0, 90)],
        after: after(LoanStatus::Disbursed),
        business_on: day("2026-01-02"),
    };
    let purpose = WalletPurpose::Repayment {
        repayment_id: receipt.repayment_id,
        loan: LOAN,
        allotment: receipt.allotment(),
    };
    let debited = WalletEvent::WalletDebited {
        amount_rupiah: rupiah(amount),
        balance_rupiah: rupiah(0),
        purpose,
        remarks: None,
        business_on: day("2026-01-02"),
    };
    (Event::Loan(LoanEvent::RepaymentReceived(Box::new(receipt))), Event::Wallet(debited))
}

fn written_off(interest_rupiah: i64) -> Event {
    Event::Loan(LoanEvent::LoanWrittenOff {
        loan: LOAN,
        officer: lumbung_domain::Officer {
            user_id: UserId(Uuid::nil()),
            name: lumbung_domain::Sealed::from_ciphertext("sealed"),
            branch_location: None,
        },
        note: lumbung_domain::Sealed::from_ciphertext("sealed"),
        lines: vec![],
        written_off: Amounts { interest_rupiah, principal_rupiah: 1_000, ..Amounts::default() },
        after: after(LoanStatus::WrittenOff),
        business_on: day("2026-01-02"),
    })
}

/// What is told of the events, the first thing; and what they leave owed.
fn told(events: &[Event]) -> Result<[i128; 5], &'static str> {
    let mut lent = Lent::default();
    let what = |reason| match reason {
        BreakReason::Loan { loan: 7, what } => what,
        other => panic!("{other}"),
    };
    for event in events {
        match event {
            Event::Wallet(event) => lent.wallet(event).map_err(what)?,
            Event::Loan(event) => lent.loan(LOAN, event).map_err(what)?,
        }
    }
    lent.finish().map_err(what)?;
    Ok(lent.owed().map(|(_, owed)| owed))
}

#[test]
fn a_loan_that_goes_as_it_should() {
    let (receipt, debit) = repaid(100);
    let story = [scheduled(1_000), paid_out(1_000), closed("2026-01-02"), receipt, debit];
    assert_eq!(told(&story), Ok([910, 0, 0, 0, 0]));
    let hopeless = [scheduled(1_000), paid_out(1_000), closed("2026-01-02"), written_off(10)];
    assert_eq!(told(&hopeless), Ok([0, 0, 0, 0, 1_010]));
}

#[test]
fn what_must_not_happen_is_named() {
    let begun = [scheduled(1_000), paid_out(1_000)];
    let with = |more: &[Event]| told(&[&begun[..], more].concat());
    let (receipt, debit) = repaid(100);
    let (_, debit_of_less) = repaid(99);
    assert_eq!(
        told(&[scheduled(1_000), paid_out(999)]),
        Err("another amount was paid out than its schedule repays")
    );
    assert_eq!(with(&[paid_out(1_000)]), Err("it was paid out a second time"));
    assert_eq!(with(&[scheduled(1_000)]), Err("it was scheduled a second time"));
    assert_eq!(with(&[closed("2026-01-03")]), Err("a day was closed twice, or left out"));
    assert_eq!(
        with(&[closed("2026-01-02"), closed("2026-01-02")]),
        Err("a day was closed twice, or left out")
    );
    assert_eq!(with(std::slice::from_ref(&receipt)), Err("a repayment moved no wallet"));
    assert_eq!(with(std::slice::from_ref(&debit)), Err("a wallet paid, and the loan knows nothing of it"));
    assert_eq!(with(&[receipt, debit_of_less]), Err("a repayment is set against more or less than was paid"));
    let Event::Loan(LoanEvent::RepaymentReceived(mut elsewhere)) = repaid(100).0 else { panic!() };
    elsewhere.loan = LoanNumber(8);
    let elsewhere = Event::Loan(LoanEvent::RepaymentReceived(elsewhere));
    assert_eq!(with(&[elsewhere]), Err("an event of it names another loan"));
    let (receipt, debit) = repaid(100);
    assert_eq!(with(&[receipt, debit]), Err("more was paid of it than was charged"));
    assert_eq!(with(&[written_off(1)]), Err("something else was written off than it owed"));
}
