//! A transfer as a command left it.

use lumbung_domain::{Rejection, Rupiah, Transfer, TransferId, TransferStatus, UserId};
use serde::{Deserialize, Serialize};

use crate::ledger::{Book, Halt};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferOutcome {
    pub transfer_id: TransferId,
    pub status: TransferStatus,
    pub amount_rupiah: Rupiah,
    pub sender: UserId,
    pub target: UserId,
    /// Of the transfer.
    pub version: i64,
}

/// How a transfer stands after its end was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferEnd {
    pub status: TransferStatus,
    /// It was brought there by this command; otherwise it stood so and nothing happened.
    pub now: bool,
}

impl TransferOutcome {
    pub(super) fn read(book: &mut Book<'_>, transfer: TransferId) -> Result<Self, Halt> {
        let version = book.version::<Transfer>(transfer)?;
        match &*book.read::<Transfer>(transfer)? {
            Transfer::Unstarted => Err(Rejection::TransferNotFound.into()),
            Transfer::Started { instruction, status } => Ok(Self {
                transfer_id: instruction.transfer_id,
                status: *status,
                amount_rupiah: instruction.amount_rupiah,
                sender: instruction.sender,
                target: instruction.target,
                version,
            }),
        }
    }
}
