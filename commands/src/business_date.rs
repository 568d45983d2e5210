//! The business date: what day it is for the books.

use chrono::{Days, NaiveDate};
use lumbung_domain::{Ledger, LedgerCommand, Permission, Rejection};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// The furthest that the business date may be from the day that the calendar tells: a typing error must not close decades.
pub const FURTHEST_DAYS: u64 = 3_660;

/// Sets the business date, or leaves it to the calendar again. It may go back too: days that were closed stay closed.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::BusinessDateOutOfRange`].
#[derive(Debug, Clone, Copy)]
pub struct SetBusinessDate {
    pub actor: Actor,
    pub business_on: Option<NaiveDate>,
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
            let today = book.calendar_day_on();
            let (first, last) = (
                today.checked_sub_days(Days::new(FURTHEST_DAYS)),
                today.checked_add_days(Days::new(FURTHEST_DAYS)),
            );
            if let (Some(first_on), Some(last_on)) = (first, last)
                && !(first_on..=last_on).contains(&day)
            {
                return Err(Rejection::BusinessDateOutOfRange { first_on, last_on }.into());
            }
        }
        let command =
            LedgerCommand::SetBusinessDate { business_on: self.business_on, actor: self.actor.user };
        book.run::<Ledger>(book.ledger(), command)?;
        Ok(BusinessDate { business_on: book.business_on()?, set: self.business_on.is_some() })
    }
}
