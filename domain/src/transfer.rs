//! A transfer from wallet to wallet: settled in the background, once.
//!
//! The sender's wallet is debited by the append that starts it. It ends settled (the receiver's wallet was credited) or
//! returned (the sender's was), for ever: this stream refuses a second end, whoever asks and however often.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, Rejection, Remarks, Rupiah, Sealed, TransferId, UserId};

/// Stream id: the [`TransferId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transfer {
    #[default]
    Unstarted,
    Started {
        instruction: Box<Instruction>,
        status: TransferStatus,
    },
}

/// How far a transfer got.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum TransferStatus {
    /// The money is in transit.
    Pending,
    /// In transit too, until an operator has it tried again.
    Parked,
    /// The receiver has the money.
    Success,
    /// The sender has it back.
    Returned,
}

/// What the sender asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    pub transfer_id: TransferId,
    pub sender: UserId,
    pub target: UserId,
    /// Above zero.
    pub amount_rupiah: Rupiah,
    /// As the sender may read them: sealed under the sender's key.
    pub remarks: Option<Sealed<Remarks>>,
    /// The same remarks under the receiver's key, so that each of them outlives the other's erasure.
    pub remarks_for_target: Option<Sealed<Remarks>>,
    pub business_on: NaiveDate,
}

/// Why the receiver did not get the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnReason {
    /// The receiver was deactivated after the transfer was started.
    TargetNotActive,
    /// The receiver's balance would pass [`Rupiah::MAX`].
    TargetBalanceTooLarge,
}

/// Why a transfer waits for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ParkReason {
    /// An operator said so.
    Operator,
    /// The receiver cannot take the money, and the sender's balance would pass [`Rupiah::MAX`] with it.
    CannotReturn,
    /// The ledger failed to settle it again and again.
    Failing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferCommand {
    /// Refused with [`Rejection::TransferToSelf`].
    Start(Instruction),
    /// The receiver's wallet is credited by the same append. Of a transfer that is not pending nothing happens.
    Settle { business_on: NaiveDate },
    /// The sender's wallet is credited by the same append. Of a transfer that is not pending nothing happens.
    Return { because: ReturnReason, business_on: NaiveDate },
    /// Refused with [`Rejection::TransferWrongStatus`] unless it is pending.
    Park { because: ParkReason },
    /// Has it tried again. Refused with [`Rejection::TransferWrongStatus`] unless it is parked.
    Retry,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum TransferEvent {
    /// The sender's wallet was debited; the money is on its way.
    TransferStarted(Instruction),
    /// The receiver's wallet was credited.
    TransferSettled { business_on: NaiveDate },
    /// The sender's wallet was credited: the money is back.
    TransferReturned { because: ReturnReason, business_on: NaiveDate },
    /// Left alone until an operator has it tried again.
    TransferParked { because: ParkReason },
    /// An operator had it tried again.
    TransferRetried {},
}

impl Event for TransferEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl TransferStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Transfer {
    #[must_use]
    pub fn status(&self) -> Option<TransferStatus> {
        match self {
            Self::Unstarted => None,
            Self::Started { status, .. } => Some(*status),
        }
    }

    /// What is to be done, while it is still to be done.
    #[must_use]
    pub fn pending(&self) -> Option<&Instruction> {
        match self {
            Self::Started { instruction, status: TransferStatus::Pending } => Some(instruction),
            Self::Started { .. } | Self::Unstarted => None,
        }
    }
}

impl Aggregate for Transfer {
    tie_to_any!(Transfer);
    type Command = TransferCommand;
    type Event = TransferEvent;

    fn decide(&self, command: TransferCommand) -> Result<Vec<TransferEvent>, Rejection> {
        let event = match (self.status(), command) {
            (None, TransferCommand::Start(instruction)) if instruction.sender == instruction.target => {
                return Err(Rejection::TransferToSelf);
            }
            (None, TransferCommand::Start(instruction)) => TransferEvent::TransferStarted(instruction),
            (None, _) => return Err(Rejection::TransferNotFound),
            (Some(TransferStatus::Pending), TransferCommand::Settle { business_on }) => {
                TransferEvent::TransferSettled { business_on }
            }
            (Some(TransferStatus::Pending), TransferCommand::Return { because, business_on }) => {
                TransferEvent::TransferReturned { because, business_on }
            }
            (Some(TransferStatus::Pending), TransferCommand::Park { because }) => {
                TransferEvent::TransferParked { because }
            }
            (Some(TransferStatus::Parked), TransferCommand::Retry) => TransferEvent::TransferRetried {},
            (Some(status), TransferCommand::Park { .. }) => {
                return Err(Rejection::TransferWrongStatus { status, parking: true });
            }
            (Some(status), TransferCommand::Retry) => {
                return Err(Rejection::TransferWrongStatus { status, parking: false });
            }
            (Some(_), TransferCommand::Start(_)) => return Err(Rejection::AlreadyExists),
            (Some(_), TransferCommand::Settle { .. } | TransferCommand::Return { .. }) => {
                return Ok(Vec::new());
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &TransferEvent) {
        let status = match event {
            TransferEvent::TransferStarted(instruction) => {
                let instruction = Box::new(instruction.clone());
                *self = Self::Started { instruction, status: TransferStatus::Pending };
                return;
            }
            TransferEvent::TransferSettled { .. } => TransferStatus::Success,
            TransferEvent::TransferReturned { .. } => TransferStatus::Returned,
            TransferEvent::TransferParked { .. } => TransferStatus::Parked,
            TransferEvent::TransferRetried {} => TransferStatus::Pending,
        };
        if let Self::Started { status: held, .. } = self {
            *held = status;
        }
    }
}
