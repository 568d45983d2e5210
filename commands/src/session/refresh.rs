//! A refresh token is shown.

use lumbung_domain::{Session, SessionCommand};
use serde::{Deserialize, Serialize};

use super::open::{SignedIn, signed_in};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// Replaces the refresh token of a session by the next one. A token that was replaced longer than
/// [`Session::GRACE`] ago ends the session: somebody else may hold its successor.
///
/// Rejections: [`lumbung_domain::Rejection::Unauthorized`].
#[derive(Debug, Clone, Copy)]
pub struct RefreshSession {
    pub actor: Actor,
    /// The number that the token carries.
    pub rotation: u32,
}

/// What became of the session. Ending it is an outcome and no rejection: a rejection changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refreshed {
    GoesOn(Box<SignedIn>),
    Ended,
}

impl UseCase for RefreshSession {
    const NAME: &'static str = "RefreshSession";
    type Outcome = Refreshed;

    fn decide(&self, book: &mut Book<'_>) -> Result<Refreshed, Halt> {
        self.actor.caller(book)?;
        let Actor { user, session } = self.actor;
        let at = book.now();
        book.run::<Session>(session, SessionCommand::Refresh { rotation: self.rotation, at })?;
        if book.read::<Session>(session)?.open_for().is_none() {
            return Ok(Refreshed::Ended);
        }
        Ok(Refreshed::GoesOn(Box::new(signed_in(book, session, user)?)))
    }
}
