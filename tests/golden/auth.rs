//! §2: registering, logging in and out, forgotten and changed passwords; what a bad token is told.

use chrono::{TimeDelta, Utc};
use lumbung::auth::Tokens;
use lumbung::secret::SecretKey;
use lumbung_domain::{SessionId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::rest_smoke::Server;
use super::messages::{Golden, documented};
use crate::served::shape::{INSTANT, NUMBER, TEXT, assert_documented};

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    registers(golden, &server).await;
    logs_in(golden, &server).await;
    tokens(golden, &server).await;
    sessions(golden, &server).await;
    deactivated(golden, &server).await;
    no_mail(golden).await;
}

async fn registers(golden: &mut Golden, server: &Server) {
    let body =
        json!({"name": "Test Customer", "email": "test.customer@email.com", "password": "password123"});
    let changed = |field: &str, value: &str| {
        let mut body = body.clone();
        body[field] = json!(value);
        body
    };
    for (id, body) in [
        ("AUTH_REGISTER_EMAIL", changed("email", "invalid-email")),
        ("AUTH_REGISTER_PASSWORD", changed("password", "123")),
        ("AUTH_REGISTER", body.clone()),
        ("AUTH_REGISTER_DUPLICATE", changed("email", "Test.Customer@EMAIL.com")),
    ] {
        golden.row(id, &server.open_post("/api/auth/register", body).await);
    }
}

async fn login(server: &Server, email: &str, password: &str) -> super::super::rest_smoke::Answer {
    server.open_post("/api/auth/login", json!({"email": email, "password": password})).await
}

async fn logs_in(golden: &mut Golden, server: &Server) {
    let told = login(server, "john.doe@email.com", "customer123").await;
    golden.row("AUTH_LOGIN", &told);
    let mut values = documented("LOGIN");
    (values["timestamp"], values["data"]["token"]) = (INSTANT.into(), TEXT.into());
    values["data"]["userId"] = NUMBER.into();
    assert_documented(&told.json, &values);
    for (email, password) in [
        ("jane.smith@email.com", "customer123"),
        ("marketing.jkt@loan.com", "marketing123"),
        ("bm.jkt@loan.com", "bm123"),
        ("backoffice@loan.com", "backoffice123"),
        ("admin@loan.com", "admin123"),
    ] {
        golden.row("AUTH_LOGIN", &login(server, email, password).await);
    }
    golden.row("AUTH_LOGIN_PASSWORD", &login(server, "john.doe@email.com", "customer124").await);
    golden.row("AUTH_LOGIN_UNKNOWN", &login(server, "nobody@email.com", "customer123").await);
}

async fn tokens(golden: &mut Golden, server: &Server) {
    golden.row(
        "AUTH_NO_TOKEN",
        &super::super::rest_smoke::send(server.request(reqwest::Method::GET, "/api/loans")).await,
    );
    let (user, session) = (UserId(Uuid::now_v7()), SessionId(Uuid::now_v7()));
    let lifetime = server.app().tokens.lifetime();
    let elsewhere = Tokens::new(&SecretKey::generate().unwrap(), lifetime, lifetime);
    let other = elsewhere.issue(user, session, Utc::now()).unwrap();
    golden.row("AUTH_INVALID_TOKEN", &server.get("/api/loans", &other).await);
    // A session that is open, in a token that has run out.
    let john = server.login("john.doe@email.com", "customer123").await;
    let known = server.app().tokens.verify(&john).unwrap();
    let long_ago = Utc::now() - TimeDelta::seconds(3_700);
    let expired = server.app().tokens.issue(known.user, known.session, long_ago).unwrap();
    golden.row("AUTH_EXPIRED_TOKEN", &server.get("/api/loans", &expired).await);
    server.get("/api/loans", &john).await.ok(200);
    golden.row("AUTH_LOGOUT", &server.post("/api/auth/logout", &john, json!({})).await);
    golden.row("AUTH_LOGOUT_AFTER", &server.get("/api/loans", &john).await);
}

