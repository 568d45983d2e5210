//! Connections: a client that does not do its part loses its place, and the others do not wait for it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use lumbung::http::{Bounds, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// More than the buffers of both ends hold.
const LARGE: usize = 64 << 20;

/// A server with one place.
async fn server(write_within: Duration) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router =
        Router::new().route("/large", get(async || vec![b'x'; LARGE])).route("/small", get(async || "small"));
    let (stop, told) = oneshot::channel::<()>();
    let told = async { drop(told.await) };
    let bounds = Bounds { connections: 1, write_within };
    let served = tokio::spawn(serve(listener, router, bounds, told, Duration::from_secs(10)));
    (address, stop, served)
}

/// Asks, with little room for the answer, and does not read.
async fn asks_for(address: SocketAddr, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
    stream
}

async fn small(address: SocketAddr) -> String {
    let mut stream = asks_for(address, "/small").await;
    let mut answer = vec![0; 4_096];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn who_never_reads_loses_the_place() {
    let (address, _stop, _) = server(Duration::from_millis(300)).await;
    let mut silent = asks_for(address, "/large").await;
    // The only place is free again once the silent one was given up.
    let answer = tokio::time::timeout(Duration::from_secs(20), small(address)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("small"), "{answer}");
    // And the silent one does not get the rest any more.
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), silent.read_to_end(&mut rest)).await.unwrap();
    assert!(ended.is_err() || rest.len() < LARGE, "all {} bytes came", rest.len());
}

#[tokio::test]
async fn who_reads_slowly_keeps_it() {
    let (address, _stop, _) = server(Duration::from_millis(300)).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let started = tokio::time::Instant::now();
    let (mut taken, mut piece) = (0, vec![0; 1 << 20]);
    // Pauses that are shorter than the limit, for longer than the limit.
    while taken < LARGE {
        if started.elapsed() < Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let read = slow.read(&mut piece).await.unwrap();
        assert_ne!(read, 0, "closed after {taken} bytes");
        taken += read;
    }
}

#[tokio::test]
async fn who_never_reads_does_not_hold_up_the_end() {
    let (address, stop, served) = server(Duration::from_millis(300)).await;
    let silent = asks_for(address, "/large").await;
    // Its answer has begun.
    silent.readable().await.unwrap();
    drop(stop);
    assert!(served.await.unwrap(), "a connection was still open when patience ended");
}
