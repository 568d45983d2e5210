//! The bodies of document 004, with this scenario's values.

use serde_json::{Value, json};

use crate::served::shape::{INSTANT, NUMBER, PRESENT, TEXT};

pub(super) const PLAFOND_ACTIVE: &str = "You already have an active plafond. Cannot select another one.";
pub(super) const PLAFOND_NONE: &str = "You don't have an active plafond. Please select a plafond first.";
pub(super) const PLAFOND_MISSING: &str =
    "Please select a plafond first before submitting a loan application.";
pub(super) const PLAFOND_EXCEEDED: &str = "Requested amount exceeds remaining plafond. Remaining: Rp 2000000";
pub(super) const LOAN_PENDING: &str = "You already have a pending loan application. Please wait until it is fully \
                                       approved or rejected before submitting a new one.";
pub(super) const WRONG_STATUS: &str = "Loan is not in the correct status for your approval";
pub(super) const WRONG_BRANCH: &str = "You can only process loans from your branch";
pub(super) const NO_ACCESS: &str = "You don't have access to this loan application";
pub(super) const ACCESS_DENIED: &str = "Access Denied";

pub(super) const NOTE: &str = "All documents verified and approved";

pub(super) fn success(message: &str, data: Value) -> Value {
    json!({"success": true, "message": message, "data": data, "timestamp": INSTANT})
}

pub(super) fn refused(message: &str) -> Value {
    json!({"success": false, "message": message, "timestamp": INSTANT})
}

/// §2.2.
pub(super) fn login() -> Value {
    success(
        "Login successful",
        json!({
            "token": TEXT,
            "tokenType": "Bearer",
            "userId": NUMBER,
            "email": "john.doe@email.com",
            "name": "John Doe",
            "roles": ["CUSTOMER"],
            "permissions": [
                "LOAN_CREATE", "LOAN_READ", "PRODUCT_READ", "BRANCH_READ",
                "PROFILE_READ", "PROFILE_UPDATE", "PLAFOND_READ", "PLAFOND_SELECT",
            ],
        }),
    )
}

/// §3.3.
pub(super) fn products() -> Value {
    success(
        "Success",
        json!([
            bronze(),
            {"id": 2, "name": "SILVER", "amount": 10_000_000, "tenor": 24, "interestRate": 10.0},
            {"id": 3, "name": "GOLD", "amount": 25_000_000, "tenor": 36, "interestRate": 8.5},
            {"id": 4, "name": "PLATINUM", "amount": 50_000_000, "tenor": 48, "interestRate": 7.0},
        ]),
    )
}

/// §3.4, and `location` of CONTRACT §3.
pub(super) fn branches() -> Value {
    let branch = |id, code, name| json!({"id": id, "code": code, "name": name, "location": name});
    success(
        "Success",
        json!([branch(1, "JKT", "Jakarta"), branch(2, "SBY", "Surabaya"), branch(3, "BDG", "Bandung")]),
    )
}

fn bronze() -> Value {
    json!({"id": 1, "name": "BRONZE", "amount": 5_000_000, "tenor": 12, "interestRate": 12.0})
}

/// §4.1 and §4.2.
pub(super) fn plafond(remaining: i64) -> Value {
    json!({
        "id": NUMBER,
        "product": bronze(),
        "originalAmount": 5_000_000,
        "remainingAmount": remaining,
        "assignedAt": INSTANT,
        "isActive": true,
    })
}

/// An item of a list, §4.2 "Get My Loans".
pub(super) fn listed(loan: i64, status: &str) -> Value {
    json!({
        "id": loan,
        "customerId": NUMBER,
        "customerName": "John Doe",
        "productId": 1,
        "productName": "BRONZE",
        "amount": 3_000_000,
        "tenor": 6,
        "interestRate": 12.0,
        "branchId": 1,
        "branchName": "Jakarta",
        "status": status,
        "createdAt": INSTANT,
    })
}

/// The answer to submit, detail, approve, reject: the union of the list item and §5.1.
pub(super) fn detailed(loan: i64, status: &str) -> Value {
    let mut all = listed(loan, status);
    let more = json!({
        "customerEmail": "john.doe@email.com",
        "customerNik": "3201234567890001",
        "customerPhone": "+6281234567890",
        "customerAddress": "Jl. Sudirman No. 123, Jakarta",
        "customerBirthdate": "1990-05-15",
        "customerKtpPath": PRESENT,
        "customerKkPath": PRESENT,
        "customerNpwpPath": PRESENT,
        "product": bronze(),
        "branch": {"id": 1, "code": "JKT", "location": "Jakarta"},
        "requestedAmount": 3_000_000,
        "requestedTenor": 6,
        "requestedRate": 12.0,
    });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}

/// §4.4 after all three approvals.
pub(super) fn history() -> Value {
    let entry = |status, note, by, role, branch: Value| {
        json!({
            "id": NUMBER,
            "status": status,
            "note": note,
            "approvedBy": by,
            "approvedByRole": role,
            "approvedByBranchName": branch,
            "createdAt": INSTANT,
        })
    };
    json!([
        entry("SUBMITTED", json!("Loan application submitted"), "John Doe", "CUSTOMER", Value::Null),
        entry("MARKETING_APPROVED", json!(NOTE), "Marketing Jakarta", "MARKETING", json!("Jakarta")),
        // A missing note is null.
        entry("BRANCH_MANAGER_APPROVED", Value::Null, TEXT, "BRANCH_MANAGER", json!("Jakarta")),
        entry("DISBURSED", json!(NOTE), TEXT, "BACKOFFICE", Value::Null),
    ])
}
