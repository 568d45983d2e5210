//! Branches of the lender.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, BranchCode, BranchId, Event, Place, Rejection};

/// Stream id: the [`BranchId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Branch {
    #[default]
    Unopened,
    Open {
        branch_id: BranchId,
        code: BranchCode,
        location: Place,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchCommand {
    Open { branch_id: BranchId, code: BranchCode, location: Place },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum BranchEvent {
    BranchOpened { branch_id: BranchId, code: BranchCode, location: Place },
}

impl Event for BranchEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Aggregate for Branch {
    tie_to_any!(Branch);
    type Command = BranchCommand;
    type Event = BranchEvent;

    fn decide(&self, command: BranchCommand) -> Result<Vec<BranchEvent>, Rejection> {
        let BranchCommand::Open { branch_id, code, location } = command;
        match self {
            Self::Unopened => Ok(vec![BranchEvent::BranchOpened { branch_id, code, location }]),
            Self::Open { .. } => Err(Rejection::AlreadyExists),
        }
    }

    fn evolve(&mut self, event: &BranchEvent) {
        let BranchEvent::BranchOpened { branch_id, code, location } = event;
        *self = Self::Open { branch_id: *branch_id, code: code.clone(), location: location.clone() };
    }
}
