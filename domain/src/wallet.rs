//! A customer's wallet: money that we owe them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{
    Aggregate, Allotment, Event, LoanNumber, PaymentId, Rejection, Remarks, RepaymentId, Rupiah, Sealed,
    TopUpId, TransferId, UserId,
};

/// Stream id: the owner's [`UserId`]. Opens with its first credit.
///
/// Invariant: the balance stays within 0 and [`Rupiah::MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wallet {
    #[default]
    Unopened,
    Open {
        owner: UserId,
        balance_rupiah: Rupiah,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalletCommand {
    /// Adds money. Refused with [`Rejection::BalanceTooLarge`] when the balance would pass [`Rupiah::MAX`].
    Credit {
        owner: UserId,
        amount: Rupiah,
        source: WalletSource,
        remarks: Option<Sealed<Remarks>>,
        business_on: NaiveDate,
    },
    /// Takes money out. Refused with [`Rejection::BalanceNotEnough`] when there is less in it.
    Debit { amount: Rupiah, purpose: WalletPurpose, remarks: Option<Sealed<Remarks>>, business_on: NaiveDate },
}

/// Where credited money comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletSource {
    TopUp {
        top_up_id: TopUpId,
    },
    Disbursement {
        loan: LoanNumber,
    },
    /// From another wallet.
    Transfer {
        transfer_id: TransferId,
    },
    /// Back from a transfer that its receiver could not take.
    Return {
        transfer_id: TransferId,
    },
    /// Back from a repayment that was reversed.
    Reversal {
        repayment_id: RepaymentId,
        loan: LoanNumber,
        /// Below zero: what is taken back.
        allotment: Allotment,
    },
}

/// What debited money is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletPurpose {
    Payment {
        payment_id: PaymentId,
    },
    /// To another wallet.
    Transfer {
        transfer_id: TransferId,
    },
    /// Of a loan.
    Repayment {
        repayment_id: RepaymentId,
        loan: LoanNumber,
        allotment: Allotment,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum WalletEvent {
    /// A customer's wallet, with its first credit.
    WalletOpened { owner: UserId },
    /// Money came in.
    WalletCredited {
        amount_rupiah: Rupiah,
        /// The balance with the credit in it.
        balance_rupiah: Rupiah,
        source: WalletSource,
        remarks: Option<Sealed<Remarks>>,
        business_on: NaiveDate,
    },
    /// Money went out.
    WalletDebited {
        amount_rupiah: Rupiah,
        /// What is left.
        balance_rupiah: Rupiah,
        purpose: WalletPurpose,
        remarks: Option<Sealed<Remarks>>,
        business_on: NaiveDate,
    },
}

impl Event for WalletEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl Wallet {
    /// The money in it; zero before it was opened.
    #[must_use]
    pub fn balance(&self) -> Rupiah {
        match self {
            Self::Unopened => Rupiah::ZERO,
            Self::Open { balance_rupiah, .. } => *balance_rupiah,
        }
    }
}

impl Aggregate for Wallet {
    tie_to_any!(Wallet);
    type Command = WalletCommand;
    type Event = WalletEvent;

    fn decide(&self, command: WalletCommand) -> Result<Vec<WalletEvent>, Rejection> {
        match command {
            WalletCommand::Credit { owner, amount, source, remarks, business_on } => {
                let balance = self.balance().checked_add(amount).ok_or(Rejection::BalanceTooLarge)?;
                let credited = WalletEvent::WalletCredited {
                    amount_rupiah: amount,
                    balance_rupiah: balance,
                    source,
                    remarks,
                    business_on,
                };
                Ok(match self {
                    Self::Unopened => vec![WalletEvent::WalletOpened { owner }, credited],
                    Self::Open { .. } => vec![credited],
                })
            }
            WalletCommand::Debit { amount, purpose, remarks, business_on } => {
                let balance = self.balance().checked_sub(amount).ok_or(Rejection::BalanceNotEnough)?;
                Ok(vec![WalletEvent::WalletDebited {
                    amount_rupiah: amount,
                    balance_rupiah: balance,
                    purpose,
                    remarks,
                    business_on,
                }])
            }
        }
    }

    fn evolve(&mut self, event: &WalletEvent) {
        match event {
            WalletEvent::WalletOpened { owner } => {
                *self = Self::Open { owner: *owner, balance_rupiah: Rupiah::ZERO };
            }
            WalletEvent::WalletCredited { balance_rupiah: balance, .. }
            | WalletEvent::WalletDebited { balance_rupiah: balance, .. } => {
                if let Self::Open { balance_rupiah, .. } = self {
                    *balance_rupiah = *balance;
                }
            }
        }
    }
}
