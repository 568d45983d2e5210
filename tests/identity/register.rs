//! `POST /register`.

use serde_json::json;

use super::{TAKEN, newcomer, register, registered};
use crate::rest_smoke::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_is_told_who_they_are() {
    let server = Server::start().await;
    let mut body = newcomer("0811255501");
    body["first_name"] = json!("  Maria Anna ");
    let answer = register(&server, &body).await;
    let told = answer.told(201);
    assert!(told["user_id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    let date = told["created_date"].as_str().unwrap();
    assert!(chrono::NaiveDateTime::parse_from_str(date, "%Y-%m-%d %H:%M:%S").is_ok(), "{date}");
    assert_eq!(
        (&told["first_name"], &told["last_name"], &told["phone_number"], &told["address"]),
        (&json!("Maria Anna"), &json!("Saputro"), &json!("0811255501"), &json!("Jl. Kebon Sirih No. 1"))
    );
    assert!(told.get("pin").is_none());
    assert!(answer.headers.contains_key("ledger-position"));
    assert!(answer.headers["set-cookie"].contains("; Path=/login;"), "{:?}", answer.headers);
}

/// However it is written, and whoever asks first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_one_persons() {
    let server = Server::start().await;
    register(&server, &newcomer("62811255501")).await.told(201);
    for same in ["0811255501", "62811255501", "+62811255501", " +62 811-2555-01 "] {
        assert_eq!(register(&server, &newcomer(same)).await.refused(), TAKEN, "{same}");
    }
    // Of the demo data.
    assert_eq!(register(&server, &newcomer("+62811255502")).await.refused(), TAKEN);
    // John's profile has it, which claims nothing.
    let told = register(&server, &newcomer("+6281234567890")).await.told(201);
    assert_eq!(told["phone_number"], "081234567890");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_gets_the_number() {
    let server = Server::start().await;
    let spellings = ["0811255501", "62811255501", "+62811255501", "0811255501"].map(newcomer);
    let answers = futures_util::future::join_all(spellings.iter().map(|body| register(&server, body))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deactivated_person_keeps_the_number() {
    let server = Server::start().await;
    registered(&server, "0811255501").await;
    let admin = server.login("admin@loan.com", "admin123").await;
    let users = server.get("/api/admin/users", &admin).await.ok(200);
    let theirs = users.as_array().unwrap().iter().find(|user| user["phone"] == "+62811255501").unwrap();
    assert_eq!((&theirs["email"], &theirs["name"]), (&json!(null), &json!("Guntur Saputro")));
    let path = format!("/api/admin/users/{}/status", theirs["id"]);
    server.patch(&path, &admin, json!({"isActive": false})).await.ok(200);
    assert_eq!(register(&server, &newcomer("0811255501")).await.refused(), TAKEN);
}

/// A key is ignored: who registers has no session that it could belong to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotency_key_means_nothing() {
    let server = Server::start().await;
    for (path, body, statuses) in [
        ("/register", newcomer("0811255501"), [201, 409]),
        ("/login", json!({"phone_number": "0811255501", "pin": super::PIN}), [200, 200]),
    ] {
        for status in statuses {
            let answer = server.post_keyed(path, "", "one-key", &body.to_string()).await;
            assert_eq!(answer.status, status, "{}", answer.text);
            assert!(!answer.headers.contains_key("idempotent-replayed"));
        }
    }
}
