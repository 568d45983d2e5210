//! Who is in the demo data. The first six are document 004 §1's.

use lumbung_domain::{BranchId, RoleId};
use uuid::{Uuid, uuid};

pub(crate) struct Account {
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Customer { complete: bool },
    Staff { role: RoleId, branch: Option<BranchId> },
}

/// Logs in by phone and PIN.
pub(crate) struct WalletUser {
    pub(crate) user_id: Uuid,
    pub(crate) phone: &'static str,
    pub(crate) pin: &'static str,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) address: &'static str,
}

/// Whom document 003 §5 sends money to; name and address are §7's.
pub(super) const TOM: WalletUser = WalletUser {
    user_id: uuid!("b7342e8e-e8e7-4a5d-873e-b1b1bfcdeddb"),
    phone: "0811255502",
    pin: "123456",
    first_name: "Tom",
    last_name: "Araya",
    address: "Jl. Diponegoro No. 215",
};

pub(super) struct ClearProfile {
    pub(super) nik: &'static str,
    pub(super) birthdate: &'static str,
    pub(super) phone: &'static str,
    pub(super) address: &'static str,
}

/// Document 004 §3.1.
pub(super) const JOHNS_PROFILE: ClearProfile = ClearProfile {
    nik: "3201234567890001",
    birthdate: "1990-05-15",
    phone: "+6281234567890",
    address: "Jl. Sudirman No. 123, Jakarta",
};

pub(super) const BRANCHES: [(i64, &str, &str); 3] =
    [(JKT.0, "JKT", "Jakarta"), (SBY.0, "SBY", "Surabaya"), (BDG.0, "BDG", "Bandung")];

const JKT: BranchId = BranchId(1);
const SBY: BranchId = BranchId(2);
const BDG: BranchId = BranchId(3);

pub(crate) const ACCOUNTS: &[Account] = &[
    customer("john.doe@email.com", "John Doe", true),
    customer("jane.smith@email.com", "Jane Smith", false),
    staff("marketing.jkt@loan.com", "marketing123", "Marketing Jakarta", RoleId::MARKETING, Some(JKT)),
    staff("bm.jkt@loan.com", "bm123", "Branch Manager Jakarta", RoleId::BRANCH_MANAGER, Some(JKT)),
    staff("backoffice@loan.com", "backoffice123", "Backoffice", RoleId::BACKOFFICE, None),
    staff("admin@loan.com", "admin123", "Super Admin", RoleId::SUPERADMIN, None),
    staff("marketing.sby@loan.com", "marketing123", "Marketing Surabaya", RoleId::MARKETING, Some(SBY)),
    staff("marketing.bdg@loan.com", "marketing123", "Marketing Bandung", RoleId::MARKETING, Some(BDG)),
    staff(
        "marketing.onl@loan.com",
        "marketing123",
        "Marketing Online",
        RoleId::MARKETING,
        Some(BranchId::ONLINE),
    ),
    staff("bm.sby@loan.com", "bm123", "Branch Manager Surabaya", RoleId::BRANCH_MANAGER, Some(SBY)),
    staff("bm.bdg@loan.com", "bm123", "Branch Manager Bandung", RoleId::BRANCH_MANAGER, Some(BDG)),
    staff(
        "bm.onl@loan.com",
        "bm123",
        "Branch Manager Online",
        RoleId::BRANCH_MANAGER,
        Some(BranchId::ONLINE),
    ),
    staff("auditor@loan.com", "auditor123", "Auditor", RoleId::AUDITOR, None),
    staff("analyst@loan.com", "analyst123", "Analyst", RoleId::ANALYST, None),
    staff("operator@loan.com", "operator123", "Operator", RoleId::OPERATOR, None),
];

const fn customer(email: &'static str, name: &'static str, complete: bool) -> Account {
    Account { email, password: "customer123", name, kind: Kind::Customer { complete } }
}

const fn staff(
    email: &'static str,
    password: &'static str,
    name: &'static str,
    role: RoleId,
    branch: Option<BranchId>,
) -> Account {
    Account { email, password, name, kind: Kind::Staff { role, branch } }
}
