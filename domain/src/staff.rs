//! Rules over the staff as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, BranchId, Event, Rejection, RoleId, UserId};

/// The one stream (id [`Staff::STREAM`]) that knows who is an active superadmin and who belongs to which branch,
/// so that the last superadmin stays and a branch with people is not deleted.
///
/// Only staff is in it: registering a customer never waits for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    members: BTreeMap<UserId, Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    superadmin: bool,
    branch: Option<BranchId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffCommand {
    /// Refused with [`Rejection::AlreadyExists`] for somebody who is in it: counted twice, a branch would never
    /// be empty again.
    Join { user: UserId, roles: Vec<RoleId>, branch: Option<BranchId> },
    /// Refused for the last active superadmin.
    Leave { user: UserId },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
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
    pub fn people_of(&self, branch: BranchId) -> usize {
        self.members.values().filter(|member| member.branch == Some(branch)).count()
    }

    fn superadmins(&self) -> usize {
        self.members.values().filter(|member| member.superadmin).count()
    }
}

impl Aggregate for Staff {
    tie_to_any!(Staff);
    type Command = StaffCommand;
    type Event = StaffEvent;

    fn decide(&self, command: StaffCommand) -> Result<Vec<StaffEvent>, Rejection> {
        match command {
            StaffCommand::Join { user, .. } if self.members.contains_key(&user) => {
                Err(Rejection::AlreadyExists)
            }
            StaffCommand::Join { user, roles, branch } => {
                Ok(vec![StaffEvent::StaffJoined { user, roles, branch }])
            }
            StaffCommand::Leave { user } => {
                let member = self.members.get(&user).ok_or(Rejection::UserNotFound)?;
                if member.superadmin && self.superadmins() == 1 {
                    return Err(Rejection::LastSuperadmin);
                }
                Ok(vec![StaffEvent::StaffLeft { user, branch: member.branch }])
            }
        }
    }

    fn evolve(&mut self, event: &StaffEvent) {
        match event {
            StaffEvent::StaffJoined { user, roles, branch } => {
                let superadmin = roles.contains(&RoleId::SUPERADMIN);
                self.members.insert(*user, Member { superadmin, branch: *branch });
            }
            StaffEvent::StaffLeft { user, .. } => {
                self.members.remove(user);
            }
        }
    }
}
