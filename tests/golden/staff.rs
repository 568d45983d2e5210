//! §8: a member of the staff looks at a person.

use serde_json::json;

use super::super::rest_smoke::Server;
use super::messages::{Golden, documented};
use crate::served::shape::{INSTANT, assert_documented};

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let officer = server.login("marketing.jkt@loan.com", "marketing123").await;
    let id = server.get("/api/customer/profile", &john).await.ok(200)["id"].as_i64().unwrap();
    let path = format!("/api/users/{id}");

    let shown = server.get(&path, &officer).await;
    golden.row("STAFF_USER", &shown);
    let mut values = documented("USER");
    (values["timestamp"], values["data"]["id"]) = (INSTANT.into(), json!(id));
    assert_documented(&shown.json, &values);
    for (email, password) in [
        ("bm.sby@loan.com", "bm123"),
        ("backoffice@loan.com", "backoffice123"),
        ("admin@loan.com", "admin123"),
    ] {
        let token = server.login(email, password).await;
        golden.row("STAFF_USER", &server.get(&path, &token).await);
    }
    golden.row("STAFF_USER_MISSING", &server.get("/api/users/999999", &officer).await);
    golden.row("STAFF_USER_NO_NUMBER", &server.get("/api/users/first", &officer).await);
    golden.row("STAFF_USER_CUSTOMER", &server.get(&path, &john).await);
}
