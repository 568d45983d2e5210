//! A customer sends money to another one.

use lumbung_domain::{
    Instruction, Rejection, Remarks, Rupiah, Sealed, StreamId, Transfer, TransferCommand, TransferId, User,
    UserId, UserType, Wallet, WalletCommand, WalletPurpose,
};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Debits the actor's own wallet and starts the transfer, in one append; it is settled in the background. Checked in
/// this order: caller, expected version, not to oneself, the receiver, the balance.
///
/// Rejections: [`Rejection::VersionMismatch`], [`Rejection::TransferToSelf`], [`Rejection::TargetUserNotFound`] (also
/// for the deactivated and the staff), [`Rejection::BalanceNotEnough`].
#[derive(Debug, Clone)]
pub struct StartTransfer {
    pub actor: Actor,
    pub transfer_id: TransferId,
    pub target: UserId,
    pub amount: Rupiah,
    /// Sealed for the sender.
    pub remarks: Option<Sealed<Remarks>>,
    /// The same remarks, sealed for the receiver.
    pub remarks_for_target: Option<Sealed<Remarks>>,
    /// Of the sender's wallet.
    pub expected: Expected,
}

/// A transfer that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferBegun {
    pub transfer_id: TransferId,
    pub amount_rupiah: Rupiah,
    pub remarks: Option<Sealed<Remarks>>,
    pub balance_before_rupiah: Rupiah,
    pub balance_after_rupiah: Rupiah,
    /// The version of the stream `Wallet` of the sender.
    pub version: i64,
}

impl UseCase for StartTransfer {
    const NAME: &'static str = "StartTransfer";
    type Outcome = TransferBegun;

    fn decide(&self, book: &mut Book<'_>) -> Result<TransferBegun, Halt> {
        let sender = self.actor.user;
        book.prefetch([StreamId::of::<Wallet>(sender), StreamId::of::<User>(self.target)]);
        book.begin::<Transfer>(self.transfer_id);
        self.actor.customer_of_own(book)?;
        self.expected.check_from_the_start(book.version::<Wallet>(sender)?)?;
        if self.target == sender {
            return Err(Rejection::TransferToSelf.into());
        }
        let target = book.read::<User>(self.target)?;
        let may_receive =
            |person: &lumbung_domain::Person| person.active && person.user_type == UserType::Customer;
        if !target.person().is_some_and(may_receive) {
            return Err(Rejection::TargetUserNotFound.into());
        }
        let before = book.read::<Wallet>(sender)?.balance();
        let business_on = book.business_on()?;
        let debit = WalletCommand::Debit {
            amount: self.amount,
            purpose: WalletPurpose::Transfer { transfer_id: self.transfer_id },
            remarks: self.remarks.clone(),
            business_on,
        };
        book.run::<Wallet>(sender, debit)?;
        let instruction = Instruction {
            transfer_id: self.transfer_id,
            sender,
            target: self.target,
            amount_rupiah: self.amount,
            remarks: self.remarks.clone(),
            remarks_for_target: self.remarks_for_target.clone(),
            business_on,
        };
        book.run::<Transfer>(self.transfer_id, TransferCommand::Start(instruction))?;
        let after = before.checked_sub(self.amount).ok_or(Rejection::BalanceNotEnough)?;
        Ok(TransferBegun {
            transfer_id: self.transfer_id,
            amount_rupiah: self.amount,
            remarks: self.remarks.clone(),
            balance_before_rupiah: before,
            balance_after_rupiah: after,
            version: book.version::<Wallet>(sender)?,
        })
    }
}
