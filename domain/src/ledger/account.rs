//! The chart of accounts.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::Component;

/// An account of the general ledger. Declared in the order of [`Account::code`], in which reports show them.
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
pub enum Account {
    /// Money that the payment gateway holds for us.
    CashAtGateway,
    /// Principal that borrowers owe.
    LoansReceivablePrincipal,
    /// Interest that borrowers owe.
    LoansReceivableInterest,
    /// Fees that borrowers owe.
    LoansReceivableFees,
    /// Penalties that borrowers owe.
    LoansReceivablePenalties,
    /// What we owe to the owners of wallets.
    CustomerWallets,
    /// What left one wallet and has not reached another.
    TransfersInTransit,
    /// What customers paid and merchants have not been given yet.
    MerchantSettlement,
    /// Interest on loans.
    InterestIncome,
    /// Penalties for late payment.
    PenaltyIncome,
    /// Fees of loans.
    FeeIncome,
    /// Loans that nobody expects to be repaid.
    WriteOffs,
}

/// What kind of account it is; says on which side it grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountClass {
    Asset,
    Liability,
    Income,
    Expense,
}

impl Account {
    /// The chart, in the order of the numbers.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its number in the chart: 1xxx assets, 2xxx liabilities, 4xxx income, 5xxx expenses.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::CashAtGateway => 1010,
            Self::LoansReceivablePrincipal => 1110,
            Self::LoansReceivableInterest => 1120,
            Self::LoansReceivableFees => 1130,
            Self::LoansReceivablePenalties => 1140,
            Self::CustomerWallets => 2010,
            Self::TransfersInTransit => 2020,
            Self::MerchantSettlement => 2030,
            Self::InterestIncome => 4010,
            Self::PenaltyIncome => 4020,
            Self::FeeIncome => 4030,
            Self::WriteOffs => 5010,
        }
    }

    /// The account of a number.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|account| i64::from(account.code()) == code)
    }

    /// Its name in the chart, in events and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Where what borrowers owe of a component stands.
    #[must_use]
    pub fn receivable(component: Component) -> Self {
        match component {
            Component::Principal => Self::LoansReceivablePrincipal,
            Component::Interest => Self::LoansReceivableInterest,
            Component::Fee => Self::LoansReceivableFees,
            Component::Penalty => Self::LoansReceivablePenalties,
        }
    }

    /// What charging a component earns; `None` of principal, which was lent.
    #[must_use]
    pub fn income(component: Component) -> Option<Self> {
        match component {
            Component::Principal => None,
            Component::Interest => Some(Self::InterestIncome),
            Component::Fee => Some(Self::FeeIncome),
            Component::Penalty => Some(Self::PenaltyIncome),
        }
    }

    #[must_use]
    pub fn class(self) -> AccountClass {
        match self {
            Self::CashAtGateway
            | Self::LoansReceivablePrincipal
            | Self::LoansReceivableInterest
            | Self::LoansReceivableFees
            | Self::LoansReceivablePenalties => AccountClass::Asset,
            Self::CustomerWallets | Self::TransfersInTransit | Self::MerchantSettlement => {
                AccountClass::Liability
            }
            Self::InterestIncome | Self::PenaltyIncome | Self::FeeIncome => AccountClass::Income,
            Self::WriteOffs => AccountClass::Expense,
        }
    }
}

impl AccountClass {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether a debit makes an account of this class grow (assets and expenses) or a credit (liabilities and income).
    #[must_use]
    pub fn grows_by_debit(self) -> bool {
        matches!(self, Self::Asset | Self::Expense)
    }
}
