//! A transfer comes to its end: the receiver gets the money, or the sender gets it back.

use lumbung_domain::{
    Instruction, ParkReason, Rejection, Remarks, ReturnReason, Rupiah, Sealed, StreamId, Transfer,
    TransferCommand, TransferId, TransferStatus, User, UserId, Wallet, WalletCommand, WalletSource,
};

use super::TransferEnd;
use crate::ledger::{Book, Halt, UseCase};

/// Credits the receiver. One who was deactivated, or whose balance would pass [`Rupiah::MAX`], gets nothing: the money goes
/// back to the sender. If the sender cannot take it either, the transfer is parked. Not reachable from outside.
///
/// Of a transfer that is not pending nothing happens, however often it is asked for: the answer is how it stands.
///
/// Rejections: [`Rejection::TransferNotFound`].
#[derive(Debug, Clone, Copy)]
pub struct SettleTransfer {
    pub transfer: TransferId,
}

impl UseCase for SettleTransfer {
    const NAME: &'static str = "SettleTransfer";
    type Outcome = TransferEnd;

    fn decide(&self, book: &mut Book<'_>) -> Result<TransferEnd, Halt> {
        let transfer = book.read::<Transfer>(self.transfer)?;
        let Some(instruction) = transfer.pending() else {
            let status = transfer.status().ok_or(Rejection::TransferNotFound)?;
            return Ok(TransferEnd { status, now: false });
        };
        let Instruction { sender, target, amount_rupiah: amount, .. } = *instruction;
        book.prefetch([
            StreamId::of::<User>(target),
            StreamId::of::<Wallet>(target),
            StreamId::of::<Wallet>(sender),
        ]);
        let (end, status) = match obstacle(book, target, amount)? {
            None => {
                let source = WalletSource::Transfer { transfer_id: self.transfer };
                credit(book, target, amount, source, instruction.remarks_for_target.clone())?;
                let business_on = book.business_on()?;
                (TransferCommand::Settle { business_on }, TransferStatus::Success)
            }
            Some(because) if takes(book, sender, amount)? => {
                let source = WalletSource::Return { transfer_id: self.transfer };
                credit(book, sender, amount, source, instruction.remarks.clone())?;
                let business_on = book.business_on()?;
                (TransferCommand::Return { because, business_on }, TransferStatus::Returned)
            }
            Some(_) => {
                let because = ParkReason::CannotReturn;
                (TransferCommand::Park { because }, TransferStatus::Parked)
            }
        };
        book.run::<Transfer>(self.transfer, end)?;
        Ok(TransferEnd { status, now: true })
    }
}

/// Why the receiver cannot have the money.
fn obstacle(book: &mut Book<'_>, target: UserId, amount: Rupiah) -> Result<Option<ReturnReason>, Halt> {
    if !book.read::<User>(target)?.person().is_some_and(|person| person.active) {
        return Ok(Some(ReturnReason::TargetNotActive));
    }
    Ok((!takes(book, target, amount)?).then_some(ReturnReason::TargetBalanceTooLarge))
}

fn takes(book: &mut Book<'_>, owner: UserId, amount: Rupiah) -> Result<bool, Halt> {
    Ok(book.read::<Wallet>(owner)?.balance().checked_add(amount).is_some())
}

fn credit(
    book: &mut Book<'_>,
    owner: UserId,
    amount: Rupiah,
    source: WalletSource,
    remarks: Option<Sealed<Remarks>>,
) -> Result<(), Halt> {
    let business_on = book.business_on()?;
    book.run::<Wallet>(owner, WalletCommand::Credit { owner, amount, source, remarks, business_on })
}
