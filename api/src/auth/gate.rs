//! Who may call which endpoint at all (CONTRACT §2).
//!
//! A gate looks at the permissions of the caller's roles now. Commands are checked again inside the ledger, where
//! it counts; the gate comes first so that nobody learns anything about bodies or ids that they may not use.

use lumbung_domain::{Permission, Rejection, Stage, UserType};
use lumbung_projections::Identity;

/// One gate per kind of endpoint.
pub trait Gate: Send + Sync + 'static {
    fn admits(caller: &Identity) -> bool;

    /// What those are told whom it does not admit.
    fn refusal() -> Rejection {
        Rejection::AccessDenied
    }
}

/// Defines a gate: its name and the question it asks.
macro_rules! gates {
    ($($(#[$doc:meta])* $name:ident: $admits:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Gate for $name {
            fn admits(caller: &Identity) -> bool {
                let admits: fn(&Identity) -> bool = $admits;
                admits(caller)
            }
        }
    )*};
}

gates! {
    /// CUST + PROFILE_READ.
    ProfileRead: |caller| is_customer_with(caller, Permission::ProfileRead);
    /// CUST + PROFILE_UPDATE.
    ProfileUpdate: |caller| is_customer_with(caller, Permission::ProfileUpdate);
    /// CUST + PLAFOND_READ.
    PlafondRead: |caller| is_customer_with(caller, Permission::PlafondRead);
    /// CUST + PLAFOND_SELECT.
    PlafondSelect: |caller| is_customer_with(caller, Permission::PlafondSelect);
    /// CUST + LOAN_CREATE.
    SubmitLoans: |caller| is_customer_with(caller, Permission::LoanCreate);
    /// CUST + LOAN_READ, LOAN_READ_BRANCH or LOAN_READ_ALL; which loans is decided per loan.
    ReadLoans: |caller| {
        is_customer_with(caller, Permission::LoanRead)
            || caller.allows(Permission::LoanReadBranch)
            || caller.allows(Permission::LoanReadAll)
    };
    /// CUST, with what is their own.
    OwnWallet: |caller| caller.person().is_some_and(|person| person.user_type == UserType::Customer);
    /// CUST, of what is their own; or LOAN_SERVICE, dated back.
    RepayLoans: |caller| OwnWallet::admits(caller) || ServiceLoans::admits(caller);
    /// LOAN_SERVICE.
    ServiceLoans: |caller| caller.allows(Permission::LoanService);
    /// LEDGER_READ.
    ReadLedger: |caller| caller.allows(Permission::LedgerRead);
    /// OPERATIONS_READ.
    ReadOperations: |caller| caller.allows(Permission::OperationsRead);
    /// OPERATIONS_MANAGE.
    ManageOperations: |caller| caller.allows(Permission::OperationsManage);
    /// Any LOAN_APPROVE_*.
    DecideLoans: |caller| !stages(caller).is_empty();
    /// USER_CREATE.
    CreateUsers: |caller| caller.allows(Permission::UserCreate);
    /// USER_READ.
    ReadUsers: |caller| caller.allows(Permission::UserRead);
    /// USER_UPDATE.
    UpdateUsers: |caller| caller.allows(Permission::UserUpdate);
    /// USER_UPDATE + ROLE_UPDATE.
    ChangeRolesOfUsers: |caller| UpdateUsers::admits(caller) && UpdateRoles::admits(caller);
    /// ROLE_READ.
    ReadRoles: |caller| caller.allows(Permission::RoleRead);
    /// ROLE_UPDATE.
    UpdateRoles: |caller| caller.allows(Permission::RoleUpdate);
    /// PERMISSION_READ.
    ReadPermissions: |caller| caller.allows(Permission::PermissionRead);
    /// BRANCH_MANAGE.
    ManageBranches: |caller| caller.allows(Permission::BranchManage);
    /// PRODUCT_MANAGE.
    ManageProducts: |caller| caller.allows(Permission::ProductManage);
    /// STAFF: any of USER_READ, LOAN_READ_BRANCH, LOAN_READ_ALL.
    LookAtPeople: is_staff;
    /// Any LOAN_APPROVE_*, and LOAN_REJECT.
    RejectLoans: |caller| DecideLoans::admits(caller) && caller.allows(Permission::LoanReject);
}

/// One loan, for whom [`ReadLoans`] admits; to anyone else it is one more loan that they have no access to.
#[derive(Debug, Clone, Copy)]
pub struct ReadLoan;

impl Gate for ReadLoan {
    fn admits(caller: &Identity) -> bool {
        ReadLoans::admits(caller)
    }

    fn refusal() -> Rejection {
        Rejection::LoanNotYours
    }
}

/// Whether the caller is a customer whose role grants the permission.
pub(crate) fn is_customer_with(caller: &Identity, permission: Permission) -> bool {
    caller.person().is_some_and(|person| person.user_type == UserType::Customer) && caller.allows(permission)
}

/// Whether the caller is of the staff that looks at people: USER_READ, LOAN_READ_BRANCH or LOAN_READ_ALL.
pub(crate) fn is_staff(caller: &Identity) -> bool {
    [Permission::UserRead, Permission::LoanReadBranch, Permission::LoanReadAll]
        .into_iter()
        .any(|permission| caller.allows(permission))
}

/// The stages that the caller may decide at.
pub(crate) fn stages(caller: &Identity) -> Vec<Stage> {
    [Stage::Marketing, Stage::BranchManager, Stage::Backoffice]
        .into_iter()
        .filter(|stage| caller.allows(stage.permission()))
        .collect()
}
