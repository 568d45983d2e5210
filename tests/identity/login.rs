//! `POST /login`, and what its tokens open.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use lumbung_commands::Call;
use lumbung_commands::user::{Newcomer, RegisterCustomer};
use lumbung_domain::{PasswordHash, PersonName, Phone, Profile, User, UserId};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PIN, WRONG, log_in, registered};
use crate::rest_smoke::{Server, send};

const TOM: &str = "b7342e8e-e8e7-4a5d-873e-b1b1bfcdeddb";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_token_works_on_all_apis() {
    let server = Server::start().await;
    let tokens = log_in(&server, "0811255502", "123456").await.told(200);
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.app().tokens.verify(access).unwrap().user.0.to_string(), TOM);
    let me = server.get("/api/users/profile", access).await.ok(200);
    assert_eq!(
        (&me["email"], &me["phone"], &me["name"], &me["userType"]),
        (&Value::Null, &json!("+62811255502"), &json!("Tom Araya"), &json!("CUSTOMER"))
    );
    assert_eq!(me["profile"]["phoneNumber"], "+62811255502");
    assert_eq!(me["profile"]["address"], "Jl. Diponegoro No. 215");
    server.post("/topup", access, json!({"amount": 1_000})).await.told(200);
    assert_eq!(server.get("/api/customer/plafond", access).await.error().0, 404);
    // The refresh token works where every other does, and tells who it is without an e-mail.
    let refresh = json!({"refreshToken": tokens["refresh_token"]});
    let session = send(server.request(Method::POST, "/api/auth/refresh").json(&refresh)).await.ok(200);
    assert_eq!((&session["email"], &session["name"]), (&Value::Null, &json!("Tom Araya")));
    let access = session["token"].as_str().unwrap();
    server.post("/api/auth/logout", access, json!({})).await.ok(200);
    assert_eq!(server.get("/api/users/profile", access).await.error().0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_logs_in_however_it_is_written() {
    let server = Server::start().await;
    registered(&server, "0811255501").await;
    for phone in ["0811255501", "62811255501", "+62811255501", " 0811-2555-01 "] {
        log_in(&server, phone, PIN).await.told(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_get_in_is_told_one_thing() {
    let server = Server::start().await;
    registered(&server, "0811255501").await;
    let admin = server.login("admin@loan.com", "admin123").await;
    let users = server.get("/api/admin/users", &admin).await.ok(200);
    let theirs = users.as_array().unwrap().iter().find(|user| user["phone"] == "+62811255501").unwrap();
    let path = format!("/api/admin/users/{}/status", theirs["id"]);
    server.patch(&path, &admin, json!({"isActive": false})).await.ok(200);
    for (phone, pin) in [
        ("0811255501", PIN),
        ("0811255502", "123457"),
        ("0811255502", "١٢٣٤٥٦"),
        ("0811255502", "customer123"),
        ("0811255599", "123456"),
        // The number of a profile logs nobody in, with whatever.
        ("+6281234567890", "customer123"),
        ("john.doe@email.com", "customer123"),
        ("08", "1"),
        ("\u{0}", "\u{0}"),
        ("０８１１２５５５０２", "123456"),
    ] {
        let answer = log_in(&server, phone, pin).await;
        assert_eq!(answer.refused(), WRONG, "{phone}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    // Nor does an e-mail's endpoint take phone or PIN.
    let credentials = json!({"email": "0811255502", "password": "123456"});
    let answer = send(server.request(Method::POST, "/api/auth/login").json(&credentials)).await;
    assert_eq!(answer.error(), (401, "INVALID_CREDENTIALS", "Invalid email or password"));
    server.patch(&path, &admin, json!({"isActive": true})).await.ok(200);
    log_in(&server, "0811255501", PIN).await.told(200);
}

/// One hash is compared whoever it is: an unknown number takes no less time than a wrong PIN takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_as_long_as_somebody() {
    let server = Server::start().await;
    let mut took = [Duration::MAX; 2];
    for _ in 0..4 {
        for (took, phone) in took.iter_mut().zip(["0811255502", "0811255599"]) {
            let since = Instant::now();
            assert_eq!(log_in(&server, phone, "123457").await.status, 401);
            *took = (*took).min(since.elapsed());
        }
    }
    let [somebody, nobody] = took;
    assert!(nobody * 2 > somebody, "{nobody:?} for nobody, {somebody:?} for somebody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_is_not_guessed() {
    let server = Server::start().await;
    let (told, token) = registered(&server, "0811255501").await;
    assert!(told["user_id"].is_string());
    let owner = log_in(&server, "0811255501", PIN).await;
    let cookie = owner.headers["set-cookie"].split(';').next().unwrap().to_owned();
    for _ in 0..10 {
        assert_eq!(log_in(&server, "+62811255501", "000000").await.refused(), WRONG);
    }
    let held = log_in(&server, "0811255501", PIN).await;
    assert_eq!((held.status.as_u16(), &*held.refused().1.to_owned()), (429, "RATE_LIMITED"));
    assert!(held.headers.contains_key("retry-after"));
    // The owner's device and session get in all the same, and so does everybody else.
    let login = || {
        let body = json!({"phone_number": "0811255501", "pin": PIN});
        server.request(Method::POST, "/login").json(&body)
    };
    send(login().header("Cookie", &cookie)).await.told(200);
    send(login().bearer_auth(&token)).await.told(200);
    log_in(&server, "0811255502", "123456").await.told(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_password_changes_none() {
    let server = Server::start().await;
    let (_, token) = registered(&server, "0811255501").await;
    let change = json!({"currentPassword": PIN, "newPassword": "password123"});
    let answer = server.post("/api/auth/change-password", &token, change).await;
    assert_eq!(answer.error().1, "CURRENT_PASSWORD_WRONG");
    log_in(&server, "0811255501", PIN).await.told(200);
}

/// Whoever knows the PIN gets it hashed as new ones are, and stays logged in elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_weak_hash_of_a_pin_is_made_anew_at_login() {
    let server = Server::start().await;
    let app = server.app();
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    let weak = PasswordHash::new(&weak.hash_password(PIN.as_bytes()).unwrap().to_string()).unwrap();
    let (user_id, phone) = (UserId(Uuid::now_v7()), Phone::mobile("0811255507").unwrap());
    let name = PersonName::new("Suharto").unwrap();
    let number = app.numbers.user().await.unwrap();
    let vault = app.ledger.vault();
    let (newcomer, _) =
        Newcomer::seal_by_phone(vault, user_id, number, (&name, None), &phone, &weak).unwrap();
    let customer = RegisterCustomer { newcomer, profile: Profile::default(), session: None };
    app.ledger.execute(customer, Call::default()).await.unwrap().outcome.unwrap();
    let before = log_in(&server, "0811255507", PIN).await.told(200);
    app.access.wait_until_current(app.patience).await.unwrap();
    let (state, version) = app.access.get::<User>(user_id).await.unwrap();
    let person = state.person().unwrap();
    assert_eq!((version, person.session_generation), (2, 0), "the PIN was set anew, and no session ended");
    let sealed = person.pin.as_ref().unwrap();
    let hash = vault.opener([sealed.ciphertext()]).await.unwrap().open(sealed).unwrap();
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
    log_in(&server, "0811255507", PIN).await.told(200);
    app.access.wait_until_current(app.patience).await.unwrap();
    assert_eq!(app.access.get::<User>(user_id).await.unwrap().1, 2);
    let token = before["access_token"].as_str().unwrap();
    server.get("/api/users/profile", token).await.ok(200);
}
