//! CONTRACT §1: what every endpoint does alike.

use std::time::Duration;

use lumbung_commands::ledger::Options;
use reqwest::Method;
use serde_json::{Value, json};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::rest_smoke::{Answer, Server, send};
use super::messages::Golden;
use super::town::Town;
use super::walk::{Officers, application};
use crate::support::cluster::{database, superuser};
use crate::support::ledger::options;
use crate::support::proxy::{Cut, Proxy};

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let officers = Officers::of_jakarta(&server).await;
    server.post("/api/customer/plafond", &john, json!({"productId": 1})).await.ok(200);
    routes(golden, &server, &john).await;
    bodies(golden, &server, &john).await;
    fields(golden, &server, &john, &officers).await;
    headers(golden, &server, &john, &officers).await;
    unknown_outcome(golden).await;
    overloaded(golden).await;
    erased(golden).await;
}

async fn routes(golden: &mut Golden, server: &Server, john: &str) {
    golden.row("RULES_NOT_FOUND", &server.get("/api/nothing", john).await);
    golden.row("RULES_METHOD", &send(server.request(Method::DELETE, "/api/loans").bearer_auth(john)).await);
    golden.row(
        "RULES_BEHIND",
        &send(
            server.request(Method::GET, "/api/loans").bearer_auth(john).header("Min-Position", 1_i64 << 40),
        )
        .await,
    );
    golden.row("RULES_LIMIT", &server.get("/api/loans?limit=1001", john).await);
    golden.row("RULES_CURSOR", &server.get("/api/loans?cursor=zzz", john).await);
}

async fn bodies(golden: &mut Golden, server: &Server, john: &str) {
    let request = |method: Method, path: &str, kind: &str, body: Vec<u8>| {
        send(server.request(method, path).bearer_auth(john).header("Content-Type", kind).body(body))
    };
    let json = "application/json";
    let large = request(Method::POST, "/api/auth/login", json, vec![b' '; (1 << 20) + 1]).await;
    golden.row("RULES_BODY_SIZE", &large);
    let form = "multipart/form-data; boundary=x";
    golden.row(
        "RULES_MULTIPART_SIZE",
        &announce(server, john, "/api/customer/profile", form, (20 << 20) + 1).await,
    );
    let kind = "application/x-www-form-urlencoded";
    golden.row("RULES_BODY_TYPE", &request(Method::POST, "/api/loans", kind, b"amount=1".to_vec()).await);
    let put = request(Method::PUT, "/api/customer/profile", json, b"{\"nik\": \"1\"}".to_vec()).await;
    golden.row("RULES_MULTIPART_TYPE", &put);
    golden.row("RULES_NOT_JSON", &request(Method::POST, "/api/loans", json, b"{x".to_vec()).await);
}

/// A body that is announced and not sent: the server is not to wait for one that it will not take.
async fn announce(server: &Server, token: &str, path: &str, kind: &str, length: u64) -> Answer {
    let address = server.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    let mut buffer = [0; 4_096];
    // The connection may be reset behind the answer, for the body never came.
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        told.extend_from_slice(&buffer[..read]);
    }
    Answer::parse(&String::from_utf8(told).unwrap())
}

async fn fields(golden: &mut Golden, server: &Server, john: &str, officers: &Officers) {
    for (id, field, value) in [
        ("RULES_WRONG_TYPE", "branchId", "\"1\""),
        ("RULES_MISSING_FIELD", "amount", "null"),
        ("RULES_AMOUNT_FRACTION", "amount", "3000000.50"),
        ("RULES_AMOUNT_ZERO", "amount", "0"),
        ("RULES_AMOUNT_NEGATIVE", "amount", "-1"),
        ("RULES_AMOUNT_LARGE", "amount", "1000000000000000"),
        ("RULES_RATE_DECIMALS", "interestRate", "12.00001"),
        ("RULES_RATE_LARGE", "interestRate", "1000.0001"),
    ] {
        let fields = [("branchId", "1"), ("amount", "3000000.00"), ("tenor", "6"), ("interestRate", "12.0")];
        let text =
            fields.map(|(name, usual)| format!("\"{name}\":{}", if name == field { value } else { usual }));
        let body = format!("{{{}}}", text.join(","));
        let request = server.request(Method::POST, "/api/loans").bearer_auth(john);
        golden.row(id, &send(request.header("Content-Type", "application/json").body(body)).await);
    }
    let register = async |name: &str| {
        let body = json!({"name": name, "email": "n@email.com", "password": "password123"});
        server.open_post("/api/auth/register", body).await
    };
    golden.row("RULES_NAME_LENGTH", &register(&"x".repeat(101)).await);
    golden.row("RULES_NAME_CONTROL", &register("Bu\u{0}di").await);
    let approve = async |loan: &str, body: Value| {
        server.post(&format!("/api/approval/{loan}/approve"), &officers.marketing, body).await
    };
    golden.row("RULES_PATH_ID", &approve("first", json!({})).await);
    golden.row("RULES_NOTE_LENGTH", &approve("1", json!({"note": "x".repeat(501)})).await);
}

