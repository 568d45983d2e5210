//! Loans after their disbursement: days, repayments, reversals, write-offs.

mod backdate;
mod close;
mod outcome;
mod pay_off;
mod repay;
mod reverse;
mod write_off;

use std::sync::Arc;

use chrono::NaiveDate;
use lumbung_domain::{
    Debt, LendingRules, Loan, LoanCommand, LoanNumber, Permission, Receipt, Rejection, StreamId, UserId,
    Wallet, WalletCommand, WalletPurpose,
};

pub use backdate::{BackdateRepayment, Backdated, BillChange};
pub use close::{CloseLoanDays, DaysClosed};
pub use outcome::{RepaymentOutcome, ReversalOutcome, ServicedLoan};
pub use pay_off::PayOffLoan;
pub use repay::{RepayLoan, Source};
pub use reverse::ReverseRepayment;
pub use write_off::WriteOffLoan;

use crate::authority::{Actor, Caller};
use crate::ledger::{Book, Halt};

/// The rules of the law, as they are known now.
pub(crate) fn rules(book: &mut Book<'_>) -> Result<Arc<LendingRules>, Halt> {
    book.read::<LendingRules>(LendingRules::STREAM)
}

/// The streams that every use case on a debt reads.
fn prefetch(book: &mut Book<'_>, loan: LoanNumber, customer: Option<UserId>) {
    book.prefetch([StreamId::of::<Loan>(loan), StreamId::of::<LendingRules>(LendingRules::STREAM)]);
    book.prefetch(customer.map(StreamId::of::<Wallet>));
}

/// A customer on their own loan: session and user, loan exists, own loan.
fn own_loan(book: &mut Book<'_>, actor: Actor, loan: LoanNumber) -> Result<(), Halt> {
    prefetch(book, loan, Some(actor.user));
    actor.customer_of_own(book)?;
    let state = book.read::<Loan>(loan)?;
    let application = state.application().ok_or(Rejection::LoanNotFound)?;
    if application.submission.customer.user_id == actor.user {
        Ok(())
    } else {
        Err(Rejection::LoanNotYours.into())
    }
}

/// An officer who services loans, and the customer of the loan.
fn servicing(book: &mut Book<'_>, actor: Actor, loan: LoanNumber) -> Result<(Caller, UserId), Halt> {
    prefetch(book, loan, None);
    let caller = actor.holding(book, &[Permission::LoanService])?;
    let state = book.read::<Loan>(loan)?;
    let application = state.application().ok_or(Rejection::LoanNotFound)?;
    let customer = application.submission.customer.user_id;
    // Before the history is lived again, which is not to be done twice because a stream was not in memory.
    book.read::<Wallet>(customer)?;
    Ok((caller, customer))
}

/// Brings a loan to today, so that what is decided on it does not depend on how far the daily run got: a loan from before there were
/// schedules gets its own, and the days that are open are closed.
pub(crate) fn bring_up_to_date(book: &mut Book<'_>, loan: LoanNumber) -> Result<NaiveDate, Halt> {
    let (rules, on) = (rules(book)?, book.business_on()?);
    if let Some(disbursed_on) = unscheduled(book, loan)? {
        let edition = Box::new(rules.on(disbursed_on));
        book.run::<Loan>(loan, LoanCommand::Schedule { rules: edition, business_on: on })?;
    }
    book.run::<Loan>(loan, LoanCommand::CloseThrough { on, rules })?;
    Ok(on)
}

/// The day of the disbursement of a loan that has no schedule yet.
fn unscheduled(book: &mut Book<'_>, loan: LoanNumber) -> Result<Option<NaiveDate>, Halt> {
    Ok(match &*book.read::<Loan>(loan)? {
        Loan::Submitted(application) => Some(application.waiting_since_on),
        Loan::Unsubmitted | Loan::Serviced(_) => None,
    })
}

/// The debt of a loan that was brought up to date.
fn debt<T>(book: &mut Book<'_>, loan: LoanNumber, read: impl FnOnce(&Debt) -> T) -> Result<T, Halt> {
    let state = book.read::<Loan>(loan)?;
    state.debt().map(read).ok_or(Rejection::LoanNotFound.into())
}

/// Takes the money of a repayment out of the customer's wallet.
fn debit(book: &mut Book<'_>, customer: UserId, receipt: &Receipt) -> Result<(), Halt> {
    let purpose = WalletPurpose::Repayment {
        repayment_id: receipt.repayment_id,
        loan: receipt.loan,
        allotment: receipt.allotment(),
    };
    let (amount, business_on) = (receipt.amount_rupiah, receipt.business_on);
    book.run::<Wallet>(customer, WalletCommand::Debit { amount, purpose, remarks: None, business_on })
}
