//! What browsers are told: which scripts may use the API, and what they must not do with its answers. And what every client
//! is told that asks for nothing that there is.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::json;

use super::rest_smoke::{Answer, Server, send};

const APP: &str = "https://app.example.com";
const OTHER: &str = "https://evil.example.com";
const HEADERS: [&str; 4] = [
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
];

fn cors_of(answer: &Answer) -> Vec<&str> {
    HEADERS.into_iter().filter(|name| answer.headers.contains_key(*name)).collect()
}

impl Server {
    async fn preflight(&self, path: &str, origin: &str) -> Answer {
        let request = self.request(Method::OPTIONS, path).header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "POST");
        send(request.header("Access-Control-Request-Headers", "authorization,idempotency-key")).await
    }
}

fn list(headers: &HashMap<String, String>, name: &str) -> Vec<String> {
    headers[name].split(',').map(|part| part.trim().to_lowercase()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_script_of_another_origin_is_let_in_unless_configured() {
    let server = Server::start().await;
    let preflight = server.preflight("/api/loans", APP).await;
    assert_eq!((preflight.error().0, cors_of(&preflight)), (405, vec![]));
    let answer = send(server.request(Method::GET, "/api/products").header("Origin", APP)).await;
    assert_eq!((answer.status.as_u16(), cors_of(&answer)), (200, vec![]));
    assert!(!answer.headers.contains_key("vary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_of_a_configured_origin_sends_and_sees_what_it_needs() {
    let server = Server::start_with(&[("LUMBUNG_CORS_ORIGINS", APP)]).await;
    // A browser asks without a session, also for routes that need one.
    let preflight = server.preflight("/api/loans", APP).await;
    assert_eq!((preflight.status.as_u16(), preflight.text.as_str()), (204, ""));
    assert_eq!(preflight.headers["access-control-allow-origin"], APP);
    let methods = list(&preflight.headers, "access-control-allow-methods");
    let sent = list(&preflight.headers, "access-control-allow-headers");
    for method in ["get", "post", "put", "patch", "delete"] {
        assert!(methods.contains(&method.to_owned()), "{method}");
    }
    for name in ["authorization", "content-type", "idempotency-key", "if-match", "min-position"] {
        assert!(sent.contains(&name.to_owned()), "{name}");
    }
    assert!(!preflight.headers.contains_key("access-control-allow-credentials"));
    // An answer, an error, and a time-out of the projections are all seen.
    let john = server.login("john.doe@email.com", "customer123").await;
    let from = |path: &str, origin: &str| {
        server.request(Method::GET, path).bearer_auth(&john).header("Origin", origin)
    };
    for (request, status) in [
        (from("/api/loans", APP), 200),
        (from("/api/nowhere", APP), 404),
        (from("/api/loans", APP).header("Min-Position", "999999"), 503),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.headers["access-control-allow-origin"], APP);
        let vary = if status == 200 { "Origin" } else { "Accept, Origin" };
        assert_eq!(answer.headers["vary"], vary);
        let seen = list(&answer.headers, "access-control-expose-headers");
        for name in [
            "etag",
            "ledger-position",
            "link",
            "idempotent-replayed",
            "x-request-id",
            "retry-after",
            "unread-count",
        ] {
            assert!(seen.contains(&name.to_owned()), "{name}");
        }
    }
    // Others are served like any client, and their browser keeps the answer from the script.
    let other = send(from("/api/loans", OTHER)).await;
    assert_eq!((other.status.as_u16(), cors_of(&other)), (200, vec![]));
    assert_eq!(other.headers["vary"], "Origin");
    let preflight = server.preflight("/api/loans", OTHER).await;
    assert_eq!((preflight.error().0, cors_of(&preflight)), (405, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_protected_and_https_is_for_good() {
    for (url, hsts) in
        [("http://localhost:8080", None), ("https://loans.example.com", Some("max-age=31536000"))]
    {
        let server = Server::start_with(&[("LUMBUNG_PUBLIC_URL", url)]).await;
        for path in ["/api/products", "/api/nowhere", "/api/loans", "/livez"] {
            let answer = send(server.request(Method::GET, path)).await;
            for (name, value) in [
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
                ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ] {
                assert_eq!(answer.headers[name], value, "{path}");
            }
            assert_eq!(answer.headers.get("strict-transport-security").map(String::as_str), hsts, "{path}");
            assert!(answer.headers.contains_key("x-request-id"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_not_is_told_in_both_forms() {
    let server = Server::start().await;
    let json = "application/json";
    let login = || server.request(Method::POST, "/api/auth/login");
    let requests: [(&dyn Fn() -> reqwest::RequestBuilder, u16, &str, &str); 5] = [
        (&|| server.request(Method::GET, "/api/nowhere"), 404, "NOT_FOUND", "Not Found"),
        (&|| server.request(Method::GET, "/"), 404, "NOT_FOUND", "Not Found"),
        (&|| server.request(Method::PUT, "/api/auth/login"), 405, "METHOD_NOT_ALLOWED", "Method Not Allowed"),
        (
            &|| login().header("Content-Type", json).body("x".repeat((1 << 20) + 1)),
            413,
            "PAYLOAD_TOO_LARGE",
            "The request body is larger than the limit of 1048576 bytes",
        ),
        (
            &|| login().header("Content-Type", "text/plain").body("{}"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "The request body must be application/json",
        ),
    ];
    for (request, status, code, message) in requests {
        let plain = send(request()).await;
        assert_eq!(plain.error(), (status, code, message));
        assert_eq!(plain.headers["content-type"], json);
        let problem = send(request().header("Accept", "application/problem+json")).await;
        assert_eq!(problem.status.as_u16(), status);
        assert_eq!(problem.headers["content-type"], "application/problem+json");
        for (field, value) in [
            ("type", json!("about:blank")),
            ("status", json!(status)),
            ("code", json!(code)),
            ("detail", json!(message)),
            ("errors", json!([])),
        ] {
            assert_eq!(problem.json[field], value, "{code} {field}");
        }
        for answer in [&plain, &problem] {
            assert_eq!(answer.headers["vary"], "Accept");
            assert_eq!(answer.headers.get("allow").map(String::as_str), (status == 405).then_some("POST"));
        }
    }
    // An empty body needs no type, and what runs the node is asked by nobody.
    for path in ["/livez", "/readyz"] {
        assert_eq!(send(server.request(Method::GET, path)).await.status, 200);
    }
}
