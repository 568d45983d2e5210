//! `gates.tsv`: the gate table of CONTRACT §2, copied by hand, and who passes which gate. Knows nothing of the product's own
//! gates, so that the two can disagree.

use std::collections::BTreeMap;

const GATES: &str = include_str!("gates.tsv");

/// The roles, by name, with their grants at the start; CONTRACT §2, copied by hand.
pub(super) const ROLES: [(&str, &[&str]); 8] = [
    ("SUPERADMIN", &["*"]),
    ("MARKETING", &["LOAN_READ_BRANCH", "LOAN_APPROVE_MARKETING", "LOAN_REJECT"]),
    ("BRANCH_MANAGER", &["LOAN_READ_BRANCH", "LOAN_APPROVE_BRANCH_MANAGER", "LOAN_REJECT"]),
    (
        "BACKOFFICE",
        &[
            "LOAN_READ_ALL",
            "LOAN_APPROVE_BACKOFFICE",
            "LOAN_REJECT",
            "NOTIFICATION_SEND",
            "LEDGER_READ",
            "LOAN_SERVICE",
        ],
    ),
    (
        "CUSTOMER",
        &[
            "LOAN_CREATE",
            "LOAN_READ",
            "PRODUCT_READ",
            "BRANCH_READ",
            "PROFILE_READ",
            "PROFILE_UPDATE",
            "PLAFOND_READ",
            "PLAFOND_SELECT",
        ],
    ),
    ("AUDITOR", &["AUDIT_READ", "AUDIT_EXPORT", "LEDGER_READ"]),
    ("ANALYST", &["ANALYTICS_READ", "LEDGER_READ"]),
    ("OPERATOR", &["OPERATIONS_READ", "OPERATIONS_MANAGE"]),
];

/// What `*` does not grant.
const NOT_IN_WILDCARD: [&str; 10] = [
    "LOAN_APPROVE_MARKETING",
    "LOAN_APPROVE_BRANCH_MANAGER",
    "LOAN_APPROVE_BACKOFFICE",
    "LOAN_REJECT",
    "LOAN_CREATE",
    "LOAN_READ",
    "PROFILE_READ",
    "PROFILE_UPDATE",
    "PLAFOND_READ",
    "PLAFOND_SELECT",
];

const APPROVALS: [&str; 3] =
    ["LOAN_APPROVE_MARKETING", "LOAN_APPROVE_BRANCH_MANAGER", "LOAN_APPROVE_BACKOFFICE"];

/// Whose, or of which branch, the thing is that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Object {
    /// The path names nothing of anybody.
    Nothing,
    /// The caller's own; of staff, something of their branch.
    Own,
    /// Another person's, in the caller's branch.
    Other,
    /// Another person's, in another branch.
    OtherBranch,
}

/// One line of the table.
pub(crate) struct Gate {
    words: Vec<&'static str>,
    pub(super) objects: Vec<Object>,
    /// What an admitted caller is told by the probe.
    success: u16,
}

impl Object {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "-",
            Self::Own => "own",
            Self::Other => "other",
            Self::OtherBranch => "branch",
        }
    }
}

/// Every gate, by method and path.
pub(crate) fn gates() -> BTreeMap<(&'static str, &'static str), Gate> {
    let every = [Object::Nothing, Object::Own, Object::Other, Object::OtherBranch];
    let lines = GATES.lines().skip(1).map(|line| {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let [method, path, gate, objects, success] = cells[..] else { panic!("not 5 columns: {line}") };
        let named = |name| every.into_iter().find(|object| object.name() == name).unwrap();
        let objects = objects.split(',').map(named).collect();
        let gate = Gate { words: gate.split(' ').collect(), objects, success: success.parse().unwrap() };
        ((method, path), gate)
    });
    lines.collect()
}

impl Gate {
    /// Whether everybody may pass, without so much as a token.
    pub(crate) fn is_open(&self) -> bool {
        self.words[0] == "none"
    }

    /// The status for a caller of this role; `None`: nobody in particular.
    pub(super) fn status(&self, role: Option<&str>, object: Object) -> u16 {
        match role {
            _ if self.words[0] == "none" => self.success,
            None => 401,
            Some(role) if self.admits(role, object) => self.success,
            Some(_) => 403,
        }
    }

    /// Of a deactivated user a session is none; what needs none does not look at it.
    pub(super) fn status_of_deactivated(&self) -> u16 {
        self.status(None, Object::Nothing)
    }

    fn admits(&self, role: &str, object: Object) -> bool {
        let customer = role == "CUSTOMER";
        let holds = |permission: &&str| holds(role, permission);
        let of_reach = object != Object::OtherBranch || !["MARKETING", "BRANCH_MANAGER"].contains(&role);
        let any_approval = APPROVALS.iter().any(holds);
        let permissions = &self.words[1..];
        match self.words[0] {
            "session" => true,
            "cust" => customer && permissions.iter().all(holds),
            "own" => customer && permissions.iter().all(holds) && object == Object::Own,
            // The customer's own; officers date it back, in every branch.
            "repay" => (customer && object == Object::Own) || permissions.iter().all(holds),
            "list" => {
                (customer && holds(&"LOAN_READ")) || holds(&"LOAN_READ_BRANCH") || holds(&"LOAN_READ_ALL")
            }
            "read" => {
                (customer && holds(&"LOAN_READ") && object == Object::Own)
                    || (holds(&"LOAN_READ_BRANCH") && of_reach && role != "SUPERADMIN")
                    || holds(&"LOAN_READ_ALL")
            }
            "approve" => any_approval,
            "decide" => any_approval && permissions.iter().all(holds) && of_reach,
            "all" => permissions.iter().all(holds),
            "staff" => ["USER_READ", "LOAN_READ_BRANCH", "LOAN_READ_ALL"].iter().any(holds),
            "file" => {
                ["USER_READ", "LOAN_READ_BRANCH", "LOAN_READ_ALL"].iter().any(holds)
                    || (customer && object == Object::Own)
            }
            other => panic!("no gate {other}"),
        }
    }
}

fn holds(role: &str, permission: &str) -> bool {
    let (_, grants) = ROLES.iter().find(|(name, _)| *name == role).unwrap();
    grants.contains(&permission) || (grants.contains(&"*") && !NOT_IN_WILDCARD.contains(&permission))
}
