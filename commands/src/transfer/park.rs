//! A transfer is left alone until an operator has it tried again.

use lumbung_domain::{
    ParkReason, Permission, Rejection, StreamId, Transfer, TransferCommand, TransferId, TransferStatus,
};

use super::{TransferEnd, TransferOutcome};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// An operator parks a pending transfer. The money stays in transit.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::TransferNotFound`], [`Rejection::VersionMismatch`],
/// [`Rejection::TransferWrongStatus`].
#[derive(Debug, Clone)]
pub struct ParkTransfer {
    pub actor: Actor,
    pub transfer: TransferId,
    /// Of the transfer.
    pub expected: Expected,
}

impl UseCase for ParkTransfer {
    const NAME: &'static str = "ParkTransfer";
    type Outcome = TransferOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<TransferOutcome, Halt> {
        let command = TransferCommand::Park { because: ParkReason::Operator };
        operate(book, self.actor, self.transfer, &self.expected, command)
    }
}

/// What operators do with a transfer.
pub(super) fn operate(
    book: &mut Book<'_>,
    actor: Actor,
    transfer: TransferId,
    expected: &Expected,
    command: TransferCommand,
) -> Result<TransferOutcome, Halt> {
    book.prefetch([StreamId::of::<Transfer>(transfer)]);
    actor.holding(book, &[Permission::OperationsManage])?;
    if book.read::<Transfer>(transfer)?.status().is_none() {
        return Err(Rejection::TransferNotFound.into());
    }
    expected.check(book.version::<Transfer>(transfer)?)?;
    book.run::<Transfer>(transfer, command)?;
    TransferOutcome::read(book, transfer)
}

/// Parks a transfer that failed to settle again and again. Of one that is not pending any more nothing happens. Not reachable
/// from outside.
///
/// Rejections: [`Rejection::TransferNotFound`].
#[derive(Debug, Clone, Copy)]
pub struct GiveUpTransfer {
    pub transfer: TransferId,
}

impl UseCase for GiveUpTransfer {
    const NAME: &'static str = "GiveUpTransfer";
    type Outcome = TransferEnd;

    fn decide(&self, book: &mut Book<'_>) -> Result<TransferEnd, Halt> {
        match book.read::<Transfer>(self.transfer)?.status() {
            None => Err(Rejection::TransferNotFound.into()),
            Some(TransferStatus::Pending) => {
                let because = ParkReason::Failing;
                book.run::<Transfer>(self.transfer, TransferCommand::Park { because })?;
                Ok(TransferEnd { status: TransferStatus::Parked, now: true })
            }
            Some(status @ (TransferStatus::Parked | TransferStatus::Success | TransferStatus::Returned)) => {
                Ok(TransferEnd { status, now: false })
            }
        }
    }
}
