//! Forged tokens against every gated route: nobody gets in, everybody is told the same, nothing breaks.

mod token;

use std::collections::BTreeSet;

use lumbung::rest::ROUTES;
use lumbung_domain::RoleId;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::golden::gates::gates;
use crate::golden::town::Town;
use crate::rest_smoke::{Answer, Server, send};
use token::{Forgery, forgeries};

/// Of the routes beside the first of each method, every so many forgeries are sent.
const SHARE: usize = 8;
/// The fewest forgeries that the table is to have.
const FORGERIES: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_forged_token_opens_any_gate() {
    let server = Server::start().await;
    let town = Town::of(&server);
    let (john, jane) = (town.borrower().await, town.customer().await);
    let admin = town.staff(RoleId::SUPERADMIN, None).await;
    let (left, gone) = (town.borrower().await, town.borrower().await);
    server.post("/api/auth/logout", &left.token, json!({})).await.ok(200);
    town.deactivate(&gone).await;
    let mut table = forgeries(&john, &jane, &admin);
    table.push(Forgery::bearer("session that was logged out", &left.token));
    table.push(Forgery::bearer("session of a deactivated user", &gone.token));
    let account = json!({"email": "john.doe@email.com", "password": "customer123"});
    let signed_in = server.open_post("/api/auth/login", account).await.ok(200);
    let refresh = signed_in["refreshToken"].as_str().expect("a refresh token");
    table.push(Forgery::bearer("refresh token as access token", refresh));
    assert!(table.len() >= FORGERIES, "{}", table.len());

    let routes = gated();
    let mut complaints = Vec::new();
    let mut sent = 0;
    let mut methods = BTreeSet::new();
    for (index, (method, path)) in routes.iter().enumerate() {
        // All of them by every method, a changing share of them on every other route: the gates share their door.
        let share = if methods.insert(*method) { 1 } else { SHARE };
        for Forgery { name, headers } in table.iter().skip(index % share).step_by(share) {
            let mut request = request(&server, method, path);
            for value in headers {
                request = request.header("Authorization", value.as_slice());
            }
            sent += 1;
            if let Err(what) = refused(path, &send(request).await) {
                complaints.push(format!("{method} {path}: {name}: {what}"));
            }
        }
        let bare = request(&server, method, &format!("{path}?access_token={0}&token={0}", john.token));
        let bare = bare.header("Cookie", format!("token={0}; access_token={0}", john.token));
        if let Err(what) = refused(path, &send(bare).await) {
            complaints.push(format!("{method} {path}: a good token in query and cookie: {what}"));
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    // An access token refreshes nothing, and the real ones are as good as before.
    for person in [&john, &jane] {
        let body = json!({"refreshToken": person.token});
        assert_eq!(server.open_post("/api/auth/refresh", body).await.error().0, 401);
        server.get("/api/loans", &person.token).await.ok(200);
    }
    println!("{} forged tokens, {sent} requests on {} routes", table.len() + 1, routes.len());
}

/// Every route that not everybody may use, by the hand-written table.
fn gated() -> Vec<(&'static str, String)> {
    let gates = gates();
    let gated = ROUTES.iter().filter(|route| gates.get(route).is_none_or(|gate| !gate.is_open()));
    let target = |path: &str| {
        let path = path.replace("{filename}", "a.jpg").replace("{roleId}", "2");
        path.replace("{id}", "1").replace("{userId}", "1")
    };
    let mut gated: Vec<_> = gated.map(|(method, path)| (*method, target(path))).collect();
    // What would end a session comes last, or nothing behind it was tried.
    gated.sort_by_key(|(_, path)| path == "/api/auth/logout");
    gated
}

fn request(server: &Server, method: &str, path: &str) -> RequestBuilder {
    server.request(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), path)
}

/// The documented 401 of the path's API, and nothing that tells one forgery from another.
fn refused(path: &str, answer: &Answer) -> Result<(), String> {
    let mut told = answer.json.clone();
    if let Some(told) = told.as_object_mut() {
        told.remove("timestamp");
        told.remove("requestId");
    }
    let wanted = if ["/api/", "/uploads/", "/metrics"].iter().any(|other| path.starts_with(other)) {
        json!({"success": false, "message": "Unauthorized", "code": "UNAUTHORIZED", "errors": []})
    } else {
        json!({"message": "Unauthenticated", "code": "UNAUTHORIZED", "errors": []})
    };
    let challenged = answer.headers.get("www-authenticate").map(String::as_str) == Some("Bearer");
    if answer.status == 401 && told == wanted && challenged {
        Ok(())
    } else {
        Err(format!("{} {}", answer.status, answer.text))
    }
}

/// A head that is larger than the server reads: it need not answer in the envelope, but it must refuse and go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_larger_than_any_head_is_refused_and_the_server_goes_on() {
    let server = Server::start().await;
    let address = server.url().trim_start_matches("http://");
    for size in [3_000, 30_000, 70_000, 1_000_000] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET /api/loans HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer "
        );
        let request = format!("{head}{}\r\n\r\n", "x".repeat(size));
        // The server may have hung up before it was all written.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut told = Vec::new();
        let mut buffer = [0; 4_096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            told.extend_from_slice(&buffer[..read]);
        }
        let told = String::from_utf8_lossy(&told);
        let status = told.split(' ').nth(1).unwrap_or("hung up");
        let fits = if size < 60_000 { status == "401" } else { ["401", "431", "hung up"].contains(&status) };
        assert!(fits, "{size}: {told}");
    }
    let john = server.login("john.doe@email.com", "customer123").await;
    server.get("/api/loans", &john).await.ok(200);
}
