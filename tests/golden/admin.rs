//! §6 and §7: users, roles, permissions, branches, and the products of CONTRACT §3.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::rest_smoke::{Answer, Server};
use super::messages::{Golden, documented};
use super::walk::application;

const USERS: &str = "/api/admin/users";
const BRANCHES: &str = "/api/admin/branches";
const PRODUCTS: &str = "/api/admin/products";

/// A superadmin at the keyboard.
struct Desk {
    server: Server,
    admin: String,
}

impl Desk {
    async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        self.server.call(method, path, &self.admin, body).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, body).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, json!({})).await
    }

    /// The number of whoever has this e-mail.
    async fn user(&self, email: &str) -> i64 {
        let users = self.server.get(USERS, &self.admin).await.ok(200);
        let found = users.as_array().unwrap().iter().find(|user| user["email"] == email);
        found.unwrap()["id"].as_i64().unwrap()
    }
}

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let admin = server.login("admin@loan.com", "admin123").await;
    let desk = Desk { server, admin };
    denied(golden, &desk).await;
    let officer = creates(golden, &desk).await;
    updates(golden, &desk, officer).await;
    roles(golden, &desk, officer).await;
    permissions(golden, &desk).await;
    branches(golden, &desk).await;
    products(golden, &desk).await;
}

