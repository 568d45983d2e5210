//! The customer takes an application back.

use lumbung_domain::{Loan, LoanCommand, LoanNumber, Note, Permission, Rejection, Sealed, StreamId};

use super::LoanOutcome;
use super::decide::release;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Cancels the customer's own pending application and releases the reserved amount. Checked in this order: permission,
/// loan exists, own loan, expected version, still pending.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::LoanNotFound`], [`Rejection::LoanNotYours`],
/// [`Rejection::VersionMismatch`], [`Rejection::LoanNotPending`].
#[derive(Debug, Clone)]
pub struct CancelLoan {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub note: Option<Sealed<Note>>,
    /// Of the loan.
    pub expected: Expected,
}

impl UseCase for CancelLoan {
    const NAME: &'static str = "CancelLoan";
    type Outcome = LoanOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<LoanOutcome, Halt> {
        book.prefetch([StreamId::of::<Loan>(self.loan)]);
        let caller = self.actor.customer(book, Permission::LoanCreate)?;
        let state = book.read::<Loan>(self.loan)?;
        let application = state.application().ok_or(Rejection::LoanNotFound)?;
        let customer = application.submission.customer.user_id;
        if customer != self.actor.user {
            return Err(Rejection::LoanNotYours.into());
        }
        self.expected.check(book.version::<Loan>(self.loan)?)?;
        let name = caller.person()?.name.clone();
        let business_on = book.business_on()?;
        let command = LoanCommand::Cancel { name, note: self.note.clone(), business_on };
        book.run::<Loan>(self.loan, command)?;
        release(book, customer, self.loan)?;
        LoanOutcome::read(book, self.loan)
    }
}
