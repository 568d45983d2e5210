//! The business date: what day it is for the books.

use chrono::{Days, NaiveDate};
use lumbung_domain::{Ledger, LedgerCommand, Permission, Rejection};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// The furthest that the business date may be from the day that the calendar tells: a typing error must not close decades.
pub const FURTHEST_DAYS: u64 = 3_660;
/// The furthest that it goes ahead at once where it matters: days that were closed stay closed, and what they charged is owed.
pub const FURTHEST_AHEAD_IN_PRODUCTION_DAYS: u64 = 31;

/// Sets the business date, or leaves it to the calendar again. It may go back too: days that were closed stay closed.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::BusinessDateOutOfRange`].
#[derive(Debug, Clone, Copy)]
pub struct SetBusinessDate {
    pub actor: Actor,
    pub business_on: Option<NaiveDate>,
    /// How far it may be ahead of the calendar's day, or of the business date if that is further on already.
    pub most_ahead_days: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessDate {
    pub business_on: NaiveDate,
    /// An operator set it; otherwise the calendar tells it.
    pub set: bool,
}

impl UseCase for SetBusinessDate {
    const NAME: &'static str = "SetBusinessDate";
    type Outcome = BusinessDate;

    fn decide(&self, book: &mut Book<'_>) -> Result<BusinessDate, Halt> {
        self.actor.holding(book, &[Permission::OperationsManage])?;
        if let Some(day) = self.business_on {
            let calendar_on = book.calendar_day_on();
            let ahead_of = calendar_on.max(book.business_on()?);
            let first_on = calendar_on.checked_sub_days(Days::new(FURTHEST_DAYS)).unwrap_or(NaiveDate::MIN);
            let ahead =
                |day: NaiveDate, days| day.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX);
            let last_on = ahead(ahead_of, self.most_ahead_days).min(ahead(calendar_on, FURTHEST_DAYS));
            if !(first_on..=last_on).contains(&day) {
                return Err(Rejection::BusinessDateOutOfRange { first_on, last_on }.into());
            }
        }
        let command =
            LedgerCommand::SetBusinessDate { business_on: self.business_on, actor: self.actor.user };
        book.run::<Ledger>(book.ledger(), command)?;
        Ok(BusinessDate { business_on: book.business_on()?, set: self.business_on.is_some() })
    }
}
