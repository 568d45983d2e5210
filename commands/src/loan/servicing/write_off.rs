//! An officer writes a loan off.

use lumbung_domain::{Loan, LoanCommand, LoanNumber, Note, Sealed};

use super::super::decide::officer;
use super::{ServicedLoan, bring_up_to_date, servicing};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Gives up what is owed in the books. The customer still owes it: repayments are accepted, and take back some of the loss.
///
/// Rejections: [`lumbung_domain::Rejection::AccessDenied`], `LoanNotFound`, `VersionMismatch`, `LoanNotDisbursed`, `LoanPaidOff`,
/// `LoanAlreadyWrittenOff`.
#[derive(Debug, Clone)]
pub struct WriteOffLoan {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub note: Sealed<Note>,
    /// Of the loan.
    pub expected: Expected,
}

impl UseCase for WriteOffLoan {
    const NAME: &'static str = "WriteOffLoan";
    type Outcome = ServicedLoan;

    fn decide(&self, book: &mut Book<'_>) -> Result<ServicedLoan, Halt> {
        let (caller, _) = servicing(book, self.actor, self.loan)?;
        self.expected.check(book.version::<Loan>(self.loan)?)?;
        let business_on = bring_up_to_date(book, self.loan)?;
        let command =
            LoanCommand::WriteOff { officer: officer(book, &caller)?, note: self.note.clone(), business_on };
        book.run::<Loan>(self.loan, command)?;
        ServicedLoan::read(book, self.loan)
    }
}
