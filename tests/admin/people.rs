//! `/api/admin/users` and `/api/users/{id}`.

use serde_json::{Value, json};

use crate::rest_smoke::{Server, send};
use crate::served::shape::{INSTANT, NUMBER, assert_documented};

/// 004 §6.1, with the fields of §6.2, §6.9 and CONTRACT §3.
fn user(name: &str, email: &str, active: bool, roles: &[&str], branch: Option<(i64, &str, &str)>) -> Value {
    let place = branch
        .map(|(id, code, location)| json!({"id": id, "code": code, "location": location, "name": location}));
    json!({
        "id": NUMBER, "name": name, "email": email, "userType": "INTERNAL", "isActive": active, "roles": roles,
        "branch": place, "branchId": branch.map(|(id, ..)| id), "branchName": branch.map(|(.., at)| at),
        "createdAt": INSTANT,
    })
}

fn success(message: &str, data: &Value) -> Value {
    json!({"success": true, "message": message, "data": data, "timestamp": INSTANT})
}

const JKT: Option<(i64, &str, &str)> = Some((1, "JKT", "Jakarta"));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_member_of_the_staff() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (name, email) = ("New Marketing", "new.marketing@loan.com");
    let body = json!({"name": name, "email": email, "password": "password123", "roleId": 2, "branchId": 1});
    let created = server.post("/api/admin/users", &admin, body).await;
    assert_eq!((created.status.as_u16(), created.headers["etag"].as_str()), (201, "\"1\""));
    let whole = user(name, email, true, &["MARKETING"], JKT);
    assert_documented(&created.json, &success("Internal user created successfully", &whole));
    let id = created.json["data"]["id"].as_i64().unwrap();
    let path = format!("/api/admin/users/{id}");

    // They work at once.
    let token = server.login(email, "password123").await;
    server.get("/api/approval/pending", &token).await.ok(200);

    let amendment = json!({"name": "Updated Name", "email": "updated.email@loan.com", "branchId": 2});
    let amended = server.put(&path, &admin, amendment).await;
    let sby = Some((2, "SBY", "Surabaya"));
    let whole = user("Updated Name", "updated.email@loan.com", true, &["MARKETING"], sby);
    assert_documented(&amended.json, &success("User updated successfully", &whole));
    assert_eq!(amended.headers["etag"], "\"2\"");
    // The old e-mail is free, the new one logs in.
    assert_eq!(server.get("/api/approval/pending", &token).await.error().0, 401);
    let token = server.login("Updated.Email@loan.com", "password123").await;
    let (other, _) = server.hire(&admin, email, 4, None).await;
    assert_ne!(other, id);

    let assigned = server.post(&format!("{path}/roles"), &admin, json!({"roleId": 3})).await;
    let whole = user("Updated Name", "updated.email@loan.com", true, &["MARKETING", "BRANCH_MANAGER"], sby);
    assert_documented(&assigned.json, &success("Role assigned successfully", &whole));
    // Again is the same.
    let again = server.post(&format!("{path}/roles"), &admin, json!({"roleId": 3})).await;
    assert_eq!((again.status.as_u16(), &again.headers["etag"]), (200, &assigned.headers["etag"]));
    for (role, left) in [(2, &["BRANCH_MANAGER"][..]), (3, &[])] {
        let removed = server.delete(&format!("{path}/roles/{role}"), &admin).await;
        let whole = user("Updated Name", "updated.email@loan.com", true, left, sby);
        assert_documented(&removed.json, &success("Role removed successfully", &whole));
    }
    let gone = server.delete(&format!("{path}/roles/3"), &admin).await;
    assert_eq!(gone.error(), (404, "ROLE_NOT_FOUND", "Role not found"));
    assert_eq!(server.get("/api/approval/pending", &token).await.error().0, 403);

    let off = server.patch(&format!("{path}/status"), &admin, json!({"isActive": false})).await;
    let whole = user("Updated Name", "updated.email@loan.com", false, &[], sby);
    assert_documented(&off.json, &success("User status updated successfully", &whole));
    assert_eq!(server.post("/api/auth/logout", &token, json!({})).await.error().0, 401);
    let credentials = json!({"email": "updated.email@loan.com", "password": "password123"});
    let login = || server.request(reqwest::Method::POST, "/api/auth/login").json(&credentials);
    assert_eq!(send(login()).await.error(), (401, "INVALID_CREDENTIALS", "Invalid email or password"));
    // Sessions from before stay over.
    server.patch(&format!("{path}/status"), &admin, json!({"isActive": true})).await.ok(200);
    assert_eq!(server.post("/api/auth/logout", &token, json!({})).await.error().0, 401);
    send(login()).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_listed_and_looked_up() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let listed = server.get("/api/admin/users", &admin).await;
    assert_eq!(listed.json["message"], "Success");
    let users = listed.ok(200);
    let users = users.as_array().unwrap();
    let with = |email: &str| users.iter().find(|user| user["email"] == email).unwrap();
    assert_documented(
        with("marketing.jkt@loan.com"),
        &user("Marketing Jakarta", "marketing.jkt@loan.com", true, &["MARKETING"], JKT),
    );
    assert_documented(
        with("admin@loan.com"),
        &user("Super Admin", "admin@loan.com", true, &["SUPERADMIN"], None),
    );
    assert_eq!(with("john.doe@email.com")["userType"], "CUSTOMER");
    assert!(users.is_sorted_by_key(|user| user["id"].as_i64()));

    // In pages of four, following the links.
    let mut path = "/api/admin/users?limit=4".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = server.get(&path, &admin).await;
        let link = page.headers.get("link").cloned();
        seen.extend(page.ok(200).as_array().unwrap().iter().map(|user| user["id"].clone()));
        let Some(link) = link else { break };
        path = link.split(['<', '>']).nth(1).unwrap().to_owned();
    }
    assert_eq!(seen, users.iter().map(|user| user["id"].clone()).collect::<Vec<_>>());

    // The staff sees a customer's profile, and the ETag is the one that a change wants.
    let john = with("john.doe@email.com")["id"].as_i64().unwrap();
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let looked = server.get(&format!("/api/users/{john}"), &marketing).await;
    let documented = json!({
        "id": john, "name": "John Doe", "email": "john.doe@email.com", "userType": "CUSTOMER", "isActive": true,
        "roles": ["CUSTOMER"], "branch": null, "branchId": null, "branchName": null, "createdAt": INSTANT,
        "profile": {
            "nik": "3201234567890001", "birthdate": "1990-05-15", "phoneNumber": "+6281234567890",
            "address": "Jl. Sudirman No. 123, Jakarta", "ktpUrl": null, "kkUrl": null,
            "npwpUrl": null, "isComplete": true,
        },
    });
    assert_documented(&looked.json, &success("Success", &documented));
    let etag = looked.headers["etag"].clone();
    let amend = |etag: &str| {
        let request = server.request(reqwest::Method::PUT, &format!("/api/admin/users/{john}"));
        request.bearer_auth(&admin).header("If-Match", etag).json(&json!({"name": "John D."}))
    };
    let amended = send(amend(&etag)).await;
    assert_eq!(amended.headers["etag"], "\"3\"");
    assert_eq!(send(amend(&etag)).await.error().1, "VERSION_MISMATCH");
    let looked = server.get(&format!("/api/users/{john}"), &marketing).await;
    assert_eq!((looked.headers["etag"].as_str(), &looked.json["data"]["name"]), ("\"3\"", &json!("John D.")));
    let jane = with("jane.smith@email.com")["id"].as_i64().unwrap();
    let looked = server.get(&format!("/api/users/{jane}"), &admin).await.ok(200);
    assert_eq!(looked["profile"]["isComplete"], false);
    assert!(looked["profile"].as_object().unwrap()["nik"].is_null());

    // Who may not.
    let customer = server.login("jane.smith@email.com", "customer123").await;
    let operator = server.login("operator@loan.com", "operator123").await;
    for token in [&customer, &operator] {
        for path in ["/api/admin/users", &format!("/api/users/{jane}")] {
            assert_eq!(server.get(path, token).await.error(), (403, "ACCESS_DENIED", "Access Denied"));
        }
    }
    assert_eq!(server.get("/api/admin/users", &marketing).await.error().0, 403);
    for missing in ["999999", "0", "x", "99999999999999999999"] {
        let answer = server.get(&format!("/api/users/{missing}"), &admin).await;
        assert_eq!(answer.error(), (404, "USER_NOT_FOUND", "User not found"), "{missing}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_about_people() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let valid = json!({"name": "N", "email": "n@loan.com", "password": "password123", "roleId": 4});
    let but = |name: &str, value: Value| {
        let mut body = valid.clone();
        body[name] = value;
        body
    };
    for (body, status, message) in [
        (but("roleId", json!(2)), 400, "Branch is required for MARKETING role"),
        (but("roleId", json!(3)), 400, "Branch is required for BRANCH_MANAGER role"),
        (but("roleId", json!(5)), 400, "Cannot assign CUSTOMER role to internal user"),
        (but("roleId", json!(99)), 404, "Role not found"),
        (but("branchId", json!(99)), 404, "Branch not found"),
        (but("email", json!("JOHN.doe@email.com")), 409, "Email already exists"),
        (but("userType", json!("CUSTOMER")), 400, "Cannot create customer via admin endpoint"),
        (
            json!({"name": "N", "email": "n@loan.com", "password": "password123", "userType": "CUSTOMER"}),
            400,
            "Cannot create customer via admin endpoint",
        ),
        (but("userType", json!("STAFF")), 400, "userType: must be INTERNAL or CUSTOMER"),
        (but("password", json!("short")), 400, "password: size must be between 6 and 100"),
        (but("roleId", json!("4")), 400, "roleId: must be a number"),
        (but("branchId", json!(1.5)), 400, "branchId: must be an integer"),
        (json!({}), 400, "name: is required"),
    ] {
        let answer = server.post("/api/admin/users", &admin, body.clone()).await;
        assert_eq!((answer.error().0, answer.error().2), (status, message), "{body}");
    }
    let many = server.post("/api/admin/users", &admin, json!({})).await;
    let fields: Vec<_> =
        many.json["errors"].as_array().unwrap().iter().map(|fault| &fault["field"]).collect();
    assert_eq!(fields, ["name", "email", "password", "roleId"]);

    let john = server.number_of(&admin, "john.doe@email.com").await;
    let backoffice = server.number_of(&admin, "backoffice@loan.com").await;
    let of = |id: i64, rest: &str| format!("/api/admin/users/{id}{rest}");
    let put = |id, body| server.put_(of(id, ""), &admin, body);
    for (answer, status, message) in [
        (put(999_999, json!({"name": "X"})).await, 404, "User not found"),
        (put(john, json!({"branchId": 1})).await, 400, "Cannot assign a customer to a branch"),
        (put(backoffice, json!({"branchId": 99})).await, 404, "Branch not found"),
        (put(john, json!({"email": "jane.smith@email.com"})).await, 409, "Email already exists"),
        (put(john, json!({"name": " "})).await, 400, "name: must not be blank"),
        (put(john, json!({"email": "x"})).await, 400, "email: must be a valid email"),
        (server.put("/api/admin/users/x", &admin, json!({})).await, 400, "id: must be an integer"),
        (server.patch(&of(john, "/status"), &admin, json!({})).await, 400, "isActive: is required"),
        (
            server.patch(&of(john, "/status"), &admin, json!({"isActive": "no"})).await,
            400,
            "isActive: must be true or false",
        ),
        (
            server.patch(&of(999_999, "/status"), &admin, json!({"isActive": true})).await,
            404,
            "User not found",
        ),
        (
            server.post(&of(john, "/roles"), &admin, json!({"roleId": 4})).await,
            400,
            "Cannot assign an internal role to a customer",
        ),
        (
            server.post(&of(backoffice, "/roles"), &admin, json!({"roleId": 5})).await,
            400,
            "Cannot assign CUSTOMER role to internal user",
        ),
        (
            server.post(&of(backoffice, "/roles"), &admin, json!({"roleId": 2})).await,
            400,
            "Branch is required for MARKETING role",
        ),
        (server.post(&of(backoffice, "/roles"), &admin, json!({"roleId": 9})).await, 404, "Role not found"),
        (server.post(&of(999_999, "/roles"), &admin, json!({"roleId": 4})).await, 404, "User not found"),
        (server.delete(&of(backoffice, "/roles/9"), &admin).await, 404, "Role not found"),
        (server.delete("/api/admin/users/x/roles/y", &admin).await, 400, "userId: must be an integer"),
    ] {
        assert_eq!((answer.error().0, answer.error().2), (status, message));
    }
    // Nothing of it was done.
    let looked = server.get(&format!("/api/users/{john}"), &admin).await;
    assert_eq!(looked.headers["etag"], "\"2\"");
    server.login("john.doe@email.com", "customer123").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_amendment_changes_nothing_and_spelling_moves_no_claim() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let john = server.number_of(&admin, "john.doe@email.com").await;
    let path = format!("/api/admin/users/{john}");
    let same = server.put(&path, &admin, json!({"name": null})).await;
    assert_eq!((same.status.as_u16(), same.headers["etag"].as_str()), (200, "\"2\""));
    let spelled = server.put(&path, &admin, json!({"email": "John.DOE@email.com"})).await.ok(200);
    assert_eq!(spelled["email"], "John.DOE@email.com");
    server.login("john.doe@email.com", "customer123").await;
    // Under a key, the same again is the same bytes, though the e-mail has moved meanwhile.
    let body = r#"{"email":"j.doe@email.com"}"#;
    let keyed = || {
        let request = server.request(reqwest::Method::PUT, &path).bearer_auth(&admin);
        let request = request.header("Idempotency-Key", "move").header("Content-Type", "application/json");
        send(request.body(body))
    };
    let (first, again) = (keyed().await, keyed().await);
    assert_eq!((first.status.as_u16(), &first.text), (200, &again.text));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    server.login("j.doe@email.com", "customer123").await;
}

impl Server {
    async fn put_(&self, path: String, token: &str, body: Value) -> crate::rest_smoke::Answer {
        self.put(&path, token, body).await
    }
}
