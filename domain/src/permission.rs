//! Permissions and the sets of them that roles grant (CONTRACT §2).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Rejection;

/// What a role may allow. The discriminant is the permission's public id; ids never change.
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
#[repr(u8)]
pub enum Permission {
    UserCreate = 1,
    UserRead = 2,
    UserUpdate = 3,
    UserDelete = 4,
    LoanCreate = 5,
    LoanRead = 6,
    LoanReadBranch = 7,
    LoanReadAll = 8,
    LoanApproveMarketing = 9,
    LoanApproveBranchManager = 10,
    LoanApproveBackoffice = 11,
    LoanReject = 12,
    ProductRead = 13,
    BranchRead = 14,
    RoleCreate = 15,
    RoleRead = 16,
    RoleUpdate = 17,
    RoleDelete = 18,
    PermissionRead = 19,
    ProfileRead = 20,
    ProfileUpdate = 21,
    PlafondRead = 22,
    PlafondSelect = 23,
    NotificationSend = 24,
    AuditRead = 25,
    AuditExport = 26,
    AnalyticsRead = 27,
    OperationsRead = 28,
    OperationsManage = 29,
    BranchManage = 30,
    LedgerRead = 31,
    LoanService = 32,
    ProductManage = 33,
}

impl Permission {
    /// The public id, 1–33.
    #[must_use]
    pub fn id(self) -> u8 {
        self as u8
    }

    /// The permission with this public id.
    #[must_use]
    pub fn of_id(id: i64) -> Option<Self> {
        Self::all().iter().copied().find(|permission| i64::from(permission.id()) == id)
    }

    /// All there are, in the order of their ids.
    #[must_use]
    pub fn all() -> &'static [Self] {
        <Self as strum::VariantArray>::VARIANTS
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether a customer may ever have it. Nothing else is granted to one, whatever their role says: they would decide
    /// on each other's loans and read each other's data.
    #[must_use]
    pub fn is_for_customers(self) -> bool {
        matches!(
            self,
            Self::LoanCreate
                | Self::LoanRead
                | Self::ProductRead
                | Self::BranchRead
                | Self::ProfileRead
                | Self::ProfileUpdate
                | Self::PlafondRead
                | Self::PlafondSelect
        )
    }

    /// Whether `*` grants it. Deciding on loans and the customer's own endpoints must be granted by name: a
    /// superadmin administers, and neither lends nor borrows.
    #[must_use]
    pub fn is_in_wildcard(self) -> bool {
        !matches!(
            self,
            Self::LoanApproveMarketing
                | Self::LoanApproveBranchManager
                | Self::LoanApproveBackoffice
                | Self::LoanReject
                | Self::LoanCreate
                | Self::LoanRead
                | Self::ProfileRead
                | Self::ProfileUpdate
                | Self::PlafondRead
                | Self::PlafondSelect
        )
    }
}

/// The permissions of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grants {
    /// `*`: everything of which [`Permission::is_in_wildcard`] says so.
    Wildcard,
    Only(BTreeSet<Permission>),
}

impl Default for Grants {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Grants {
    #[must_use]
    pub fn only(permissions: &[Permission]) -> Self {
        Self::Only(permissions.iter().copied().collect())
    }

    #[must_use]
    pub fn allow(&self, permission: Permission) -> bool {
        match self {
            Self::Wildcard => permission.is_in_wildcard(),
            Self::Only(set) => set.contains(&permission),
        }
    }

    /// # Errors
    /// [`Rejection::PermissionNotForCustomers`], with the first that is none of theirs.
    pub fn are_for_customers(&self) -> Result<(), Rejection> {
        let first = Permission::all().iter().find(|one| match self {
            Self::Wildcard => !one.is_for_customers(),
            Self::Only(set) => set.contains(one) && !one.is_for_customers(),
        });
        first.map_or(Ok(()), |permission| {
            Err(Rejection::PermissionNotForCustomers { permission: *permission })
        })
    }

    /// The names as the API shows them, in the order of the ids; `*` for the wildcard.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Self::Wildcard => vec!["*"],
            Self::Only(set) => set.iter().map(|permission| permission.name()).collect(),
        }
    }
}
