//! Rules over the staff as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, BranchId, Event, Rejection, RoleId, UserId};

/// The one stream (id [`Staff::STREAM`]) that knows who is an active superadmin and who belongs to which branch,
/// so that the last superadmin stays and a branch with people is not deleted.
///
/// Only staff is in it: registering a customer never waits for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    superadmins: BTreeSet<UserId>,
    people: BTreeMap<BranchId, u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffCommand {
    Join {
        user: UserId,
        roles: Vec<RoleId>,
        branch: Option<BranchId>,
    },
    /// Refused for the last active superadmin.
    Leave {
        user: UserId,
        branch: Option<BranchId>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
pub enum StaffEvent {
    StaffJoined { user: UserId, roles: Vec<RoleId>, branch: Option<BranchId> },
    StaffLeft { user: UserId, branch: Option<BranchId> },
}

impl Event for StaffEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Staff {
    pub const STREAM: &str = "staff";

    /// How many of the staff belong to the branch.
    #[must_use]
    pub fn people_of(&self, branch: BranchId) -> u32 {
        self.people.get(&branch).copied().unwrap_or(0)
    }
}

impl Aggregate for Staff {
    tie_to_any!(Staff);
    type Command = StaffCommand;
    type Event = StaffEvent;

    fn decide(&self, command: StaffCommand) -> Result<Vec<StaffEvent>, Rejection> {
        match command {
            StaffCommand::Join { user, roles, branch } => {
                Ok(vec![StaffEvent::StaffJoined { user, roles, branch }])
            }
            StaffCommand::Leave { user, branch } => {
                if self.superadmins.contains(&user) && self.superadmins.len() == 1 {
                    return Err(Rejection::LastSuperadmin);
                }
                Ok(vec![StaffEvent::StaffLeft { user, branch }])
            }
        }
    }

    fn evolve(&mut self, event: &StaffEvent) {
        match event {
            StaffEvent::StaffJoined { user, roles, branch } => {
                if roles.contains(&RoleId::SUPERADMIN) {
                    self.superadmins.insert(*user);
                }
                if let Some(branch) = branch {
                    *self.people.entry(*branch).or_default() += 1;
                }
            }
            StaffEvent::StaffLeft { user, branch } => {
                self.superadmins.remove(user);
                if let Some(people) = branch.and_then(|branch| self.people.get_mut(&branch)) {
                    *people = people.saturating_sub(1);
                }
            }
        }
    }
}
