//! A member of the staff is registered.

use lumbung_domain::{Branch, BranchId, Rejection, Role, RoleId, Staff, StaffCommand, StreamId, UserType};
use lumbung_journal::WrappedPersonKey;

use super::Newcomer;
use crate::authority::roles;
use crate::ledger::{Book, Halt, UseCase};

/// Registers a member of the staff. Not reachable from outside: the caller has the right to do it, or is the ledger's
/// own start.
///
/// Rejections: [`Rejection::EmailAlreadyExists`], [`Rejection::RoleNotFound`], [`Rejection::BranchRequired`],
/// [`Rejection::BranchNotFound`], [`Rejection::CustomerRoleForInternalUser`].
#[derive(Debug, Clone)]
pub struct RegisterStaff {
    pub newcomer: Newcomer,
    pub role: RoleId,
    pub branch: Option<BranchId>,
}

impl UseCase for RegisterStaff {
    const NAME: &'static str = "RegisterStaff";
    type Outcome = ();

    fn person_keys(&self) -> &[WrappedPersonKey] {
        std::slice::from_ref(&self.newcomer.key)
    }

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        book.prefetch(self.newcomer.streams());
        book.prefetch([StreamId::of::<Staff>(Staff::STREAM)]);
        self.check_role_and_branch(book)?;
        let taken = Rejection::EmailAlreadyExists;
        self.newcomer.register(book, UserType::Internal, self.role, self.branch, taken)?;
        let user = self.newcomer.user_id;
        book.run::<Staff>(
            Staff::STREAM,
            StaffCommand::Join { user, roles: vec![self.role], branch: self.branch },
        )
    }
}

impl RegisterStaff {
    fn check_role_and_branch(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        for role in roles(book, &[self.role])? {
            match &*role {
                Role::Undefined => return Err(Rejection::RoleNotFound.into()),
                Role::Defined { name, needs_branch: true, .. } if self.branch.is_none() => {
                    return Err(Rejection::BranchRequired { role: name.clone() }.into());
                }
                Role::Defined { .. } => {}
            }
        }
        if let Some(branch) = self.branch
            && !book.read::<Branch>(branch)?.is_open()
        {
            return Err(Rejection::BranchNotFound.into());
        }
        Ok(())
    }
}
