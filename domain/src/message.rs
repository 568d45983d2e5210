//! One message to somebody: what must leave the house is first a fact in the log.
//!
//! Delivery is at least once: a message is taken out of the queue only after the provider took it. Its content is sealed
//! for the recipient and opened at delivery.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, Letter, MessageId, Rejection, Sealed, UserId};

/// Stream id: the [`MessageId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    #[default]
    Unqueued,
    Pending {
        attempts: u32,
    },
    /// A provider took it, it was given up, or it had become pointless.
    Closed,
}

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    Email,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageKind {
    PasswordReset,
    /// To the address that an account had.
    EmailChanged,
}

/// A message as it enters the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    pub message_id: MessageId,
    pub recipient: UserId,
    pub channel: Channel,
    pub kind: MessageKind,
    pub content: Sealed<Letter>,
    pub queued_at: DateTime<Utc>,
    /// Nobody wants it after that.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why an attempt failed, without a word of the provider's: it may repeat the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryFailure {
    /// No provider answered, or not in time.
    Unreachable,
    /// The provider asked to try again later.
    Deferred,
    /// The provider will not take it, however often it is tried.
    Refused,
}

/// Why a message was not sent and will not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Dropped {
    Expired,
    /// The recipient was erased; there is nothing to open and nobody to write to.
    Erased,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageCommand {
    Queue(Queued),
    /// A provider took it. Of a message that is closed already nothing happens.
    MarkSent {
        sent_at: DateTime<Utc>,
    },
    /// An attempt failed. Without another instant to try at, it is parked.
    MarkFailed {
        because: DeliveryFailure,
        retry_at: Option<DateTime<Utc>>,
    },
    Drop {
        because: Dropped,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum MessageEvent {
    /// A message is to be sent, durably.
    MessageQueued(Queued),
    /// A provider took it.
    MessageSent { sent_at: DateTime<Utc> },
    /// A sending failed; there will be another.
    MessageAttemptFailed {
        /// Counted from 1.
        attempt: u32,
        because: DeliveryFailure,
        retry_at: DateTime<Utc>,
    },
    /// Given up until somebody looks at it.
    MessageParked { attempt: u32, because: DeliveryFailure },
    /// It is not sent any more, because it is of no use now.
    MessageDropped { because: Dropped },
}

impl Event for MessageEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Aggregate for Message {
    tie_to_any!(Message);
    type Command = MessageCommand;
    type Event = MessageEvent;

    fn decide(&self, command: MessageCommand) -> Result<Vec<MessageEvent>, Rejection> {
        let event = match (self, command) {
            (Self::Unqueued, MessageCommand::Queue(queued)) => MessageEvent::MessageQueued(queued),
            (Self::Pending { .. } | Self::Closed, MessageCommand::Queue(_)) => {
                return Err(Rejection::AlreadyExists);
            }
            (Self::Pending { .. }, MessageCommand::MarkSent { sent_at }) => {
                MessageEvent::MessageSent { sent_at }
            }
            (Self::Pending { attempts }, MessageCommand::MarkFailed { because, retry_at }) => {
                let attempt = attempts.saturating_add(1);
                match retry_at {
                    Some(retry_at) => MessageEvent::MessageAttemptFailed { attempt, because, retry_at },
                    None => MessageEvent::MessageParked { attempt, because },
                }
            }
            (Self::Pending { .. }, MessageCommand::Drop { because }) => {
                MessageEvent::MessageDropped { because }
            }
            (
                Self::Unqueued | Self::Closed,
                MessageCommand::MarkSent { .. }
                | MessageCommand::MarkFailed { .. }
                | MessageCommand::Drop { .. },
            ) => return Ok(Vec::new()),
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &MessageEvent) {
        *self = match event {
            MessageEvent::MessageQueued(_) => Self::Pending { attempts: 0 },
            MessageEvent::MessageAttemptFailed { attempt, .. } => Self::Pending { attempts: *attempt },
            MessageEvent::MessageSent { .. }
            | MessageEvent::MessageParked { .. }
            | MessageEvent::MessageDropped { .. } => Self::Closed,
        };
    }
}