fn newcomer(email: &str, more: Value) -> Value {
    let mut body = json!({"name": "New Marketing", "email": email, "password": "password123"});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

async fn denied(golden: &mut Golden, desk: &Desk) {
    let server = &desk.server;
    for (email, password) in [("bm.jkt@loan.com", "bm123"), ("john.doe@email.com", "customer123")] {
        let token = server.login(email, password).await;
        for path in [USERS, "/api/admin/roles", "/api/admin/permissions"] {
            golden.row("ADMIN_DENIED", &server.get(path, &token).await);
        }
        golden.row("ADMIN_DENIED", &server.post(USERS, &token, json!({})).await);
        golden.row("ADMIN_DENIED", &server.post(BRANCHES, &token, json!({})).await);
    }
}

async fn creates(golden: &mut Golden, desk: &Desk) -> i64 {
    let created =
        desk.post(USERS, newcomer("new.marketing@loan.com", json!({"roleId": 2, "branchId": 1}))).await;
    golden.row("ADMIN_USER_CREATE", &created);
    let backoffice = newcomer("new.backoffice@loan.com", json!({"roleId": 4}));
    golden.row("ADMIN_USER_CREATE_NO_BRANCH", &desk.post(USERS, backoffice).await);
    for (id, email, more) in [
        ("ADMIN_USER_CREATE_BRANCH", "another@loan.com", json!({"roleId": 2})),
        ("ADMIN_USER_CREATE_EMAIL", "NEW.marketing@loan.com", json!({"roleId": 2, "branchId": 1})),
        ("ADMIN_USER_CREATE_ROLE", "another@loan.com", json!({"roleId": 5})),
        ("ADMIN_USER_CREATE_CUSTOMER", "another@loan.com", json!({"roleId": 5, "userType": "CUSTOMER"})),
        ("ADMIN_USER_CREATE_NO_ROLE", "another@loan.com", json!({"roleId": 99})),
    ] {
        golden.row(id, &desk.post(USERS, newcomer(email, more)).await);
    }
    let mut all = desk.server.get(USERS, &desk.admin).await;
    // Whoever logs in by phone has no e-mail, which the document does not know of.
    let users = all.json["data"].as_array_mut().unwrap();
    let by_phone: Vec<Value> = users.extract_if(.., |user| user["phone"].is_string()).collect();
    let emails: Vec<&Value> = by_phone.iter().map(|user| &user["email"]).collect();
    golden.also("ADMIN_USER_LIST", "the e-mail of who logs in by phone", &json!(emails), &json!([null]));
    golden.row("ADMIN_USER_LIST", &all);
    created.json["data"]["id"].as_i64().unwrap()
}

async fn updates(golden: &mut Golden, desk: &Desk, officer: i64) {
    let path = format!("{USERS}/{officer}");
    let body = json!({"name": "Updated Name", "email": "updated.email@loan.com", "branchId": 2});
    let updated = desk.put(&path, body).await;
    golden.row("ADMIN_USER_UPDATE", &updated);
    golden.also("ADMIN_USER_UPDATE", "branch", &updated.json["data"]["branch"]["code"], &json!("SBY"));
    golden.row("ADMIN_USER_UPDATE_EMAIL", &desk.put(&path, json!({"email": "bm.jkt@loan.com"})).await);
    let nobody = format!("{USERS}/999999");
    golden.row("ADMIN_USER_UPDATE_MISSING", &desk.put(&nobody, json!({"name": "Nobody"})).await);

    let status = async |user: i64, active: bool| {
        desk.call(Method::PATCH, &format!("{USERS}/{user}/status"), json!({"isActive": active})).await
    };
    let deactivated = status(officer, false).await;
    golden.row("ADMIN_USER_STATUS", &deactivated);
    golden.also("ADMIN_USER_STATUS", "isActive", &deactivated.json["data"]["isActive"], &json!(false));
    golden.row("ADMIN_USER_STATUS", &status(officer, true).await);
    golden.row("ADMIN_USER_STATUS_MISSING", &status(999_999, false).await);
    golden.row("ADMIN_USER_STATUS_LAST", &status(desk.user("admin@loan.com").await, false).await);
}

async fn roles(golden: &mut Golden, desk: &Desk, officer: i64) {
    let assign = async |user: i64, role: i64| {
        desk.post(&format!("{USERS}/{user}/roles"), json!({"roleId": role})).await
    };
    let remove = async |user: i64, role: i64| desk.delete(&format!("{USERS}/{user}/roles/{role}")).await;
    let assigned = assign(officer, 3).await;
    golden.row("ADMIN_ROLE_ASSIGN", &assigned);
    let both = json!(["MARKETING", "BRANCH_MANAGER"]);
    golden.also("ADMIN_ROLE_ASSIGN", "roles", &assigned.json["data"]["roles"], &both);
    golden.row("ADMIN_ROLE_ASSIGN_MISSING", &assign(officer, 99).await);
    golden.row("ADMIN_ROLE_ASSIGN_USER", &assign(999_999, 2).await);
    golden.row("ADMIN_ROLE_ASSIGN_CUSTOMER_ROLE", &assign(officer, 5).await);
    golden.row("ADMIN_ROLE_ASSIGN_CUSTOMER", &assign(desk.user("john.doe@email.com").await, 4).await);
    golden.row("ADMIN_ROLE_ASSIGN_BRANCH", &assign(desk.user("backoffice@loan.com").await, 2).await);
    remove(officer, 2).await.ok(200);
    golden.row("ADMIN_ROLE_REMOVE", &remove(officer, 3).await);
    golden.row("ADMIN_ROLE_REMOVE_LAST", &remove(desk.user("admin@loan.com").await, 1).await);
}

async fn permissions(golden: &mut Golden, desk: &Desk) {
    let roles = desk.server.get("/api/admin/roles", &desk.admin).await;
    golden.row("ADMIN_ROLES", &roles);
    // What the document shows of a role is among what it grants.
    let superset = documented("ROLES")["data"].as_array().unwrap().iter().all(|documented| {
        let told =
            roles.json["data"].as_array().into_iter().flatten().find(|role| role["id"] == documented["id"]);
        let granted =
            |name: &Value| told.is_some_and(|role| role["permissions"].as_array().unwrap().contains(name));
        told.is_some_and(|role| role["name"] == documented["name"])
            && documented["permissions"].as_array().unwrap().iter().all(granted)
    });
    golden.also("ADMIN_ROLES", "the documented grants", &json!(superset), &json!(true));
    let all = desk.server.get("/api/admin/permissions", &desk.admin).await;
    golden.row("ADMIN_PERMISSIONS", &all);
    let first = all.json["data"].as_array().map(|all| all.iter().take(19).cloned().collect::<Vec<_>>());
    golden.also("ADMIN_PERMISSIONS", "the first 19", &json!(first), &documented("PERMISSIONS")["data"]);

    let set = async |token: &str, role: i64, ids: &[i64]| {
        let path = format!("/api/admin/roles/{role}/permissions");
        desk.server.call(Method::PUT, &path, token, json!({"permissionIds": ids})).await
    };
    golden.row("ADMIN_ROLE_PERMISSIONS_FIXED", &set(&desk.admin, 1, &[1, 2]).await);
    golden.row("ADMIN_ROLE_PERMISSIONS_MISSING", &set(&desk.admin, 99, &[1, 2]).await);
    let changed = set(&desk.admin, 2, &[1, 2, 3, 4]).await;
    golden.row("ADMIN_ROLE_PERMISSIONS", &changed);
    let names = json!(["USER_CREATE", "USER_READ", "USER_UPDATE", "USER_DELETE"]);
    golden.also("ADMIN_ROLE_PERMISSIONS", "permissions", &changed.json["data"]["permissions"], &names);
    // An operator who may change roles grants no more than they hold.
    set(&desk.admin, 8, &[17, 28]).await.ok(200);
    let operator = desk.server.login("operator@loan.com", "operator123").await;
    golden.row("ADMIN_DENIED_DELEGATION", &set(&operator, 8, &[17, 28, 29]).await);
    golden.row("ADMIN_DENIED_EMPTYING", &set(&operator, 7, &[]).await);
    golden.row("ADMIN_ROLE_PERMISSIONS_CUSTOMER", &set(&desk.admin, 5, &[5, 2]).await);
    golden.row("ADMIN_ROLE_PERMISSIONS_MANY", &set(&desk.admin, 2, &[1; 34]).await);
}

async fn branches(golden: &mut Golden, desk: &Desk) {
    let created = desk.post(BRANCHES, json!({"code": "YGY", "location": "Yogyakarta"})).await;
    golden.row("ADMIN_BRANCH_CREATE", &created);
    let id = created.json["data"]["id"].as_i64().unwrap();
    let path = format!("{BRANCHES}/{id}");
    let taken = json!({"code": "jkt", "location": "Jakarta"});
    golden.row("ADMIN_BRANCH_CREATE_CODE", &desk.post(BRANCHES, taken.clone()).await);
    golden.row("ADMIN_BRANCH_UPDATE_CODE", &desk.put(&path, taken).await);
    let body = json!({"code": "YGY-UPD", "location": "Yogyakarta Updated"});
    golden.row("ADMIN_BRANCH_UPDATE", &desk.put(&path, body.clone()).await);
    golden.row("ADMIN_BRANCH_UPDATE_MISSING", &desk.put(&format!("{BRANCHES}/99"), body).await);

    // A loan at the new branch, then none of its users: it is still in use.
    let john = desk.server.login("john.doe@email.com", "customer123").await;
    desk.server.post("/api/customer/plafond", &john, json!({"productId": 1})).await.ok(200);
    let mut there = application(1_000_000);
    there["branchId"] = json!(id);
    desk.server.post("/api/loans", &john, there).await.ok(201);
    golden.row("ADMIN_BRANCH_DELETE_LOANS", &desk.delete(&path).await);
    golden.row("ADMIN_BRANCH_DELETE_USERS", &desk.delete(&format!("{BRANCHES}/2")).await);
    golden.row("ADMIN_BRANCH_DELETE_ONLINE", &desk.delete(&format!("{BRANCHES}/0")).await);
    let unused = desk.post(BRANCHES, json!({"code": "MDN", "location": "Medan"})).await.ok(201);
    golden.row("ADMIN_BRANCH_DELETE", &desk.delete(&format!("{BRANCHES}/{}", unused["id"])).await);
}

async fn products(golden: &mut Golden, desk: &Desk) {
    let body =
        json!({"name": "DIAMOND", "amount": 100_000_000, "tenor": 60, "interestRate": 6.5, "active": true});
    let created = desk.post(PRODUCTS, body.clone()).await;
    golden.row("ADMIN_PRODUCT_CREATE", &created);
    let path = format!("{PRODUCTS}/{}", created.json["data"]["id"]);
    golden.row("ADMIN_PRODUCT_UPDATE", &desk.put(&path, body.clone()).await);
    golden.row("ADMIN_PRODUCT_UPDATE_MISSING", &desk.put(&format!("{PRODUCTS}/99"), body.clone()).await);
    golden.row("ADMIN_PRODUCT_CREATE_NAME", &desk.post(PRODUCTS, body.clone()).await);
    golden.row("ADMIN_PRODUCT_UPDATE_NAME", &desk.put(&format!("{PRODUCTS}/1"), body).await);
}
