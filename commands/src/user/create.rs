//! The administration creates a member of the staff.

use lumbung_domain::{Permission, Rejection, RoleId};
use lumbung_journal::WrappedPersonKey;

use super::{RegisterStaff, UserOutcome};
use crate::authority::{Actor, roles};
use crate::ledger::{Book, Halt, UseCase};

/// Registers a member of the staff for somebody who may, with a role that allows nothing beyond their own.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::CustomerViaAdmin`], and those of [`RegisterStaff`].
#[derive(Debug, Clone)]
pub struct CreateStaff {
    pub actor: Actor,
    pub staff: RegisterStaff,
    /// What was asked for is a customer; they register by themselves.
    pub as_customer: bool,
}

impl UseCase for CreateStaff {
    const NAME: &'static str = "CreateStaff";
    type Outcome = UserOutcome;

    fn person_keys(&self) -> &[WrappedPersonKey] {
        self.staff.person_keys()
    }

    fn decide(&self, book: &mut Book<'_>) -> Result<UserOutcome, Halt> {
        let caller = self.actor.holding(book, &[Permission::UserCreate])?;
        if self.as_customer {
            return Err(Rejection::CustomerViaAdmin.into());
        }
        if self.staff.role == RoleId::CUSTOMER {
            return Err(Rejection::CustomerRoleForInternalUser.into());
        }
        for role in roles(book, &[self.staff.role])? {
            if role.grants().is_some_and(|grants| !caller.may_grant(grants)) {
                return Err(Rejection::AccessDenied.into());
            }
        }
        self.staff.decide(book)?;
        UserOutcome::read(book, self.staff.newcomer.user_id)
    }
}
