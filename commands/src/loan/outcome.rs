//! What callers are told of a loan.

use lumbung_domain::{Loan, LoanNumber, LoanStatus, Rejection, Submission};
use serde::{Deserialize, Serialize};

use crate::ledger::{Book, Halt};

/// A loan after a command on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoanOutcome {
    pub submission: Submission,
    pub status: LoanStatus,
    /// The version of the stream `Loan`.
    pub version: i64,
}

impl LoanOutcome {
    pub(super) fn read(book: &mut Book<'_>, loan: LoanNumber) -> Result<Self, Halt> {
        let version = book.version::<Loan>(loan)?;
        let state = book.read::<Loan>(loan)?;
        let application = state.application().ok_or(Rejection::LoanNotFound)?;
        Ok(Self { submission: application.submission.clone(), status: application.status, version })
    }
}
