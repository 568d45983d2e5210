//! `/api/admin/roles` and `/api/admin/permissions`: what is shown, and that a change counts at once.

use serde_json::{Value, json};

use crate::rest_smoke::Server;
use crate::served::shape::{INSTANT, assert_documented};

/// 004 §6.6 with the permissions of CONTRACT §2.
fn roles() -> Value {
    let customer = [
        "LOAN_CREATE",
        "LOAN_READ",
        "PRODUCT_READ",
        "BRANCH_READ",
        "PROFILE_READ",
        "PROFILE_UPDATE",
        "PLAFOND_READ",
        "PLAFOND_SELECT",
    ];
    let backoffice = [
        "LOAN_READ_ALL",
        "LOAN_APPROVE_BACKOFFICE",
        "LOAN_REJECT",
        "NOTIFICATION_SEND",
        "LEDGER_READ",
        "LOAN_SERVICE",
    ];
    let manager = ["LOAN_READ_BRANCH", "LOAN_APPROVE_BRANCH_MANAGER", "LOAN_REJECT"];
    json!([
        {"id": 1, "name": "SUPERADMIN", "permissions": ["*"]},
        {"id": 2, "name": "MARKETING", "permissions": ["LOAN_READ_BRANCH", "LOAN_APPROVE_MARKETING", "LOAN_REJECT"]},
        {"id": 3, "name": "BRANCH_MANAGER", "permissions": manager},
        {"id": 4, "name": "BACKOFFICE", "permissions": backoffice},
        {"id": 5, "name": "CUSTOMER", "permissions": customer},
        {"id": 6, "name": "AUDITOR", "permissions": ["AUDIT_READ", "AUDIT_EXPORT", "LEDGER_READ"]},
        {"id": 7, "name": "ANALYST", "permissions": ["ANALYTICS_READ", "LEDGER_READ"]},
        {"id": 8, "name": "OPERATOR", "permissions": ["OPERATIONS_READ", "OPERATIONS_MANAGE"]},
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_and_permissions_are_shown_by_id() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let listed = server.get("/api/admin/roles", &admin).await;
    let documented = json!({"success": true, "message": "Success", "data": roles(), "timestamp": INSTANT});
    assert_documented(&listed.json, &documented);

    let permissions = server.get("/api/admin/permissions", &admin).await.ok(200);
    let names: Vec<_> =
        permissions.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    let documented = [
        "USER_CREATE",
        "USER_READ",
        "USER_UPDATE",
        "USER_DELETE",
        "LOAN_CREATE",
        "LOAN_READ",
        "LOAN_READ_BRANCH",
        "LOAN_READ_ALL",
        "LOAN_APPROVE_MARKETING",
        "LOAN_APPROVE_BRANCH_MANAGER",
        "LOAN_APPROVE_BACKOFFICE",
        "LOAN_REJECT",
        "PRODUCT_READ",
        "BRANCH_READ",
        "ROLE_CREATE",
        "ROLE_READ",
        "ROLE_UPDATE",
        "ROLE_DELETE",
        "PERMISSION_READ",
        "PROFILE_READ",
        "PROFILE_UPDATE",
        "PLAFOND_READ",
        "PLAFOND_SELECT",
        "NOTIFICATION_SEND",
        "AUDIT_READ",
        "AUDIT_EXPORT",
        "ANALYTICS_READ",
        "OPERATIONS_READ",
        "OPERATIONS_MANAGE",
        "BRANCH_MANAGE",
        "LEDGER_READ",
        "LOAN_SERVICE",
        "PRODUCT_MANAGE",
    ];
    assert_eq!(names, documented);
    for (index, permission) in permissions.as_array().unwrap().iter().enumerate() {
        assert_eq!(permission["id"], index + 1);
    }
    for (path, total) in [("/api/admin/roles", 8), ("/api/admin/permissions", 33)] {
        let first = server.get(&format!("{path}?limit=7"), &admin).await;
        let next = first.headers["link"].split(['<', '>']).nth(1).unwrap().to_owned();
        assert_eq!(first.ok(200).as_array().unwrap().len(), 7);
        let second = server.get(&next, &admin).await;
        assert_eq!(second.headers.contains_key("link"), total > 14, "{path}");
        assert_eq!(second.ok(200)[0]["id"], 8);
        let all = server.get(&format!("{path}?limit={total}"), &admin).await;
        assert!(!all.headers.contains_key("link"));
        let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
        assert_eq!(server.get(path, &marketing).await.error(), (403, "ACCESS_DENIED", "Access Denied"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permission_counts_from_the_next_request_on() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (_, loan) = server.submitted().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let approve = format!("/api/approval/{loan}/approve");
    let path = "/api/admin/roles/2/permissions";
    // LOAN_READ_BRANCH and LOAN_REJECT stay: no approval, in reads and in commands alike.
    let replaced = server.put(path, &admin, json!({"permissionIds": [12, 7, 7]})).await;
    let documented = json!({
        "success": true, "message": "Role permissions updated successfully", "timestamp": INSTANT,
        "data": {"id": 2, "name": "MARKETING", "permissions": ["LOAN_READ_BRANCH", "LOAN_REJECT"]},
    });
    assert_documented(&replaced.json, &documented);
    assert_eq!(server.get("/api/approval/pending", &marketing).await.error().0, 403);
    assert_eq!(server.post(&approve, &marketing, json!({})).await.error().0, 403);
    assert_eq!(
        server.get("/api/admin/roles", &admin).await.ok(200)[1]["permissions"],
        json!(["LOAN_READ_BRANCH", "LOAN_REJECT"])
    );
    // The documented set, in the order of the ids; and back.
    server.allow(&admin, 2, &[1, 2, 3, 4]).await;
    assert_eq!(
        server.get("/api/admin/roles", &admin).await.ok(200)[1]["permissions"],
        json!(["USER_CREATE", "USER_READ", "USER_UPDATE", "USER_DELETE"])
    );
    server.get("/api/admin/users", &marketing).await.ok(200);
    server.allow(&admin, 2, &[7, 9, 12]).await;
    server.post(&approve, &marketing, json!({})).await.ok(200);
    // None at all.
    server.allow(&admin, 2, &[]).await;
    assert_eq!(server.get("/api/loans", &marketing).await.error().0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_about_roles() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (role, body, status, message) in [
        ("1", json!({"permissionIds": [1]}), 409, "The permissions of SUPERADMIN cannot be changed"),
        ("9", json!({"permissionIds": [1]}), 404, "Role not found"),
        ("x", json!({"permissionIds": [1]}), 400, "id: must be an integer"),
        ("2", json!({}), 400, "permissionIds: is required"),
        ("2", json!({"permissionIds": 1}), 400, "permissionIds: must be a list of numbers"),
        (
            "2",
            json!({"permissionIds": [7, 9, 34, 0]}),
            400,
            "permissionIds[2]: is not the id of a permission",
        ),
        ("2", json!({"permissionIds": [7, "9"]}), 400, "permissionIds[1]: must be a number"),
        ("2", json!({"permissionIds": [7.5]}), 400, "permissionIds[0]: must be an integer"),
    ] {
        let answer = server.put(&format!("/api/admin/roles/{role}/permissions"), &admin, body.clone()).await;
        assert_eq!((answer.error().0, answer.error().2), (status, message), "{role} {body}");
    }
    let two =
        server.put("/api/admin/roles/2/permissions", &admin, json!({"permissionIds": [34, null]})).await;
    let fields: Vec<_> = two.json["errors"].as_array().unwrap().iter().map(|fault| &fault["field"]).collect();
    assert_eq!(fields, ["permissionIds[0]", "permissionIds[1]"]);
    // An answer does not grow with what was sent.
    let many =
        server.put("/api/admin/roles/2/permissions", &admin, json!({"permissionIds": vec![0; 34]})).await;
    assert_eq!(many.error().2, "permissionIds: must have at most 33 entries");
    assert_eq!(many.json["errors"].as_array().unwrap().len(), 1);
    let parameters: Vec<String> = (0..1_000).map(|index| format!("p{index}=x")).collect();
    let many = server.get(&format!("/api/admin/roles?{}", parameters.join("&")), &admin).await;
    assert_eq!(many.error().2, "p0: is not a parameter of this list");
    assert_eq!(many.json["errors"].as_array().unwrap().len(), 100);
    assert_eq!(server.get("/api/admin/roles", &admin).await.ok(200), roles());
}
