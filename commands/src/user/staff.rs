//! A member of the staff is registered.

use lumbung_domain::{
    Branch, BranchId, Claim, ClaimId, Email, Holder, PasswordHash, PersonName, Registration, Rejection, Role,
    RoleId, Sealed, Staff, StaffCommand, StreamId, User, UserCommand, UserId, UserNumber, UserType,
};

use super::register::claim;
use crate::authority::roles;
use crate::ledger::{Book, Halt, UseCase};

/// Registers a member of the staff. Not reachable from outside: the caller has the right to do it, or is the ledger's
/// own start.
///
/// Rejections: [`Rejection::EmailAlreadyExists`], [`Rejection::RoleNotFound`], [`Rejection::BranchRequired`],
/// [`Rejection::BranchNotFound`], [`Rejection::CustomerRoleForInternalUser`].
#[derive(Debug, Clone)]
pub struct RegisterStaff {
    pub user_id: UserId,
    pub number: UserNumber,
    pub name: Sealed<PersonName>,
    pub email: Sealed<Email>,
    pub email_claim: ClaimId,
    pub password: Sealed<PasswordHash>,
    pub role: RoleId,
    pub branch: Option<BranchId>,
}

impl UseCase for RegisterStaff {
    const NAME: &'static str = "RegisterStaff";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let number_claim = ClaimId::user_number(self.number);
        book.expect([
            StreamId::of::<Claim>(self.email_claim.clone()),
            StreamId::of::<Claim>(number_claim.clone()),
            StreamId::of::<User>(self.user_id),
            StreamId::of::<Staff>(Staff::STREAM),
        ]);
        self.check_role_and_branch(book)?;
        let holder = Holder::User(self.user_id);
        claim(book, &self.email_claim, holder, Rejection::EmailAlreadyExists)?;
        claim(book, &number_claim, holder, Rejection::AlreadyExists)?;
        book.run::<User>(
            self.user_id,
            UserCommand::Register(Registration {
                user_id: self.user_id,
                number: self.number,
                user_type: UserType::Internal,
                name: self.name.clone(),
                email: self.email.clone(),
                password: self.password.clone(),
                roles: vec![self.role],
                branch: self.branch,
            }),
        )?;
        book.run::<Staff>(
            Staff::STREAM,
            StaffCommand::Join { user: self.user_id, roles: vec![self.role], branch: self.branch },
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
            && *book.read::<Branch>(branch)? == Branch::Unopened
        {
            return Err(Rejection::BranchNotFound.into());
        }
        Ok(())
    }
}