async fn headers(golden: &mut Golden, server: &Server, john: &str, officers: &Officers) {
    let keyed = async |key: &str, amount: i64| {
        server.post_keyed("/api/loans", john, key, &application(amount).to_string()).await
    };
    golden.row("RULES_KEY_MALFORMED", &keyed("two words", 1_000_000).await);
    let first = keyed("k", 1_000_000).await.ok(201);
    golden.row("RULES_KEY_REUSED", &keyed("k", 1_000_001).await);
    let approve = format!("/api/approval/{}/approve", first["id"]);
    let approve = server.request(Method::POST, &approve).bearer_auth(&officers.marketing);
    golden.row("RULES_VERSION", &send(approve.header("If-Match", "\"9\"")).await);
}

/// A database that takes a command and does not say what became of it.
async fn unknown_outcome(golden: &mut Golden) {
    let database = database().await;
    let proxy = Proxy::start();
    let (answer_within, append_within) = (Duration::from_secs(2), Duration::from_secs(4));
    let server =
        Server::start_on(Options { answer_within, append_within, ..options(&proxy.before(&database)) }).await;
    let john = server.login("john.doe@email.com", "customer123").await;
    proxy.cut_next(Cut::Silence);
    let body = json!({"productId": 1}).to_string();
    let select = async || server.post_keyed("/api/customer/plafond", &john, "k", &body).await;
    golden.row("RULES_UNKNOWN_OUTCOME", &select().await);
    // The key tells the truth, once it is known: it was done.
    let told = loop {
        match select().await {
            told if told.status == 503 => {}
            told => break told,
        }
    };
    assert_eq!(
        (proxy.cuts_made(), told.headers.contains_key("idempotent-replayed")),
        (1, true),
        "{}",
        told.text
    );
    told.ok(200);
}

/// A ledger that waits for its database, and more commands than may wait for it.
async fn overloaded(golden: &mut Golden) {
    let database = database().await;
    let proxy = Proxy::start();
    let append_within = Duration::from_secs(2);
    let lane =
        Options { client_lane: 1, batch_commands: 1, append_within, ..options(&proxy.before(&database)) };
    let server = Server::start_on(lane).await;
    let john = server.login("john.doe@email.com", "customer123").await;
    proxy.cut_next(Cut::Silence);
    let select = || server.post("/api/customer/plafond", &john, json!({"productId": 1}));
    let told = futures_util::future::join_all((0..16).map(|_| select())).await;
    let refused = told.iter().find(|answer| answer.status == 503);
    golden.row("RULES_OVERLOADED", refused.expect("nobody was turned away"));
    assert_eq!(told.iter().filter(|answer| answer.status == 200).count(), 1);
}

/// Erasing a person destroys their key; whoever repeats what they did then reads nothing of them.
async fn erased(golden: &mut Golden) {
    let database = database().await;
    let server = Server::start_on(options(&database)).await;
    let town = Town::of(&server);
    let borrower = town.borrower().await;
    let body = application(1_000_000).to_string();
    server.post_keyed("/api/loans", &borrower.token, "k", &body).await.ok(201);
    let pool = superuser(&database).await;
    let erase = sqlx::query("delete from journal.person_keys where person = $1").bind(borrower.user.0);
    erase.execute(&pool).await.unwrap();
    // Another node has not opened anything of them yet.
    let elsewhere = Server::start_on(options(&database)).await;
    golden.row("RULES_ERASED", &elsewhere.post_keyed("/api/loans", &borrower.token, "k", &body).await);
}
