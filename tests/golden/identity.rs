//! 003 §1, §2, §7: registering and logging in by phone, names and addresses.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::rest_smoke::{Answer, Server, send};
use super::messages::{Golden, documented};
use crate::served::shape::{TEXT, assert_documented};

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    registers(golden, &server).await;
    logs_in(golden, &server).await;
    profiles(golden, &server).await;
    administers(golden, &server).await;
    limits(golden).await;
}

/// Of document 003 §1.
fn guntur() -> Value {
    json!({
        "first_name": "Guntur", "last_name": "Saputro", "phone_number": "0811255501",
        "address": "Jl. Kebon Sirih No. 1", "pin": "123456",
    })
}

fn but(field: &str, value: &str) -> Value {
    let mut body = guntur();
    body[field] = json!(value);
    body
}

async fn login(server: &Server, phone: &str, pin: &str) -> Answer {
    server.open_post("/login", json!({"phone_number": phone, "pin": pin})).await
}

async fn registers(golden: &mut Golden, server: &Server) {
    for (id, body) in [
        ("IDENTITY_REGISTER_MISSING", json!({})),
        ("IDENTITY_REGISTER_PHONE", but("phone_number", "0211234567")),
        ("IDENTITY_REGISTER_PIN", but("pin", "12345a")),
        ("IDENTITY_REGISTER_TAKEN", but("phone_number", "+62811255502")),
    ] {
        golden.row(id, &server.open_post("/register", body).await);
    }
    let told = server.open_post("/register", guntur()).await;
    golden.row("IDENTITY_REGISTER", &told);
    let mut values = documented("IDENTITY_REGISTERED");
    (values["result"]["user_id"], values["result"]["created_date"]) = (TEXT.into(), TEXT.into());
    assert_documented(&told.json, &values);
}

async fn logs_in(golden: &mut Golden, server: &Server) {
    golden.row("IDENTITY_LOGIN", &login(server, "0811255502", "123456").await);
    golden.row("IDENTITY_LOGIN_PIN", &login(server, "0811255502", "654321").await);
    golden.row("IDENTITY_LOGIN_UNKNOWN", &login(server, "0811255509", "123456").await);
    let admin = server.login("admin@loan.com", "admin123").await;
    let path = format!("/api/admin/users/{}/status", number_of(server, &admin).await);
    for (active, status) in [(false, 401), (true, 200)] {
        server.call(Method::PATCH, &path, &admin, json!({"isActive": active})).await.ok(200);
        let told = login(server, "0811255501", "123456").await;
        assert_eq!(told.status, status);
        if !active {
            golden.row("IDENTITY_LOGIN_DEACTIVATED", &told);
        }
    }
}

/// The id of who registered.
async fn number_of(server: &Server, admin: &str) -> Value {
    let users = server.get("/api/admin/users", admin).await.ok(200);
    users.as_array().unwrap().iter().find(|user| user["phone"] == "+62811255501").unwrap()["id"].clone()
}

async fn profiles(golden: &mut Golden, server: &Server) {
    let told = login(server, "0811255501", "123456").await;
    let token = told.json["result"]["access_token"].as_str().unwrap();
    let tom = json!({"first_name": "Tom", "last_name": "Araya", "address": "Jl. Diponegoro No. 215"});
    let told = server.call(Method::PUT, "/profile", token, tom.clone()).await;
    golden.row("IDENTITY_PROFILE", &told);
    let mut values = documented("IDENTITY_UPDATED");
    (values["result"]["user_id"], values["result"]["updated_date"]) = (TEXT.into(), TEXT.into());
    assert_documented(&told.json, &values);
    let blank = server.call(Method::PUT, "/profile", token, json!({"first_name": " "})).await;
    golden.row("IDENTITY_PROFILE_BLANK", &blank);
    let stale = server.request(Method::PUT, "/profile").bearer_auth(token).header("If-Match", "\"1\"");
    golden.row("IDENTITY_PROFILE_STALE", &send(stale.json(&tom)).await);
    let john = server.login("john.doe@email.com", "customer123").await;
    let told = server.call(Method::PUT, "/profile", &john, json!({"last_name": "Roe"})).await;
    golden.row("IDENTITY_PROFILE_EMAIL", &told);
    golden.also(
        "IDENTITY_PROFILE_EMAIL",
        "the first name",
        &told.json["result"]["first_name"],
        &json!("John"),
    );
    let officer = server.login("marketing.jkt@loan.com", "marketing123").await;
    golden.row("IDENTITY_PROFILE_STAFF", &server.call(Method::PUT, "/profile", &officer, tom.clone()).await);
    golden.row("IDENTITY_PROFILE_NOBODY", &send(server.request(Method::PUT, "/profile").json(&tom)).await);
}

async fn administers(golden: &mut Golden, server: &Server) {
    let admin = server.login("admin@loan.com", "admin123").await;
    let path = format!("/api/admin/users/{}", number_of(server, &admin).await);
    let told = server.call(Method::PUT, &path, &admin, json!({"email": "tom@example.com"})).await;
    golden.row("IDENTITY_NO_EMAIL", &told);
}

async fn limits(golden: &mut Golden) {
    let server = Server::start_with(&[("LUMBUNG_LIMITS_SENSITIVE_REQUESTS_PER_HOUR", "1")]).await;
    assert_eq!(server.open_post("/register", guntur()).await.status, 201);
    let told = server.open_post("/register", but("phone_number", "0811255503")).await;
    golden.row("IDENTITY_REGISTER_LIMIT", &told);
    for attempt in 1..=11 {
        let told = login(&server, "0811255502", &format!("{attempt:06}")).await;
        if attempt == 11 {
            golden.row("IDENTITY_LOGIN_LIMIT", &told);
        } else {
            assert_eq!(told.status, 401, "attempt {attempt}");
        }
    }
}
