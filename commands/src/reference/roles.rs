//! The eight roles and what they may do at the start.

use lumbung_domain::Permission as P;
use lumbung_domain::{Grants, Role, RoleCommand, RoleId, StreamId};

use super::once;
use crate::ledger::{Book, Halt};

pub(super) fn define(book: &mut Book<'_>) -> Result<(), Halt> {
    let roles = roles();
    book.prefetch(roles.iter().map(|(role_id, ..)| StreamId::of::<Role>(*role_id)));
    for (role_id, name, needs_branch, grants) in roles {
        once::<Role>(
            book,
            role_id,
            RoleCommand::Define { role_id, name: name.to_owned(), grants, needs_branch },
        )?;
    }
    Ok(())
}

fn roles() -> [(RoleId, &'static str, bool, Grants); 8] {
    [
        (RoleId::SUPERADMIN, "SUPERADMIN", false, Grants::Wildcard),
        (
            RoleId::MARKETING,
            "MARKETING",
            true,
            Grants::only(&[P::LoanReadBranch, P::LoanApproveMarketing, P::LoanReject]),
        ),
        (
            RoleId::BRANCH_MANAGER,
            "BRANCH_MANAGER",
            true,
            Grants::only(&[P::LoanReadBranch, P::LoanApproveBranchManager, P::LoanReject]),
        ),
        (
            RoleId::BACKOFFICE,
            "BACKOFFICE",
            false,
            Grants::only(&[
                P::LoanReadAll,
                P::LoanApproveBackoffice,
                P::LoanReject,
                P::NotificationSend,
                P::LedgerRead,
                P::LoanService,
            ]),
        ),
        (
            RoleId::CUSTOMER,
            "CUSTOMER",
            false,
            Grants::only(&[
                P::LoanCreate,
                P::LoanRead,
                P::ProductRead,
                P::BranchRead,
                P::ProfileRead,
                P::ProfileUpdate,
                P::PlafondRead,
                P::PlafondSelect,
            ]),
        ),
        (RoleId::AUDITOR, "AUDITOR", false, Grants::only(&[P::AuditRead, P::AuditExport, P::LedgerRead])),
        (RoleId::ANALYST, "ANALYST", false, Grants::only(&[P::AnalyticsRead, P::LedgerRead])),
        (RoleId::OPERATOR, "OPERATOR", false, Grants::only(&[P::OperationsRead, P::OperationsManage])),
    ]
}
