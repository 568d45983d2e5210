//! An operator has a parked transfer tried again.

use lumbung_domain::{TransferCommand, TransferId};

use super::TransferOutcome;
use super::park::operate;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// A parked transfer is pending again; the process manager takes it up.
///
/// Rejections: [`lumbung_domain::Rejection::AccessDenied`], [`lumbung_domain::Rejection::TransferNotFound`],
/// [`lumbung_domain::Rejection::VersionMismatch`], [`lumbung_domain::Rejection::TransferWrongStatus`].
#[derive(Debug, Clone)]
pub struct RetryTransfer {
    pub actor: Actor,
    pub transfer: TransferId,
    /// Of the transfer.
    pub expected: Expected,
}

impl UseCase for RetryTransfer {
    const NAME: &'static str = "RetryTransfer";
    type Outcome = TransferOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<TransferOutcome, Halt> {
        operate(book, self.actor, self.transfer, &self.expected, TransferCommand::Retry)
    }
}
