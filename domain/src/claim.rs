//! Uniqueness: one stream per claimed value.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, BranchId, Event, ProductId, Rejection, UserId};

/// Who holds a claimed e-mail, phone, user number, branch code, product name or reset token. Stream id: [`crate::ClaimId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    #[default]
    Free,
    Held {
        holder: Holder,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    User(UserId),
    Branch(BranchId),
    Product(ProductId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimCommand {
    /// Refused with [`Rejection::AlreadyExists`] while anyone holds the value; the use case says it in its own words.
    Take { holder: Holder },
    /// Refused with [`Rejection::AlreadyExists`] while someone else holds the value; a free one stays free.
    Release { holder: Holder },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum ClaimEvent {
    /// Somebody holds the value that the stream's id is the keyed hash of, and nobody else can.
    ClaimTaken { holder: Holder },
    /// The value is free again.
    ClaimReleased {},
}

impl Event for ClaimEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Claim {
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::Held { holder: Holder::User(user) } => Some(*user),
            Self::Held { holder: Holder::Branch(_) | Holder::Product(_) } | Self::Free => None,
        }
    }

    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        match self {
            Self::Held { holder } => Some(*holder),
            Self::Free => None,
        }
    }
}

impl Aggregate for Claim {
    tie_to_any!(Claim);
    type Command = ClaimCommand;
    type Event = ClaimEvent;

    fn decide(&self, command: ClaimCommand) -> Result<Vec<ClaimEvent>, Rejection> {
        match (self, command) {
            (Self::Free, ClaimCommand::Take { holder }) => Ok(vec![ClaimEvent::ClaimTaken { holder }]),
            (Self::Held { holder: held }, ClaimCommand::Release { holder }) if *held == holder => {
                Ok(vec![ClaimEvent::ClaimReleased {}])
            }
            (Self::Held { .. }, ClaimCommand::Take { .. } | ClaimCommand::Release { .. }) => {
                Err(Rejection::AlreadyExists)
            }
            (Self::Free, ClaimCommand::Release { .. }) => Ok(Vec::new()),
        }
    }

    fn evolve(&mut self, event: &ClaimEvent) {
        *self = match event {
            ClaimEvent::ClaimTaken { holder } => Self::Held { holder: *holder },
            ClaimEvent::ClaimReleased {} => Self::Free,
        };
    }
}
