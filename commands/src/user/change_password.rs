//! Somebody who is logged in chooses another password.

use lumbung_domain::{
    PasswordChange, PasswordHash, Rejection, Sealed, Session, SessionCommand, User, UserCommand,
};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// Sets a new password and ends every session of the person but the one that asks.
///
/// Rejections: [`Rejection::Unauthorized`], [`Rejection::CurrentPasswordWrong`].
#[derive(Debug, Clone)]
pub struct ChangePassword {
    pub actor: Actor,
    /// `None` if the current password was found wrong, outside the loop because that takes long.
    pub password: Option<NewPassword>,
}

/// A new password, and the one that its owner proved to know.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// The stored hash that the current password was found to fit.
    pub replaces: Sealed<PasswordHash>,
    pub password: Sealed<PasswordHash>,
}

impl UseCase for ChangePassword {
    const NAME: &'static str = "ChangePassword";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let caller = self.actor.caller(book)?;
        let held = caller.person()?.password.as_ref();
        let Some(new) = self.password.as_ref().filter(|new| Some(&new.replaces) == held) else {
            return Err(Rejection::CurrentPasswordWrong.into());
        };
        let Actor { user, session } = self.actor;
        let (password, because) = (new.password.clone(), PasswordChange::Changed);
        book.run::<User>(user, UserCommand::SetPassword { password, because })?;
        let changed = book.read::<User>(user)?;
        let generation = changed.person().ok_or(Rejection::Unauthorized)?.session_generation;
        book.run::<Session>(session, SessionCommand::CarryOver { generation })
    }
}
