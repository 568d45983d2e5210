//! A customer's wallet is credited from outside.

use lumbung_domain::{
    Rejection, Remarks, Rupiah, Sealed, StreamId, TopUpId, Wallet, WalletCommand, WalletSource,
};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Credits the actor's own wallet.
///
/// Rejections: [`Rejection::VersionMismatch`], [`Rejection::BalanceTooLarge`].
#[derive(Debug, Clone)]
pub struct TopUp {
    pub actor: Actor,
    pub top_up_id: TopUpId,
    pub amount: Rupiah,
    pub remarks: Option<Sealed<Remarks>>,
    /// Of the wallet.
    pub expected: Expected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToppedUp {
    pub top_up_id: TopUpId,
    pub amount_rupiah: Rupiah,
    pub balance_before_rupiah: Rupiah,
    pub balance_after_rupiah: Rupiah,
    /// The version of the stream `Wallet`.
    pub version: i64,
}

impl UseCase for TopUp {
    const NAME: &'static str = "TopUp";
    type Outcome = ToppedUp;

    fn decide(&self, book: &mut Book<'_>) -> Result<ToppedUp, Halt> {
        let owner = self.actor.user;
        book.prefetch([StreamId::of::<Wallet>(owner)]);
        self.actor.customer_of_own(book)?;
        self.expected.check_from_the_start(book.version::<Wallet>(owner)?)?;
        let before = book.read::<Wallet>(owner)?.balance();
        let command = WalletCommand::Credit {
            owner,
            amount: self.amount,
            source: WalletSource::TopUp { top_up_id: self.top_up_id },
            remarks: self.remarks.clone(),
            business_on: book.business_on()?,
        };
        book.run::<Wallet>(owner, command)?;
        let after = before.checked_add(self.amount).ok_or(Rejection::BalanceTooLarge)?;
        Ok(ToppedUp {
            top_up_id: self.top_up_id,
            amount_rupiah: self.amount,
            balance_before_rupiah: before,
            balance_after_rupiah: after,
            version: book.version::<Wallet>(owner)?,
        })
    }
}
