//! One login, and the chain of refresh tokens that keeps it going.

use chrono::{DateTime, TimeDelta, Utc};
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
        /// The number of the one refresh token that is good.
        #[serde(default)]
        rotation: u32,
        /// When that token replaced the one before it.
        #[serde(default)]
        rotated_at: Option<DateTime<Utc>>,
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
    /// The refresh token of number `rotation` was shown. The good one is replaced by the next. The one before it changes
    /// nothing for [`Session::GRACE`]: its answer may have been lost. Any other was used before, so two parties hold
    /// tokens of this session, and it ends. Refused with [`Rejection::Unauthorized`] if there is nothing to refresh.
    Refresh {
        rotation: u32,
        at: DateTime<Utc>,
    },
    /// Its user ended all of their sessions but this one.
    CarryOver {
        generation: u32,
    },
    /// Ending an ended session changes nothing.
    End,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum SessionEvent {
    /// Somebody logged in. The session ends with the generation of sessions that it belongs to.
    SessionOpened {
        session_id: SessionId,
        user: UserId,
        #[serde(default)]
        generation: u32,
    },
    /// A new refresh token replaced the one before.
    SessionRefreshed { rotation: u32, rotated_at: DateTime<Utc> },
    /// The session outlived the end of its person's sessions, because it is the one that ended them.
    SessionCarriedOver { generation: u32 },
    /// Logged out, or ended because a used refresh token came back.
    SessionEnded {},
}

impl Event for SessionEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Session {
    /// How long the refresh token before the good one is answered as if it were the good one.
    pub const GRACE: TimeDelta = TimeDelta::seconds(10);

    /// The user, while the session is open.
    #[must_use]
    pub fn open_for(&self) -> Option<UserId> {
        match self {
            Self::Open { user, .. } => Some(*user),
            Self::Unopened | Self::Ended { .. } => None,
        }
    }

    /// The number of the good refresh token, while the session is open.
    #[must_use]
    pub fn rotation(&self) -> Option<u32> {
        match self {
            Self::Open { rotation, .. } => Some(*rotation),
            Self::Unopened | Self::Ended { .. } => None,
        }
    }

    /// Whether it is an open session of `person`, who is active and has not ended all of theirs since.
    #[must_use]
    pub fn admits(&self, person: &Person) -> bool {
        match self {
            Self::Open { user, generation, .. } => {
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
            (Self::Open { rotation: good, rotated_at, .. }, SessionCommand::Refresh { rotation, at }) => {
                Self::refresh(*good, *rotated_at, rotation, at)
            }
            (Self::Open { generation: held, .. }, SessionCommand::CarryOver { generation }) => {
                Ok(if *held == generation {
                    Vec::new()
                } else {
                    vec![SessionEvent::SessionCarriedOver { generation }]
                })
            }
            (
                Self::Unopened | Self::Ended { .. },
                SessionCommand::Refresh { .. } | SessionCommand::CarryOver { .. },
            ) => Err(Rejection::Unauthorized),
            (Self::Open { .. }, SessionCommand::End) => Ok(vec![SessionEvent::SessionEnded {}]),
            (Self::Ended { .. }, SessionCommand::End) => Ok(Vec::new()),
            (Self::Unopened, SessionCommand::End) => Err(Rejection::Unauthorized),
        }
    }

    fn evolve(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::SessionOpened { user, generation, .. } => {
                *self = Self::Open { user: *user, generation: *generation, rotation: 0, rotated_at: None };
            }
            SessionEvent::SessionRefreshed { rotation: now, rotated_at: at } => {
                if let Self::Open { rotation, rotated_at, .. } = self {
                    (*rotation, *rotated_at) = (*now, Some(*at));
                }
            }
            SessionEvent::SessionCarriedOver { generation: now } => {
                if let Self::Open { generation, .. } = self {
                    *generation = *now;
                }
            }
            SessionEvent::SessionEnded {} => {
                if let Self::Open { user, .. } = self {
                    *self = Self::Ended { user: *user };
                }
            }
        }
    }
}

impl Session {
    fn refresh(
        good: u32,
        rotated_at: Option<DateTime<Utc>>,
        shown: u32,
        at: DateTime<Utc>,
    ) -> Result<Vec<SessionEvent>, Rejection> {
        if shown == good {
            let rotation = good.checked_add(1).ok_or(Rejection::Unauthorized)?;
            return Ok(vec![SessionEvent::SessionRefreshed { rotation, rotated_at: at }]);
        }
        if shown > good {
            return Err(Rejection::Unauthorized);
        }
        let in_time = rotated_at.is_some_and(|rotated_at| at - rotated_at <= Self::GRACE);
        if shown + 1 == good && in_time { Ok(Vec::new()) } else { Ok(vec![SessionEvent::SessionEnded {}]) }
    }
}
