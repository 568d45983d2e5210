//! Many bodies at once: nobody fills what all share.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::Form;
use super::form::{BOUNDARY, jpeg};
use crate::rest_smoke::{Server, send};

const MB: usize = 1 << 20;

/// Sends a head and a part of its body, and then nothing more; gives what is answered in the end.
fn hang(server: &Server, head: &str, announced: usize, sent: usize) -> JoinHandle<String> {
    let (address, head) = (server.address().to_owned(), format!("{head}\r\nHost: x\r\n"));
    tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{head}Content-Length: {announced}\r\n\r\n");
        let whole = [head.as_bytes(), &vec![b' '; sent]].concat();
        // A server may close at any time.
        let _ = stream.write_all(&whole).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    })
}

async fn until(reached: impl Fn() -> bool) {
    while !reached() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_persons_uploads_leave_room_for_others() {
    let limit = (32 * MB).to_string();
    let server = Server::start_with(&[("LUMBUNG_LIMITS_UPLOADS_MEMORY_BYTES", &limit)]).await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let head = format!(
        "PUT /api/customer/profile HTTP/1.1\r\nAuthorization: Bearer {john}\r\nContent-Type: \
         multipart/form-data; boundary={BOUNDARY}"
    );
    let hanging: Vec<_> = (0..8).map(|_| hang(&server, &head, 6 * MB, 6 * MB - 1_000)).collect();
    let taken = || server.app().uploads.received_bytes();
    until(|| taken() == 12 * MB).await;
    // Two are read, exactly as they are announced, and the others wait.
    for _ in 0..3 {
        let body = Form::default().file("ktp", &jpeg("", 4 * MB)).body();
        let answer = send(server.put_profile(&jane, body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(taken(), 12 * MB);
    }
    // Who goes away frees what they took, and leaves their turn to the next.
    for hanging in hanging {
        hanging.abort();
    }
    until(|| taken() == 0).await;
    let body = Form::default().file("ktp", &jpeg("", 4 * MB)).body();
    assert_eq!(send(server.put_profile(&john, body)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_counts_twice_and_is_refused_if_that_does_not_fit() {
    // Room for the body while it grows, and not for two of it.
    let limit = (10 * MB).to_string();
    let server = Server::start_with(&[("LUMBUNG_LIMITS_UPLOADS_MEMORY_BYTES", &limit)]).await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    for (size, status) in [(3 * MB, 200), (5 * MB, 503), (3 * MB, 200)] {
        let answer =
            send(server.put_profile(&jane, Form::default().file("ktp", &jpeg("", size)).body())).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 503 {
            assert_eq!(answer.error().1, "OVERLOADED");
        }
    }
    assert_eq!(server.app().uploads.received_bytes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_share_a_bound_and_small_ones_always_fit() {
    let limit = (2 * MB).to_string();
    let server = Server::start_with(&[("LUMBUNG_LIMITS_BODIES_MEMORY_BYTES", &limit)]).await;
    let head = "POST /api/auth/login HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json";
    let first = hang(&server, head, 900_000, 899_000);
    let taken = || server.app().bodies.taken();
    until(|| taken() == 900_000_usize.next_multiple_of(1024)).await;
    let large = || {
        let body = json!({"email": "john.doe@email.com", "password": "x".repeat(1_000_000)}).to_string();
        let request = server.request(Method::POST, "/api/auth/login");
        send(request.header("Content-Type", "application/json").body(body))
    };
    let busy = large().await;
    assert_eq!((busy.error().0, busy.error().1), (503, "OVERLOADED"));
    assert_eq!(busy.headers["retry-after"], "1");
    // However full it is, a small body is read.
    let mut rest = server.app().bodies.hold();
    while rest.more(1) {}
    assert_eq!(taken(), 2 * MB);
    let john = server.login("john.doe@email.com", "customer123").await;
    server.post("/api/customer/plafond", &john, json!({"productId": 1})).await.ok(200);
    drop(rest);
    first.abort();
    until(|| taken() == 0).await;
    assert_eq!(large().await.error().0, 401);
    assert_eq!(taken(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fields_of_a_profile_are_no_larger_than_other_json() {
    let server = Server::start().await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let data = format!("{{\"x\":\"{}\"}}", "x".repeat(MB));
    let answer = send(server.put_profile(&jane, Form::default().data(&data).body())).await;
    assert_eq!(answer.error(), (400, "VALIDATION_FAILED", "data: must be at most 1048576 bytes"));
}
