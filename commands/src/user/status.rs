//! The administration lets a person in or keeps them out.

use lumbung_domain::{Permission, Staff, StaffCommand, StreamId, User, UserCommand, UserNumber, UserType};

use super::UserOutcome;
use super::administration::may_change;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Activates or deactivates a person. Who is deactivated has no session any more, also not when they are back.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::UserNotFound`], [`Rejection::VersionMismatch`],
/// [`Rejection::LastSuperadmin`].
#[derive(Debug, Clone)]
pub struct SetUserStatus {
    pub actor: Actor,
    pub number: UserNumber,
    pub active: bool,
    /// Of the user.
    pub expected: Expected,
}

impl UseCase for SetUserStatus {
    const NAME: &'static str = "SetUserStatus";
    type Outcome = UserOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<UserOutcome, Halt> {
        book.prefetch([StreamId::of::<Staff>(Staff::STREAM)]);
        let target = may_change(book, self.actor, &[Permission::UserUpdate], self.number)?;
        target.check(book, &self.expected)?;
        let user = target.user;
        if target.person()?.user_type == UserType::Internal {
            let command = if self.active {
                StaffCommand::Reactivate { user }
            } else {
                StaffCommand::Deactivate { user }
            };
            book.run::<Staff>(Staff::STREAM, command)?;
        }
        let command = if self.active { UserCommand::Reactivate } else { UserCommand::Deactivate };
        book.run::<User>(user, command)?;
        UserOutcome::read(book, user)
    }
}