async fn sessions(golden: &mut Golden, server: &Server) {
    let signed_in = login(server, "john.doe@email.com", "customer123").await.ok(200);
    let refresh =
        async |token: &Value| server.open_post("/api/auth/refresh", json!({"refreshToken": token})).await;
    let refreshed = refresh(&signed_in["refreshToken"]).await;
    golden.row("AUTH_REFRESH", &refreshed);
    golden.row("AUTH_REFRESH", &refresh(&refreshed.json["data"]["refreshToken"]).await);
    golden.row("AUTH_REFRESH_REUSED", &refresh(&signed_in["refreshToken"]).await);
    golden.row("AUTH_REFRESH_INVALID", &refresh(&json!("550e8400-e29b-41d4-a716-446655440000")).await);
    golden.row("AUTH_REFRESH_INVALID", &refresh(&signed_in["token"]).await);

    let jane = server.login("jane.smith@email.com", "customer123").await;
    let change = async |current: &str, new: &str| {
        let body = json!({"currentPassword": current, "newPassword": new});
        server.post("/api/auth/change-password", &jane, body).await
    };
    golden.row("AUTH_CHANGE_PASSWORD_WRONG", &change("customer124", "password123").await);
    golden.row("AUTH_CHANGE_PASSWORD_SIZE", &change("customer123", "123").await);
    golden.row("AUTH_CHANGE_PASSWORD", &change("customer123", "password123").await);
    login(server, "jane.smith@email.com", "password123").await.ok(200);
    resets(golden, server).await;
}

async fn resets(golden: &mut Golden, server: &Server) {
    let email = "test.customer@email.com";
    let before = login(server, email, "password123").await.ok(200);
    let forgot =
        async |email: &str| server.open_post("/api/auth/forgot-password", json!({"email": email})).await;
    golden.row("AUTH_FORGOT_UNKNOWN", &forgot("nobody@email.com").await);
    golden.row("AUTH_FORGOT", &forgot(email).await);
    let reset = async |token: &str, new: &str, confirm: &str| {
        let body = json!({"token": token, "newPassword": new, "confirmPassword": confirm});
        server.open_post("/api/auth/reset-password", body).await
    };
    let bad = "550e8400-e29b-41d4-a716-446655440000";
    golden.row("AUTH_RESET_MISMATCH", &reset(bad, "123", "124").await);
    golden.row("AUTH_RESET_SIZE", &reset(bad, "123", "123").await);
    golden.row("AUTH_RESET_TOKEN", &reset(bad, "newPassword456", "newPassword456").await);
    let token = super::letters::reset_token(server, email).await;
    golden.row("AUTH_RESET", &reset(&token, "newPassword456", "newPassword456").await);
    golden.row("AUTH_RESET_USED", &reset(&token, "newPassword456", "newPassword456").await);
    let old = before["token"].as_str().unwrap();
    golden.row("AUTH_RESET_ENDS_SESSIONS", &server.get("/api/loans", old).await);
    login(server, email, "newPassword456").await.ok(200);
}

/// Letters are nobody's business in production, so without a mail server they go nowhere.
async fn no_mail(golden: &mut Golden) {
    let key = "5a".repeat(32);
    let server = Server::start_with(&[
        ("LUMBUNG_ENVIRONMENT", "production"),
        ("DATABASE_URL", "postgres://localhost/lumbung"),
        ("LUMBUNG_MASTER_KEY", &key),
        ("LUMBUNG_TOKEN_KEY", &key),
    ])
    .await;
    let body = json!({"email": "john.doe@email.com"});
    golden.row("AUTH_FORGOT_NO_MAIL", &server.open_post("/api/auth/forgot-password", body).await);
}

async fn deactivated(golden: &mut Golden, server: &Server) {
    let admin = server.login("admin@loan.com", "admin123").await;
    let officer = login(server, "marketing.bdg@loan.com", "marketing123").await.ok(200);
    let path = format!("/api/admin/users/{}/status", officer["userId"]);
    server.call(reqwest::Method::PATCH, &path, &admin, json!({"isActive": false})).await.ok(200);
    let token = officer["token"].as_str().unwrap();
    golden.row("AUTH_DEACTIVATED_TOKEN", &server.get("/api/loans", token).await);
    golden.row("AUTH_LOGIN_DEACTIVATED", &login(server, "marketing.bdg@loan.com", "marketing123").await);
}
