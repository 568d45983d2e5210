//! One login.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, Person, Rejection, SessionId, UserId};

/// Stream id: the [`SessionId`]. A token names its session, and the session is looked at on every request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Session {
    #[default]
    Unopened,
    Open {
        user: UserId,
        /// [`Person::session_generation`] when it was opened.
        #[serde(default)]
        generation: u32,
    },
    Ended {
        user: UserId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    Open {
        session_id: SessionId,
        user: UserId,
        generation: u32,
    },
    /// Ending an ended session changes nothing.
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum SessionEvent {
    SessionOpened {
        session_id: SessionId,
        user: UserId,
        #[serde(default)]
        generation: u32,
    },
    SessionEnded {},
}

impl Event for SessionEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Session {
    /// The user, while the session is open.
    #[must_use]
    pub fn open_for(&self) -> Option<UserId> {
        match self {
            Self::Open { user, .. } => Some(*user),
            Self::Unopened | Self::Ended { .. } => None,
        }
    }

    /// Whether it is an open session of `person`, who is active and has not ended all of theirs since.
    #[must_use]
    pub fn admits(&self, person: &Person) -> bool {
        match self {
            Self::Open { user, generation } => {
                person.active && *user == person.user_id && *generation == person.session_generation
            }
            Self::Unopened | Self::Ended { .. } => false,
        }
    }
}

impl Aggregate for Session {
    tie_to_any!(Session);
    type Command = SessionCommand;
    type Event = SessionEvent;

    fn decide(&self, command: SessionCommand) -> Result<Vec<SessionEvent>, Rejection> {
        match (self, command) {
            (Self::Unopened, SessionCommand::Open { session_id, user, generation }) => {
                Ok(vec![SessionEvent::SessionOpened { session_id, user, generation }])
            }
            (Self::Open { .. } | Self::Ended { .. }, SessionCommand::Open { .. }) => {
                Err(Rejection::AlreadyExists)
            }
            (Self::Open { .. }, SessionCommand::End) => Ok(vec![SessionEvent::SessionEnded {}]),
            (Self::Ended { .. }, SessionCommand::End) => Ok(Vec::new()),
            (Self::Unopened, SessionCommand::End) => Err(Rejection::Unauthorized),
        }
    }

    fn evolve(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::SessionOpened { user, generation, .. } => {
                *self = Self::Open { user: *user, generation: *generation };
            }
            SessionEvent::SessionEnded {} => {
                if let Self::Open { user, .. } = self {
                    *self = Self::Ended { user: *user };
                }
            }
        }
    }
}
