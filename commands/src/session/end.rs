//! A logout.

use lumbung_domain::{Session, SessionCommand};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// Ends the actor's own session; its tokens are refused from then on.
#[derive(Debug, Clone, Copy)]
pub struct EndSession {
    pub actor: Actor,
}

impl UseCase for EndSession {
    const NAME: &'static str = "EndSession";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        self.actor.caller(book)?;
        book.run::<Session>(self.actor.session, SessionCommand::End)
    }
}
