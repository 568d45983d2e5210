//! Nobody grants what they do not hold, and nobody changes who may do more than they.

use serde_json::json;

use crate::rest_smoke::Server;

const DENIED: (u16, &str, &str) = (403, "ACCESS_DENIED", "Access Denied");

/// A helpdesk: the role ANALYST is lent USER_CREATE, USER_READ, USER_UPDATE and ROLE_UPDATE beside its own two.
async fn helpdesk(server: &Server, admin: &str) -> (i64, String) {
    server.allow(admin, 7, &[27, 31, 1, 2, 3, 17]).await;
    let id = server.number_of(admin, "analyst@loan.com").await;
    (id, server.login("analyst@loan.com", "analyst123").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_grants_what_they_do_not_hold() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (own, helpdesk) = helpdesk(&server, &admin).await;
    let role = |id: i64| format!("/api/admin/roles/{id}/permissions");
    let put = async |id: i64, permissions: &[i64]| {
        server.put(&role(id), &helpdesk, json!({"permissionIds": permissions})).await
    };
    // Of their own role and of others: only what they hold is added, and a role that holds more is not theirs to
    // change, not even to take from it.
    assert_eq!(put(7, &[27, 31, 1, 2, 3, 17, 30]).await.error(), DENIED);
    for of_auditor in [&[25, 26, 31, 16][..], &[25, 26, 31, 2], &[25, 26, 31], &[25], &[]] {
        assert_eq!(put(6, of_auditor).await.error(), DENIED, "{of_auditor:?}");
    }
    server.allow(&admin, 6, &[31, 2]).await;
    assert_eq!(put(6, &[31, 2, 25]).await.error(), DENIED);
    put(6, &[31, 2, 3]).await.ok(200);
    put(6, &[]).await.ok(200);
    // LOAN_APPROVE_* is in no wildcard, and yet whoever holds `*` gives it.
    assert_eq!(put(6, &[9]).await.error(), DENIED);
    server.allow(&admin, 6, &[9, 10, 11, 12]).await;

    // Roles to people, themselves included.
    let operator = server.number_of(&admin, "operator@loan.com").await;
    for (user, wanted) in [(own, 1), (own, 8), (operator, 1)] {
        let answer = server
            .post(&format!("/api/admin/users/{user}/roles"), &helpdesk, json!({"roleId": wanted}))
            .await;
        assert_eq!(answer.error(), DENIED, "{user} {wanted}");
    }
    let new = |role: i64| {
        json!({"name": "N", "email": format!("r{role}@loan.com"), "password": "password123",
                                 "roleId": role, "branchId": 1})
    };
    for above in [1, 2, 4, 8] {
        let answer = server.post("/api/admin/users", &helpdesk, new(above)).await;
        assert_eq!(answer.error(), DENIED, "{above}");
    }
    let peer = server.post("/api/admin/users", &helpdesk, new(7)).await.ok(201);
    assert_eq!(peer["roles"], json!(["ANALYST"]));
    // A 403 is not kept with a key: once they may, the same request does it.
    let body = r#"{"permissionIds":[28]}"#;
    let keyed = async || {
        let request = server.request(reqwest::Method::PUT, &role(8)).bearer_auth(&helpdesk);
        let request = request.header("Idempotency-Key", "k").header("Content-Type", "application/json");
        crate::rest_smoke::send(request.body(body)).await
    };
    server.allow(&admin, 8, &[]).await;
    assert_eq!(keyed().await.error(), DENIED);
    server.allow(&admin, 7, &[27, 31, 1, 2, 3, 17, 28]).await;
    keyed().await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_who_may_do_more_than_they() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (own, helpdesk) = helpdesk(&server, &admin).await;
    let above = server.number_of(&admin, ("admin@loan.com", "").0).await;
    let operator = server.number_of(&admin, "operator@loan.com").await;
    for user in [above, operator] {
        let path = format!("/api/admin/users/{user}");
        let email = json!({"email": "mine@loan.com"});
        assert_eq!(server.put(&path, &helpdesk, email).await.error(), DENIED);
        let off = json!({"isActive": false});
        assert_eq!(server.patch(&format!("{path}/status"), &helpdesk, off).await.error(), DENIED);
        let role = json!({"roleId": 7});
        assert_eq!(server.post(&format!("{path}/roles"), &helpdesk, role).await.error(), DENIED);
        assert_eq!(server.delete(&format!("{path}/roles/1"), &helpdesk).await.error(), DENIED);
    }
    // Customers, peers, who has no role, and oneself.
    let john = server.number_of(&admin, "john.doe@email.com").await;
    server.delete(&format!("/api/admin/users/{operator}/roles/8"), &admin).await.ok(200);
    for user in [john, operator, own] {
        server.put(&format!("/api/admin/users/{user}"), &helpdesk, json!({"name": "Renamed"})).await.ok(200);
    }
    // Without ROLE_UPDATE there is nothing to assign.
    server.allow(&admin, 7, &[1, 2, 3]).await;
    let assign = server.post(&format!("/api/admin/users/{own}/roles"), &helpdesk, json!({"roleId": 7})).await;
    assert_eq!(assign.error(), DENIED);
    assert_eq!(
        server.put("/api/admin/roles/7/permissions", &helpdesk, json!({"permissionIds": []})).await.error(),
        DENIED
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_empties_a_role_to_outrank_its_people() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (_, helpdesk) = helpdesk(&server, &admin).await;
    let victim = format!("/api/admin/users/{}", server.number_of(&admin, "backoffice@loan.com").await);
    let mine = json!({"email": "mine@loan.com"});
    assert_eq!(server.put(&victim, &helpdesk, mine.clone()).await.error(), DENIED);
    let empty = json!({"permissionIds": []});
    assert_eq!(server.put("/api/admin/roles/4/permissions", &helpdesk, empty).await.error(), DENIED);
    assert_eq!(server.put(&victim, &helpdesk, mine).await.error(), DENIED);
    server.login("backoffice@loan.com", "backoffice123").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_moves_themselves_to_another_branch() {
    let server = Server::start().await;
    let admin = server.admin().await;
    server.allow(&admin, 2, &[7, 9, 12, 3]).await;
    let own = server.number_of(&admin, "marketing.jkt@loan.com").await;
    let peer = server.number_of(&admin, "marketing.sby@loan.com").await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let path = format!("/api/admin/users/{own}");
    let moved = server.put(&path, &marketing, json!({"name": "M", "branchId": 2})).await;
    assert_eq!(moved.error(), DENIED);
    // To where they are is no move.
    let stayed = server.put(&path, &marketing, json!({"name": "M", "branchId": 1})).await.ok(200);
    assert_eq!((&stayed["name"], &stayed["branchId"]), (&json!("M"), &json!(1)));
    server.put(&format!("/api/admin/users/{peer}"), &marketing, json!({"branchId": 1})).await.ok(200);
    let chief = server.number_of(&admin, "admin@loan.com").await;
    server.put(&format!("/api/admin/users/{chief}"), &admin, json!({"branchId": 2})).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_of_the_administration_is_the_administrators() {
    let server = Server::start().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let customer = server.login("john.doe@email.com", "customer123").await;
    for (method, path) in lumbung::rest::ROUTES.iter().filter(|(_, path)| path.starts_with("/api/admin/")) {
        let path = path.replace("{id}", "1").replace("{userId}", "1").replace("{roleId}", "1");
        let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        for token in [&marketing, &customer] {
            let answer = server.ask(method.clone(), &path, token, json!("junk")).await;
            assert_eq!(answer.error(), DENIED, "{method} {path}");
        }
        let anonymous = crate::rest_smoke::send(server.request(method.clone(), &path)).await;
        assert_eq!(anonymous.error(), (401, "UNAUTHORIZED", "Unauthorized"), "{method} {path}");
    }
}
