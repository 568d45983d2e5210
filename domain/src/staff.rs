//! Rules over the staff as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, BranchId, Event, Rejection, RoleId, UserId};

/// The one stream (id [`Staff::STREAM`]) that knows who is an active superadmin and who belongs to which branch,
/// so that the last superadmin stays and a branch with people is not deleted.
///
/// Only staff is in it: registering a customer never waits for it. Whoever is deactivated still belongs to their
/// branch, but counts as no superadmin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    members: BTreeMap<UserId, Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Member {
    superadmin: bool,
    branch: Option<BranchId>,
    active: bool,
}

/// All but the first are refused with [`Rejection::UserNotFound`] for who is not in it, and with
/// [`Rejection::LastSuperadmin`] if no active superadmin were left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffCommand {
    /// Refused with [`Rejection::AlreadyExists`] for somebody who is in it: counted twice, a branch would never
    /// be empty again.
    Join {
        user: UserId,
        roles: Vec<RoleId>,
        branch: Option<BranchId>,
    },
    Leave {
        user: UserId,
    },
    /// `roles`: all that they hold from then on.
    ChangeRoles {
        user: UserId,
        roles: Vec<RoleId>,
    },
    Move {
        user: UserId,
        branch: BranchId,
    },
    Deactivate {
        user: UserId,
    },
    Reactivate {
        user: UserId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum StaffEvent {
    /// Somebody of the staff, for the rules that concern all of it.
    StaffJoined { user: UserId, roles: Vec<RoleId>, branch: Option<BranchId> },
    /// Not of the staff any more.
    StaffLeft { user: UserId, branch: Option<BranchId> },
    /// The roles from then on, whole.
    StaffRolesChanged { user: UserId, roles: Vec<RoleId> },
    /// To another branch.
    StaffMoved { user: UserId, branch: BranchId },
    /// Does not count as active, for the last superadmin.
    StaffDeactivated { user: UserId },
    /// Counts as active again.
    StaffReactivated { user: UserId },
}

impl Event for StaffEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Staff {
    pub const STREAM: &str = "staff";

    /// How many of the staff belong to the branch, the deactivated among them.
    #[must_use]
    pub fn people_of(&self, branch: BranchId) -> usize {
        self.members.values().filter(|member| member.branch == Some(branch)).count()
    }

    /// How many may administer everything.
    #[must_use]
    pub fn active_superadmins(&self) -> usize {
        self.members.values().filter(|member| member.counts()).count()
    }

    fn member(&self, user: UserId) -> Result<Member, Rejection> {
        self.members.get(&user).copied().ok_or(Rejection::UserNotFound)
    }

    /// `member` is about to be no active superadmin any more.
    fn may_lose(&self, member: Member) -> Result<(), Rejection> {
        if member.counts() && self.active_superadmins() == 1 {
            Err(Rejection::LastSuperadmin)
        } else {
            Ok(())
        }
    }

    fn change(&mut self, user: UserId, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.members.get_mut(&user) {
            change(member);
        }
    }
}

impl Member {
    fn counts(self) -> bool {
        self.superadmin && self.active
    }
}

impl Aggregate for Staff {
    tie_to_any!(Staff);
    type Command = StaffCommand;
    type Event = StaffEvent;

    fn decide(&self, command: StaffCommand) -> Result<Vec<StaffEvent>, Rejection> {
        let event = match command {
            StaffCommand::Join { user, roles, branch } => {
                if self.members.contains_key(&user) {
                    return Err(Rejection::AlreadyExists);
                }
                Some(StaffEvent::StaffJoined { user, roles, branch })
            }
            StaffCommand::Leave { user } => {
                let member = self.member(user)?;
                self.may_lose(member)?;
                Some(StaffEvent::StaffLeft { user, branch: member.branch })
            }
            StaffCommand::ChangeRoles { user, roles } => {
                let member = self.member(user)?;
                if !roles.contains(&RoleId::SUPERADMIN) {
                    self.may_lose(member)?;
                }
                Some(StaffEvent::StaffRolesChanged { user, roles })
            }
            StaffCommand::Move { user, branch } => {
                let moves = self.member(user)?.branch != Some(branch);
                moves.then_some(StaffEvent::StaffMoved { user, branch })
            }
            StaffCommand::Deactivate { user } => {
                let member = self.member(user)?;
                self.may_lose(member)?;
                member.active.then_some(StaffEvent::StaffDeactivated { user })
            }
            StaffCommand::Reactivate { user } => {
                (!self.member(user)?.active).then_some(StaffEvent::StaffReactivated { user })
            }
        };
        Ok(event.into_iter().collect())
    }

    fn evolve(&mut self, event: &StaffEvent) {
        match event {
            StaffEvent::StaffJoined { user, roles, branch } => {
                let superadmin = roles.contains(&RoleId::SUPERADMIN);
                self.members.insert(*user, Member { superadmin, branch: *branch, active: true });
            }
            StaffEvent::StaffLeft { user, .. } => {
                self.members.remove(user);
            }
            StaffEvent::StaffRolesChanged { user, roles } => {
                self.change(*user, |member| member.superadmin = roles.contains(&RoleId::SUPERADMIN));
            }
            StaffEvent::StaffMoved { user, branch } => {
                self.change(*user, |member| member.branch = Some(*branch));
            }
            StaffEvent::StaffDeactivated { user } => self.change(*user, |member| member.active = false),
            StaffEvent::StaffReactivated { user } => self.change(*user, |member| member.active = true),
        }
    }
}
