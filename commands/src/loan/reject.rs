//! An officer rejects.

use lumbung_domain::{Loan, LoanCommand, LoanNumber, Note, Permission, Sealed};

use super::LoanOutcome;
use super::decide::{may_decide, release};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Rejects at the stage that the loan's status asks for, and releases the reserved amount.
#[derive(Debug, Clone)]
pub struct RejectLoan {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub note: Sealed<Note>,
    /// Of the loan.
    pub expected: Expected,
}

impl UseCase for RejectLoan {
    const NAME: &'static str = "RejectLoan";
    type Outcome = LoanOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<LoanOutcome, Halt> {
        let deciding = may_decide(book, self.actor, self.loan, &self.expected, Some(Permission::LoanReject))?;
        let business_on = book.business_on()?;
        let command = LoanCommand::Reject { officer: deciding.officer, note: self.note.clone(), business_on };
        book.run::<Loan>(self.loan, command)?;
        release(book, deciding.customer, self.loan)?;
        LoanOutcome::read(book, self.loan)
    }
}
