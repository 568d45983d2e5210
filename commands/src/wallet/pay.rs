//! A customer pays for something out of their wallet.

use lumbung_domain::{
    PaymentId, Rejection, Remarks, Rupiah, Sealed, StreamId, Wallet, WalletCommand, WalletPurpose,
};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Debits the actor's own wallet.
///
/// Rejections: [`Rejection::VersionMismatch`], [`Rejection::BalanceNotEnough`].
#[derive(Debug, Clone)]
pub struct Pay {
    pub actor: Actor,
    pub payment_id: PaymentId,
    pub amount: Rupiah,
    pub remarks: Option<Sealed<Remarks>>,
    /// Of the wallet.
    pub expected: Expected,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    pub payment_id: PaymentId,
    pub amount_rupiah: Rupiah,
    pub remarks: Option<Sealed<Remarks>>,
    pub balance_before_rupiah: Rupiah,
    pub balance_after_rupiah: Rupiah,
    /// The version of the stream `Wallet`.
    pub version: i64,
}

impl UseCase for Pay {
    const NAME: &'static str = "Pay";
    type Outcome = Paid;

    fn decide(&self, book: &mut Book<'_>) -> Result<Paid, Halt> {
        let owner = self.actor.user;
        book.prefetch([StreamId::of::<Wallet>(owner)]);
        self.actor.customer_of_own(book)?;
        self.expected.check_from_the_start(book.version::<Wallet>(owner)?)?;
        let before = book.read::<Wallet>(owner)?.balance();
        let command = WalletCommand::Debit {
            amount: self.amount,
            purpose: WalletPurpose::Payment { payment_id: self.payment_id },
            remarks: self.remarks.clone(),
            business_on: book.business_on()?,
        };
        book.run::<Wallet>(owner, command)?;
        let after = before.checked_sub(self.amount).ok_or(Rejection::BalanceNotEnough)?;
        Ok(Paid {
            payment_id: self.payment_id,
            amount_rupiah: self.amount,
            remarks: self.remarks.clone(),
            balance_before_rupiah: before,
            balance_after_rupiah: after,
            version: book.version::<Wallet>(owner)?,
        })
    }
}
