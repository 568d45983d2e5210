//! The administration gives people roles and takes them away.

use lumbung_domain::{
    Permission, Rejection, Role, RoleId, Staff, StaffCommand, StreamId, User, UserCommand, UserId,
    UserNumber, UserType,
};

use super::UserOutcome;
use super::administration::may_change;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

const PERMISSIONS: [Permission; 2] = [Permission::UserUpdate, Permission::RoleUpdate];

/// Gives a person one more role; one that they hold already changes nothing.
///
/// Rejections: [`Rejection::AccessDenied`] also for a role that allows more than the caller may,
/// [`Rejection::UserNotFound`], [`Rejection::VersionMismatch`], [`Rejection::RoleNotFound`],
/// [`Rejection::CustomerRoleForInternalUser`], [`Rejection::InternalRoleForCustomer`], [`Rejection::BranchRequired`].
#[derive(Debug, Clone)]
pub struct AssignRole {
    pub actor: Actor,
    pub number: UserNumber,
    pub role: RoleId,
    /// Of the user.
    pub expected: Expected,
}

/// Takes a role from a person.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::UserNotFound`], [`Rejection::VersionMismatch`],
/// [`Rejection::RoleNotFound`], [`Rejection::LastSuperadmin`].
#[derive(Debug, Clone)]
pub struct RemoveRole {
    pub actor: Actor,
    pub number: UserNumber,
    pub role: RoleId,
    /// Of the user.
    pub expected: Expected,
}

impl UseCase for AssignRole {
    const NAME: &'static str = "AssignRole";
    type Outcome = UserOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<UserOutcome, Halt> {
        book.prefetch([StreamId::of::<Role>(self.role), StreamId::of::<Staff>(Staff::STREAM)]);
        let target = may_change(book, self.actor, &PERMISSIONS, self.number)?;
        let role = book.read::<Role>(self.role)?;
        if role.grants().is_some_and(|grants| !target.caller.may_grant(grants)) {
            return Err(Rejection::AccessDenied.into());
        }
        target.check(book, &self.expected)?;
        let (needs_branch, name) = match &*role {
            Role::Defined { name, needs_branch, .. } => (*needs_branch, name),
            Role::Undefined => return Err(Rejection::RoleNotFound.into()),
        };
        change_roles(book, target.user, UserCommand::AssignRole { role: self.role })?;
        if needs_branch && target.person()?.branch.is_none() {
            return Err(Rejection::BranchRequired { role: name.clone() }.into());
        }
        UserOutcome::read(book, target.user)
    }
}

impl UseCase for RemoveRole {
    const NAME: &'static str = "RemoveRole";
    type Outcome = UserOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<UserOutcome, Halt> {
        book.prefetch([StreamId::of::<Staff>(Staff::STREAM)]);
        let target = may_change(book, self.actor, &PERMISSIONS, self.number)?;
        target.check(book, &self.expected)?;
        change_roles(book, target.user, UserCommand::RemoveRole { role: self.role })?;
        UserOutcome::read(book, target.user)
    }
}

/// The person first, then the rules over the staff as a whole.
fn change_roles(book: &mut Book<'_>, user: UserId, command: UserCommand) -> Result<(), Halt> {
    let before = book.version::<User>(user)?;
    book.run::<User>(user, command)?;
    if book.version::<User>(user)? == before {
        return Ok(());
    }
    let state = book.read::<User>(user)?;
    let person = state.person().ok_or(Rejection::UserNotFound)?;
    match person.user_type {
        UserType::Customer => Ok(()),
        UserType::Internal => {
            let roles = person.roles.clone();
            book.run::<Staff>(Staff::STREAM, StaffCommand::ChangeRoles { user, roles })
        }
    }
}
