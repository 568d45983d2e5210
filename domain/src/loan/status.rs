//! How far an application got, and who decides next.

use serde::{Deserialize, Serialize};

use crate::Permission;

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
pub enum LoanStatus {
    Submitted,
    MarketingApproved,
    MarketingRejected,
    BranchManagerApproved,
    BmRejected,
    Disbursed,
    Rejected,
    /// The customer took the application back.
    Cancelled,
    /// Nobody decided in time.
    Expired,
    /// Everything was repaid.
    PaidOff,
    /// Nobody expects it to be repaid.
    WrittenOff,
}

/// Who decides next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    Marketing,
    BranchManager,
    Backoffice,
}

impl LoanStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The stage that decides now; `None` once everything is decided.
    #[must_use]
    pub fn awaits(self) -> Option<Stage> {
        match self {
            Self::Submitted => Some(Stage::Marketing),
            Self::MarketingApproved => Some(Stage::BranchManager),
            Self::BranchManagerApproved => Some(Stage::Backoffice),
            Self::MarketingRejected
            | Self::BmRejected
            | Self::Disbursed
            | Self::Rejected
            | Self::Cancelled
            | Self::Expired
            | Self::PaidOff
            | Self::WrittenOff => None,
        }
    }
}

impl Stage {
    #[must_use]
    pub fn approved(self) -> LoanStatus {
        match self {
            Self::Marketing => LoanStatus::MarketingApproved,
            Self::BranchManager => LoanStatus::BranchManagerApproved,
            Self::Backoffice => LoanStatus::Disbursed,
        }
    }

    #[must_use]
    pub fn rejected(self) -> LoanStatus {
        match self {
            Self::Marketing => LoanStatus::MarketingRejected,
            Self::BranchManager => LoanStatus::BmRejected,
            Self::Backoffice => LoanStatus::Rejected,
        }
    }

    /// The permission that decides at this stage.
    #[must_use]
    pub fn permission(self) -> Permission {
        match self {
            Self::Marketing => Permission::LoanApproveMarketing,
            Self::BranchManager => Permission::LoanApproveBranchManager,
            Self::Backoffice => Permission::LoanApproveBackoffice,
        }
    }

    /// The status a loan has while it waits for this stage.
    #[must_use]
    pub fn decides_on(self) -> LoanStatus {
        match self {
            Self::Marketing => LoanStatus::Submitted,
            Self::BranchManager => LoanStatus::MarketingApproved,
            Self::Backoffice => LoanStatus::BranchManagerApproved,
        }
    }

    /// The role that the history names.
    #[must_use]
    pub fn role_name(self) -> &'static str {
        self.into()
    }
}
