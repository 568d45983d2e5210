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
        /// A loan was applied for here, so its history needs the branch.
        used: bool,
    },
    /// Its id is not used again; its code may be.
    Closed {},
}

/// All but the first are refused with [`Rejection::BranchNotFound`] for a branch that is not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchCommand {
    Open {
        branch_id: BranchId,
        code: BranchCode,
        location: Place,
    },
    /// Refused for the online channel. The use case has moved the claim of the code.
    Amend {
        code: BranchCode,
        location: Place,
    },
    /// A loan is applied for here. Only the first one is an event, so busy branches do not grow with their loans.
    Use,
    /// Refused with [`Rejection::BranchHasLoans`] and for the online channel. That nobody belongs to the branch is up to
    /// the use case.
    Close,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum BranchEvent {
    /// A branch exists from here on.
    BranchOpened { branch_id: BranchId, code: BranchCode, location: Place },
    /// Code and location as they are from then on.
    BranchAmended { code: BranchCode, location: Place },
    /// A loan was submitted at the branch: it cannot be closed any more.
    BranchUsed {},
    /// The branch is gone; its code is free again.
    BranchClosed {},
}

impl Event for BranchEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Branch {
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Open { .. } => true,
            Self::Unopened | Self::Closed {} => false,
        }
    }
}

impl Aggregate for Branch {
    tie_to_any!(Branch);
    type Command = BranchCommand;
    type Event = BranchEvent;

    fn decide(&self, command: BranchCommand) -> Result<Vec<BranchEvent>, Rejection> {
        match (self, command) {
            (Self::Unopened, BranchCommand::Open { branch_id, code, location }) => {
                Ok(vec![BranchEvent::BranchOpened { branch_id, code, location }])
            }
            (Self::Open { .. } | Self::Closed {}, BranchCommand::Open { .. }) => {
                Err(Rejection::AlreadyExists)
            }
            (Self::Open { branch_id, .. }, BranchCommand::Amend { .. }) if *branch_id == BranchId::ONLINE => {
                Err(Rejection::OnlineBranchFixed { deleting: false })
            }
            (
                Self::Open { code: old_code, location: old_location, .. },
                BranchCommand::Amend { code, location },
            ) => Ok(if *old_code == code && *old_location == location {
                Vec::new()
            } else {
                vec![BranchEvent::BranchAmended { code, location }]
            }),
            (Self::Open { used, .. }, BranchCommand::Use) => {
                Ok(if *used { Vec::new() } else { vec![BranchEvent::BranchUsed {}] })
            }
            (Self::Open { branch_id, .. }, BranchCommand::Close) if *branch_id == BranchId::ONLINE => {
                Err(Rejection::OnlineBranchFixed { deleting: true })
            }
            (Self::Open { used: true, .. }, BranchCommand::Close) => Err(Rejection::BranchHasLoans),
            (Self::Open { .. }, BranchCommand::Close) => Ok(vec![BranchEvent::BranchClosed {}]),
            (
                Self::Unopened | Self::Closed {},
                BranchCommand::Amend { .. } | BranchCommand::Use | BranchCommand::Close,
            ) => Err(Rejection::BranchNotFound),
        }
    }

    fn evolve(&mut self, event: &BranchEvent) {
        match event {
            BranchEvent::BranchOpened { branch_id, code, location } => {
                *self = Self::Open {
                    branch_id: *branch_id,
                    code: code.clone(),
                    location: location.clone(),
                    used: false,
                };
            }
            BranchEvent::BranchAmended { code: new_code, location: new_location } => {
                if let Self::Open { code, location, .. } = self {
                    code.clone_from(new_code);
                    location.clone_from(new_location);
                }
            }
            BranchEvent::BranchUsed {} => {
                if let Self::Open { used, .. } = self {
                    *used = true;
                }
            }
            BranchEvent::BranchClosed {} => *self = Self::Closed {},
        }
    }
}
