//! The ledger itself, its chart of accounts, and the balanced postings that its money events stand for.

mod account;
mod movement;
mod pair;
mod posting;
mod trial_balance;

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, LedgerId, Rejection};

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
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerCommand {
    Open { ledger_id: LedgerId },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum LedgerEvent {
    /// Event 1 of every ledger; everything sealed is bound to its id.
    LedgerOpened { ledger_id: LedgerId },
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
        let LedgerCommand::Open { ledger_id } = command;
        match self {
            Self::Unopened => Ok(vec![LedgerEvent::LedgerOpened { ledger_id }]),
            Self::Open { .. } => Err(Rejection::AlreadyExists),
        }
    }

    fn evolve(&mut self, event: &LedgerEvent) {
        let LedgerEvent::LedgerOpened { ledger_id } = event;
        *self = Self::Open { ledger_id: *ledger_id };
    }
}
