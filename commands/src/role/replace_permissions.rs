//! A role gets another set of permissions, in effect for the next command of whoever holds it.

use std::collections::BTreeSet;

use lumbung_domain::{Grants, Permission, Rejection, Role, RoleCommand, RoleId, StreamId};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Replaces the permissions of a role. Nobody changes a role that holds more than they do, nor gives it more, except who
/// holds `*`: whoever could empty it would outrank its people until somebody fills it again.
///
/// Rejections: [`Rejection::RoleNotFound`], [`Rejection::AccessDenied`], [`Rejection::VersionMismatch`],
/// [`Rejection::SuperadminPermissionsFixed`], [`Rejection::PermissionNotForCustomers`].
#[derive(Debug, Clone)]
pub struct ReplaceRolePermissions {
    pub actor: Actor,
    pub role: RoleId,
    pub permissions: BTreeSet<Permission>,
    /// Of the role.
    pub expected: Expected,
}

/// A role after a command on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleOutcome {
    pub role_id: RoleId,
    pub name: String,
    pub grants: Grants,
    /// The version of the stream `Role`.
    pub version: i64,
}

impl UseCase for ReplaceRolePermissions {
    const NAME: &'static str = "ReplaceRolePermissions";
    type Outcome = RoleOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<RoleOutcome, Halt> {
        book.prefetch([StreamId::of::<Role>(self.role)]);
        let caller = self.actor.holding(book, &[Permission::RoleUpdate])?;
        let role = book.read::<Role>(self.role)?;
        let held = role.grants().ok_or(Rejection::RoleNotFound)?;
        let grants = Grants::Only(self.permissions.clone());
        // What SUPERADMIN may do is nobody's to change: there it is not a question of who asks.
        if self.role != RoleId::SUPERADMIN && !(caller.may_grant(held) && caller.may_grant(&grants)) {
            return Err(Rejection::AccessDenied.into());
        }
        self.expected.check(book.version::<Role>(self.role)?)?;
        book.run::<Role>(self.role, RoleCommand::ReplacePermissions { grants })?;
        let version = book.version::<Role>(self.role)?;
        match &*book.read::<Role>(self.role)? {
            Role::Defined { role_id, name, grants, .. } => {
                Ok(RoleOutcome { role_id: *role_id, name: name.clone(), grants: grants.clone(), version })
            }
            Role::Undefined => Err(Rejection::RoleNotFound.into()),
        }
    }
}
