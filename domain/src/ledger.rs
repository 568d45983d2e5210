//! The ledger itself, its chart of accounts, and the balanced postings that its money events stand for.

mod account;
mod movement;
mod pair;
mod posting;
mod trial_balance;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, LedgerId, Rejection, UserId};

pub use account::{Account, AccountClass};
pub use movement::{Direction, Movement, MovementKind, Reference, movement};
pub use pair::{Pair, Side, pairs};
pub use posting::{Posting, Subject, booked_on, postings};
pub use trial_balance::{Totals, TrialBalance};

/// The first stream of every ledger: its one event is position 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ledger {
    #[default]
    Unopened,
    Open {
        ledger_id: LedgerId,
        /// The business date that an operator set; `None` while the calendar tells it.
        #[serde(default)]
        business_on: Option<NaiveDate>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerCommand {
    Open {
        ledger_id: LedgerId,
    },
    /// Sets the business date, or leaves it to the calendar again.
    SetBusinessDate {
        business_on: Option<NaiveDate>,
        actor: UserId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum LedgerEvent {
    /// Event 1 of every ledger; everything sealed is bound to its id.
    LedgerOpened { ledger_id: LedgerId },
    /// From here on it is this day, until another one is set; `None`: the day that the calendar tells.
    BusinessDateSet { business_on: Option<NaiveDate>, actor: UserId },
}

impl Ledger {
    /// The business date that an operator set.
    #[must_use]
    pub fn business_on(&self) -> Option<NaiveDate> {
        match self {
            Self::Unopened => None,
            Self::Open { business_on, .. } => *business_on,
        }
    }
}

impl Event for LedgerEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Aggregate for Ledger {
    tie_to_any!(Ledger);
    type Command = LedgerCommand;
    type Event = LedgerEvent;

    fn decide(&self, command: LedgerCommand) -> Result<Vec<LedgerEvent>, Rejection> {
        match (self, command) {
            (Self::Unopened, LedgerCommand::Open { ledger_id }) => {
                Ok(vec![LedgerEvent::LedgerOpened { ledger_id }])
            }
            (Self::Open { .. }, LedgerCommand::Open { .. }) => Err(Rejection::AlreadyExists),
            // Every ledger is opened before anybody can ask it for anything.
            (Self::Unopened, LedgerCommand::SetBusinessDate { .. }) => Ok(Vec::new()),
            (
                Self::Open { business_on: known, .. },
                LedgerCommand::SetBusinessDate { business_on, actor },
            ) => {
                let same = *known == business_on;
                Ok(if same { Vec::new() } else { vec![LedgerEvent::BusinessDateSet { business_on, actor }] })
            }
        }
    }

    fn evolve(&mut self, event: &LedgerEvent) {
        match (self, event) {
            (state, LedgerEvent::LedgerOpened { ledger_id }) => {
                *state = Self::Open { ledger_id: *ledger_id, business_on: None };
            }
            (Self::Open { business_on: known, .. }, LedgerEvent::BusinessDateSet { business_on, .. }) => {
                *known = *business_on;
            }
            (Self::Unopened, LedgerEvent::BusinessDateSet { .. }) => {}
        }
    }
}
