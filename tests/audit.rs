//! Audit rows: what was denied, which logins failed, and whom the staff looked at.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use lumbung::audit::{Audit, Bounds, Trail};
use lumbung_commands::user::email_claim;
use lumbung_domain::{Email, UserId};
use lumbung_journal::{APP_ROLE, OWNER_ROLE};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::rest_smoke::{Server, send};
use crate::support::cluster::{database, superuser};
use crate::support::ledger::Node;

/// Every row, as JSON, oldest first.
async fn rows(pool: &PgPool) -> Vec<Value> {
    let rows = sqlx::query("select row_to_json(a)::jsonb as row from audit.attempts a order by at, id");
    rows.fetch_all(pool).await.unwrap().iter().map(|row| row.get("row")).collect()
}

impl Server {
    /// All that was recorded until now.
    async fn attempts(&self) -> Vec<Value> {
        self.app().audit.flush().await;
        rows(self.app().ledger.pool()).await
    }

    async fn user_id(&self, email: &str) -> Uuid {
        let claim = email_claim(self.app().ledger.vault(), &Email::new(email).unwrap());
        let (claim, _) = self.app().access.get::<lumbung_domain::Claim>(claim).await.unwrap();
        claim.user().unwrap().0
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denied_attempt_is_a_row_that_names_who_and_what() {
    let server = Server::start().await;
    let (_, loan) = server.submitted().await;
    let surabaya = server.login("marketing.sby@loan.com", "marketing123").await;
    assert_eq!(server.attempts().await, Vec::<Value>::new());

    let path = format!("/api/loans/{loan}?stale=ok");
    let request = server
        .request(Method::GET, &path)
        .bearer_auth(&surabaya)
        .header("X-Request-Id", "0192a4b0-0000-7000-8000-00000000000a");
    assert_eq!(send(request.header("User-Agent", "Firefox")).await.status, 403);
    server.post(&format!("/api/approval/{loan}/approve"), &surabaya, json!({})).await;
    server.post("/api/loans", &surabaya, json!({})).await;
    let auditor = server.login("auditor@loan.com", "auditor123").await;
    server.get("/api/loans/budi@example.com", &auditor).await;
    server.get("/api/loans/3171234567890123", &auditor).await;

    let rows = server.attempts().await;
    let told = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
        (text("method"), text("route"), text("code"), text("subject_kind"), text("subject_id"))
    };
    let expected = [
        ("GET", "/api/loans/{id}", "LOAN_NOT_YOURS", "id", loan.to_string()),
        ("POST", "/api/approval/{id}/approve", "LOAN_OF_OTHER_BRANCH", "id", loan.to_string()),
        ("POST", "/api/loans", "ACCESS_DENIED", "-", "-".to_owned()),
        // What is no number may be anything, and a long one that of a person's identity card.
        ("GET", "/api/loans/{id}", "LOAN_NOT_YOURS", "-", "-".to_owned()),
        ("GET", "/api/loans/{id}", "LOAN_NOT_YOURS", "-", "-".to_owned()),
    ];
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, (method, route, code, kind, id)) in rows.iter().zip(&expected) {
        assert_eq!(
            told(row),
            ((*method).into(), (*route).into(), (*code).into(), (*kind).into(), id.clone())
        );
        assert_eq!((&row["kind"], &row["status"]), (&json!("DENIED"), &json!(403)));
        assert!(row["session"].is_string());
    }
    let officer = server.user_id("marketing.sby@loan.com").await;
    assert_eq!(
        (&rows[0]["actor"], &rows[0]["request_id"]),
        (&json!(officer), &json!("0192a4b0-0000-7000-8000-00000000000a"))
    );
    let vault = server.app().ledger.vault();
    let hash = |purpose, value: &[u8]| {
        let hash = vault.keyed_hash(purpose, &[value]);
        format!("\\x{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    assert_eq!(rows[0]["agent_hash"], hash("user-agent", b"Firefox"));
    assert_eq!(rows[0]["client_hash"], hash("client-address", &Ipv4Addr::LOCALHOST.octets()));
    assert!(!format!("{rows:?}").contains("budi"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_no_good_is_a_row_and_none_at_all_is_not() {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    server.post("/api/auth/logout", &john, json!({})).await.ok(200);
    assert_eq!(send(server.request(Method::GET, "/api/loans")).await.status, 401);
    assert_eq!(server.get("/api/loans", "forged").await.status, 401);
    assert_eq!(server.get("/api/loans", &john).await.status, 401);
    let rows = server.attempts().await;
    assert_eq!(rows.len(), 2, "{rows:#?}");
    for row in &rows {
        assert_eq!((&row["kind"], &row["code"]), (&json!("UNAUTHENTICATED"), &json!("UNAUTHORIZED")));
    }
    // Nobody vouches for the first; the second was signed here, for a session that is over.
    assert_eq!(rows[0]["actor"], Value::Null);
    assert_eq!(rows[1]["actor"], json!(server.user_id("john.doe@email.com").await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_login_is_a_row_without_the_address() {
    let server = Server::start().await;
    for email in ["John.Doe@email.com", "nobody@email.com", "?"] {
        let body = json!({"email": email, "password": "wrong"});
        assert_eq!(send(server.request(Method::POST, "/api/auth/login").json(&body)).await.status, 401);
    }
    let rows = server.attempts().await;
    assert_eq!(rows.len(), 3, "{rows:#?}");
    let vault = server.app().ledger.vault();
    let hash = |email: &str| format!("\\x{}", vault.keyed_hash_hex("email", email));
    for (row, (email, person)) in rows.iter().zip([
        (json!(hash("john.doe@email.com")), json!(server.user_id("john.doe@email.com").await)),
        (json!(hash("nobody@email.com")), Value::Null),
        (Value::Null, Value::Null),
    ]) {
        assert_eq!((&row["kind"], &row["code"]), (&json!("LOGIN_FAILED"), &json!("INVALID_CREDENTIALS")));
        assert_eq!((&row["email_hash"], &row["person"], &row["actor"]), (&email, &person, &Value::Null));
        assert_eq!(row["route"], "/api/auth/login");
    }
    let text = format!("{rows:?}").to_lowercase();
    assert!(!text.contains("email.com") && !text.contains("wrong"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_login_by_phone_is_a_row_without_the_number() {
    let server = Server::start().await;
    for phone in ["62811255502", "0811255509", "?"] {
        let body = json!({"phone_number": phone, "pin": "wrong"});
        assert_eq!(send(server.request(Method::POST, "/login").json(&body)).await.status, 401);
    }
    let rows = server.attempts().await;
    assert_eq!(rows.len(), 3, "{rows:#?}");
    let vault = server.app().ledger.vault();
    let hash = |phone: &str| json!(format!("\\x{}", vault.keyed_hash_hex("phone", phone)));
    let tom = json!("b7342e8e-e8e7-4a5d-873e-b1b1bfcdeddb");
    for (row, (phone, person)) in rows.iter().zip([
        (hash("+62811255502"), tom),
        (hash("+62811255509"), Value::Null),
        (Value::Null, Value::Null),
    ]) {
        assert_eq!((&row["kind"], &row["code"]), (&json!("LOGIN_FAILED"), &json!("INVALID_PHONE_OR_PIN")));
        assert_eq!((&row["phone_hash"], &row["email_hash"]), (&phone, &Value::Null));
        assert_eq!((&row["person"], &row["route"]), (&person, &json!("/login")));
    }
    let text = format!("{rows:?}");
    assert!(!text.contains("1125550") && !text.contains("wrong"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_staff_looking_at_a_loan_is_a_row_and_its_owner_is_not() {
    let server = Server::start().await;
    let (john, loan) = server.submitted().await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let paths = [format!("/api/loans/{loan}"), format!("/api/loans/{loan}/history")];
    for token in [&john, &marketing] {
        for path in &paths {
            server.get(path, token).await.ok(200);
        }
    }
    let rows = server.attempts().await;
    let customer = server.user_id("john.doe@email.com").await;
    let officer = server.user_id("marketing.jkt@loan.com").await;
    assert_eq!(rows.len(), 2, "{rows:#?}");
    for (row, route) in rows.iter().zip(["/api/loans/{id}", "/api/loans/{id}/history"]) {
        assert_eq!((&row["kind"], &row["route"]), (&json!("LOOKED_AT_PERSON"), &json!(route)));
        assert_eq!((&row["actor"], &row["person"]), (&json!(officer), &json!(customer)));
        assert_eq!((&row["subject_kind"], &row["subject_id"]), (&json!("loan"), &json!(loan.to_string())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_staff_looking_at_a_person_is_a_row() {
    let server = Server::start().await;
    let admin = server.login("admin@loan.com", "admin123").await;
    let users = server.get("/api/admin/users", &admin).await.ok(200);
    let id = |email: &str| {
        let user = users.as_array().unwrap().iter().find(|user| user["email"] == email);
        user.unwrap()["id"].as_i64().unwrap()
    };
    for email in ["john.doe@email.com", "admin@loan.com"] {
        server.get(&format!("/api/users/{}", id(email)), &admin).await.ok(200);
    }
    let rows = server.attempts().await;
    // Looking at oneself is none.
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(
        (&rows[0]["kind"], &rows[0]["route"]),
        (&json!("LOOKED_AT_PERSON"), &json!("/api/users/{id}"))
    );
    assert_eq!(rows[0]["person"], json!(server.user_id("john.doe@email.com").await));
    assert_eq!(rows[0]["actor"], json!(server.user_id("admin@loan.com").await));
}

const BOUNDS: Bounds = Bounds { queue_rows: 8, keep_for: Duration::from_secs(3_600), rows_per_kind: 20 };

#[tokio::test]
async fn a_full_queue_drops_rows_and_counts_them() {
    let database = database().await;
    let node = Node::open(&database).await;
    let pool = node.ledger.pool().clone();
    let audit = Audit::start(pool.clone(), Arc::clone(node.ledger.vault()), BOUNDS);
    // The writer has no turn in between: this task does not let go of the only thread.
    for _ in 0..BOUNDS.queue_rows + 5 {
        audit.looked_at_person(&Trail::default(), UserId(Uuid::now_v7()));
    }
    assert_eq!(audit.lost(), 5);
    audit.flush().await;
    assert_eq!(rows(&pool).await.len(), BOUNDS.queue_rows);
    assert_eq!(audit.lost(), 5);
}

#[tokio::test]
async fn old_rows_and_the_oldest_of_too_many_are_deleted() {
    let database = database().await;
    let node = Node::open(&database).await;
    let pool = node.ledger.pool().clone();
    // 30 rows of each of two kinds, one a second; of a third one 5 rows, two of which are too old.
    sqlx::raw_sql(
        "insert into audit.attempts (id, at, kind, method, route, request_id, subject_id)
         select gen_random_uuid(), now() - make_interval(secs => n), kind, 'GET', '/', 'r', n::text
             from generate_series(1, 30) as n, unnest(array['DENIED', 'LOGIN_FAILED']) as kind
         union all
         select gen_random_uuid(), now() - make_interval(secs => n * 1000), 'LOOKED_AT_FILE', 'GET', '/', 'r', n::text
             from generate_series(1, 5) as n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let audit = Audit::start(pool.clone(), Arc::clone(node.ledger.vault()), BOUNDS);
    audit.pruned().await;
    let left = |kind: &'static str| {
        let pool = pool.clone();
        async move {
            let rows = rows(&pool).await.into_iter().filter(|row| row["kind"] == kind);
            rows.map(|row| row["subject_id"].as_str().unwrap().parse::<i32>().unwrap()).collect::<Vec<_>>()
        }
    };
    for kind in ["DENIED", "LOGIN_FAILED"] {
        assert_eq!(left(kind).await, (1..=20).rev().collect::<Vec<_>>(), "{kind}");
    }
    assert_eq!(left("LOOKED_AT_FILE").await, [3, 2, 1]);
}

#[tokio::test]
async fn a_row_never_changes() {
    let database = database().await;
    let node = Node::open(&database).await;
    let audit = Audit::start(node.ledger.pool().clone(), Arc::clone(node.ledger.vault()), BOUNDS);
    audit.looked_at_person(&Trail::default(), UserId(Uuid::now_v7()));
    audit.flush().await;
    let pool = superuser(&database).await;
    for (role, refusal) in [(APP_ROLE, "42501"), (OWNER_ROLE, "LB002")] {
        for change in ["update audit.attempts set kind = kind", "truncate audit.attempts"] {
            let refused =
                sqlx::raw_sql(&format!("set role {role}; {change}")).execute(&pool).await.unwrap_err();
            assert_eq!(refused.as_database_error().unwrap().code().unwrap(), refusal, "{change}");
        }
    }
    assert_eq!(rows(&pool).await.len(), 1);
}
