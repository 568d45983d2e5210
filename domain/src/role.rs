//! Roles: named sets of permissions.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, Grants, Rejection, RoleId};

/// Stream id: the [`RoleId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    #[default]
    Undefined,
    Defined {
        role_id: RoleId,
        name: String,
        grants: Grants,
        /// Whoever holds the role must belong to a branch.
        needs_branch: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleCommand {
    Define {
        role_id: RoleId,
        name: String,
        grants: Grants,
        needs_branch: bool,
    },
    /// Replaces the whole set. Refused for SUPERADMIN, which must stay able to repair everything else, and with
    /// [`Rejection::PermissionNotForCustomers`] for what the role of customers must not hold.
    ReplacePermissions {
        grants: Grants,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum RoleEvent {
    /// A role exists from here on, with what it allows.
    RoleDefined { role_id: RoleId, name: String, grants: Grants, needs_branch: bool },
    /// What the role allows from then on, whole.
    RolePermissionsReplaced { grants: Grants },
}

impl Event for RoleEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Role {
    /// What the role allows; nothing before it is defined.
    #[must_use]
    pub fn grants(&self) -> Option<&Grants> {
        match self {
            Self::Undefined => None,
            Self::Defined { grants, .. } => Some(grants),
        }
    }

    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Undefined => None,
            Self::Defined { name, .. } => Some(name),
        }
    }
}

impl Aggregate for Role {
    tie_to_any!(Role);
    type Command = RoleCommand;
    type Event = RoleEvent;

    fn decide(&self, command: RoleCommand) -> Result<Vec<RoleEvent>, Rejection> {
        match (self, command) {
            (Self::Undefined, RoleCommand::Define { role_id, name, grants, needs_branch }) => {
                Ok(vec![RoleEvent::RoleDefined { role_id, name, grants, needs_branch }])
            }
            (Self::Defined { .. }, RoleCommand::Define { .. }) => Err(Rejection::AlreadyExists),
            (Self::Undefined, RoleCommand::ReplacePermissions { .. }) => Err(Rejection::RoleNotFound),
            (Self::Defined { role_id, .. }, RoleCommand::ReplacePermissions { .. })
                if *role_id == RoleId::SUPERADMIN =>
            {
                Err(Rejection::SuperadminPermissionsFixed)
            }
            (Self::Defined { role_id, grants: held, .. }, RoleCommand::ReplacePermissions { grants }) => {
                if *held == grants {
                    return Ok(Vec::new());
                }
                if *role_id == RoleId::CUSTOMER {
                    grants.are_for_customers()?;
                }
                Ok(vec![RoleEvent::RolePermissionsReplaced { grants }])
            }
        }
    }

    fn evolve(&mut self, event: &RoleEvent) {
        match event {
            RoleEvent::RoleDefined { role_id, name, grants, needs_branch } => {
                *self = Self::Defined {
                    role_id: *role_id,
                    name: name.clone(),
                    grants: grants.clone(),
                    needs_branch: *needs_branch,
                };
            }
            RoleEvent::RolePermissionsReplaced { grants: new } => {
                if let Self::Defined { grants, .. } = self {
                    grants.clone_from(new);
                }
            }
        }
    }
}
