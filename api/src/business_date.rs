//! What day it is for the books, as this node knows it: the day that an operator set, or what the calendar says.

use chrono::{NaiveDate, Utc};
use lumbung_commands::ledger::Calendar;
use lumbung_domain::{Ledger, LedgerId};
use lumbung_journal::JournalError;
use lumbung_projections::AccessView;

/// The business date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusinessDay {
    pub on: NaiveDate,
    /// An operator set it; otherwise the calendar tells it.
    pub set: bool,
}

impl BusinessDay {
    /// The business date now, from memory but for the first time. Commands do not ask here: they decide by the ledger's own.
    ///
    /// # Errors
    /// The journal could not be read.
    pub async fn now(
        access: &AccessView,
        ledger: LedgerId,
        calendar: &Calendar,
    ) -> Result<Self, JournalError> {
        let (state, _) = access.get::<Ledger>(ledger).await?;
        Ok(match state.business_on() {
            Some(on) => Self { on, set: true },
            None => Self { on: calendar(Utc::now()), set: false },
        })
    }
}
