//! What stays of a change: an event with its actor, one effect per Idempotency-Key, a row for who was looked at.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Row;

use crate::rest_smoke::{Answer, Server, send};

/// One request to every command of the administration, each of which succeeds after those before it.
fn commands(hired: i64) -> Vec<(Method, String, Value)> {
    let user = |rest: &str| format!("/api/admin/users/{hired}{rest}");
    vec![
        (
            Method::POST,
            "/api/admin/users".to_owned(),
            json!({"name": "N", "email": "n@loan.com", "password": "password123", "roleId": 4}),
        ),
        (Method::PUT, user(""), json!({"name": "Other", "email": "other@loan.com", "branchId": 2})),
        (Method::POST, user("/roles"), json!({"roleId": 3})),
        (Method::DELETE, user("/roles/3"), Value::Null),
        (Method::PATCH, user("/status"), json!({"isActive": false})),
        (Method::PUT, "/api/admin/roles/6/permissions".to_owned(), json!({"permissionIds": [25]})),
        (Method::POST, "/api/admin/branches".to_owned(), json!({"code": "YGY", "location": "Yogyakarta"})),
        (Method::PUT, "/api/admin/branches/4".to_owned(), json!({"code": "YGY", "location": "Sleman"})),
        (Method::DELETE, "/api/admin/branches/4".to_owned(), Value::Null),
        (
            Method::POST,
            "/api/admin/products".to_owned(),
            json!({"name": "P", "amount": 1_000_000, "tenor": 6, "interestRate": 1}),
        ),
        (
            Method::PUT,
            "/api/admin/products/6".to_owned(),
            json!({"name": "P", "amount": 2_000_000, "tenor": 6, "interestRate": 1}),
        ),
    ]
}

async fn keyed(server: &Server, token: &str, key: usize, command: &(Method, String, Value)) -> Answer {
    let (method, path, body) = command;
    let request = server.request(method.clone(), path).bearer_auth(token);
    let request = request.header("Idempotency-Key", format!("key-{key}"));
    send(if body.is_null() { request } else { request.json(body) }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_an_event_with_its_actor_and_happens_once_per_key() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (hired, _) = server.hire(&admin, "hired@loan.com", 2, Some(1)).await;
    let pool = server.app().ledger.pool();
    let claim = lumbung_commands::user::email_claim(
        server.app().ledger.vault(),
        &lumbung_domain::Email::new("admin@loan.com").unwrap(),
    );
    let (claim, _) = server.app().access.get::<lumbung_domain::Claim>(claim).await.unwrap();
    let actor = claim.user().unwrap().to_string();
    for (key, command) in commands(hired).iter().enumerate() {
        let before = server.app().ledger.head().await.unwrap().position;
        let first = keyed(&server, &admin, key, command).await;
        assert!(first.status.is_success(), "{command:?}: {}", first.text);
        let events =
            sqlx::query("select metadata->>'actor' as actor from journal.events where position > $1");
        let events = events.bind(before).fetch_all(pool).await.unwrap();
        assert!(!events.is_empty(), "{command:?}");
        for event in &events {
            assert_eq!(event.get::<Option<String>, _>("actor").as_ref(), Some(&actor), "{command:?}");
        }
        let after = server.app().ledger.head().await.unwrap().position;
        let again = keyed(&server, &admin, key, command).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        assert_eq!(again.headers["idempotent-replayed"], "true", "{command:?}");
        for name in ["etag", "ledger-position"] {
            assert_eq!(again.headers.get(name), first.headers.get(name), "{command:?}");
        }
        assert_eq!(server.app().ledger.head().await.unwrap().position, after, "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_changed_in_between_is_told_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (hired, _) = server.hire(&admin, "hired@loan.com", 2, Some(1)).await;
    for (method, path, body) in commands(hired).into_iter().filter(|(method, ..)| method != Method::POST) {
        let path = path.replace("branches/4", "branches/3").replace("products/6", "products/1");
        let request = server.request(method.clone(), &path).bearer_auth(&admin).header("If-Match", "\"77\"");
        let answer = send(if body.is_null() { request } else { request.json(&body) }).await;
        let (status, code, _) = answer.error();
        assert_eq!((status, code), (412, "VERSION_MISMATCH"), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_a_person_is_a_row() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let john = server.number_of(&admin, "john.doe@email.com").await;
    let own = server.number_of(&admin, "marketing.jkt@loan.com").await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    for user in [john, own, 999_999] {
        server.get(&format!("/api/users/{user}"), &marketing).await;
    }
    server.app().audit.flush().await;
    let rows = sqlx::query("select kind, route, actor::text, person::text from audit.attempts");
    let rows = rows.fetch_all(server.app().ledger.pool()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<String, _>("kind"), "LOOKED_AT_PERSON");
    assert_eq!(rows[0].get::<String, _>("route"), "/api/users/{id}");
    assert_ne!(rows[0].get::<String, _>("actor"), rows[0].get::<String, _>("person"));
}
