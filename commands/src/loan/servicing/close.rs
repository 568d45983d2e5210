//! The days of a loan are closed: what the daily run asks for.

use chrono::NaiveDate;
use lumbung_domain::{LendingRules, Loan, LoanNumber, Rejection, StreamId};
use serde::{Deserialize, Serialize};

use super::bring_up_to_date;
use crate::ledger::{Book, Halt, UseCase};

/// Closes all days of a loan up to the business date, each once: interest, due marking, penalties, days past due. Nothing happens to
/// a loan that has no days to close, however often it is asked for. Not reachable from outside.
///
/// Rejections: [`Rejection::LoanNotFound`], [`Rejection::LoanNotDisbursed`].
#[derive(Debug, Clone, Copy)]
pub struct CloseLoanDays {
    pub loan: LoanNumber,
}

/// How many days this request closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaysClosed {
    pub days: i64,
}

impl UseCase for CloseLoanDays {
    const NAME: &'static str = "CloseLoanDays";
    type Outcome = DaysClosed;

    fn decide(&self, book: &mut Book<'_>) -> Result<DaysClosed, Halt> {
        book.prefetch([StreamId::of::<Loan>(self.loan), StreamId::of::<LendingRules>(LendingRules::STREAM)]);
        book.read::<Loan>(self.loan)?.application().ok_or(Rejection::LoanNotFound)?;
        let before = closed_through(book, self.loan)?;
        bring_up_to_date(book, self.loan)?;
        let after = closed_through(book, self.loan)?;
        Ok(DaysClosed { days: after.zip(before).map_or(0, |(after, before)| (after - before).num_days()) })
    }
}

/// The last day that is closed; of a loan without a schedule the day of its disbursement.
fn closed_through(book: &mut Book<'_>, loan: LoanNumber) -> Result<Option<NaiveDate>, Halt> {
    let state = book.read::<Loan>(loan)?;
    let scheduled = state.debt().map(|debt| debt.closed_through_on);
    Ok(scheduled.or(state.application().map(|application| application.waiting_since_on)))
}
