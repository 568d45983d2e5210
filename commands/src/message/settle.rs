//! What became of an attempt to deliver a message.

use chrono::{DateTime, Utc};
use lumbung_domain::{DeliveryFailure, Dropped, Message, MessageCommand, MessageId};

use crate::ledger::{Book, Halt, UseCase};

/// Notes the result of an attempt. Of a message that is closed nothing changes, so it may be noted twice. Not reachable
/// from outside.
#[derive(Debug, Clone, Copy)]
pub struct SettleMessage {
    pub message: MessageId,
    pub delivery: Delivery,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A provider took it.
    Sent,
    /// To be tried again at an instant, or parked.
    Failed { because: DeliveryFailure, retry_at: Option<DateTime<Utc>> },
    /// Not sent on purpose.
    Dropped(Dropped),
}

impl UseCase for SettleMessage {
    const NAME: &'static str = "SettleMessage";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let sent_at = book.now();
        let command = match self.delivery {
            Delivery::Sent => MessageCommand::MarkSent { sent_at },
            Delivery::Failed { because, retry_at } => MessageCommand::MarkFailed { because, retry_at },
            Delivery::Dropped(because) => MessageCommand::Drop { because },
        };
        book.run::<Message>(self.message, command)
    }
}
