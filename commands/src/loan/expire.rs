//! An application that nobody decides on is given up.

use lumbung_domain::{Loan, LoanCommand, LoanNumber, Rejection};

use super::LoanOutcome;
use super::decide::release;
use crate::ledger::{Book, Halt, UseCase};

/// Expires an application that nobody decided on for more than `after_days` whole business days, and releases the
/// reserved amount. Not reachable from outside. Whoever found the loan may be late or mistaken: all of it is checked
/// here, on the loan itself and the ledger's own business date.
///
/// Rejections: [`Rejection::LoanNotFound`], [`Rejection::LoanNotPending`], [`Rejection::LoanNotExpired`].
#[derive(Debug, Clone, Copy)]
pub struct ExpireLoan {
    pub loan: LoanNumber,
    pub after_days: u32,
}

impl UseCase for ExpireLoan {
    const NAME: &'static str = "ExpireLoan";
    type Outcome = LoanOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<LoanOutcome, Halt> {
        let state = book.read::<Loan>(self.loan)?;
        let application = state.application().ok_or(Rejection::LoanNotFound)?;
        let customer = application.submission.customer.user_id;
        let business_on = book.business_on()?;
        book.run::<Loan>(self.loan, LoanCommand::Expire { after_days: self.after_days, business_on })?;
        release(book, customer, self.loan)?;
        LoanOutcome::read(book, self.loan)
    }
}
