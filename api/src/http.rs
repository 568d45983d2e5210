//! Connections: accepting, bounding and ending them.
//!
//! Bounds: so many connections at once (one more waits to be accepted), so long for a request's head, so long for a client
//! to take more of an answer, one request at a time on each. Bodies and handling times are bounded by the edge (`rest`).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use metrics::gauge;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::Service as _;
use tracing::{debug, warn};

/// A head that is not there by then is not coming; also how long an idle connection is kept.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// The largest head, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// After a failed accept, which mostly means too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Files that the rest of the process may need open: the database's connections, logs, uploads.
const OTHER_FILES: u64 = 256;

/// How many connections may be open: as many as configured, but never so many that nothing else could be opened. Raises
/// the limit of open files as far as it may.
#[must_use]
pub fn connections(configured: u64) -> usize {
    let files = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() => soft.max(hard),
        Ok((soft, _)) => soft,
        Err(_) => u64::MAX,
    };
    let room = files.saturating_sub(OTHER_FILES).max(1);
    if room < configured {
        warn!(configured, room, "fewer connections than configured: the limit of open files is too low");
    }
    usize::try_from(room.min(configured)).unwrap_or(usize::MAX)
}

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Open at once.
    pub connections: usize,
    /// How long a client may take no more of its answer.
    pub write_within: Duration,
}

/// Serves until `stop` is done, then lets open requests end, for at most `drain_within`; answers whether all did.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
    drain_within: Duration,
) -> bool {
    let graceful = GracefulShutdown::new();
    let open = gauge!("lumbung_http_connections");
    let permits = Arc::new(Semaphore::new(bounds.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            // Never closed, so there is always a permit to wait for.
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let service = Service { router: router.clone(), peer };
                let connection = graceful.watch(connection(stream, service, bounds.write_within));
                let open = open.clone();
                open.increment(1.0);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        debug!(error = &error as &dyn std::error::Error, "a connection broke");
                    }
                    open.decrement(1.0);
                    drop(permit);
                });
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tokio::time::timeout(drain_within, graceful.shutdown()).await.is_ok()
}

/// The router, told who is at the other end.
struct Service {
    router: Router,
    peer: SocketAddr,
}

impl hyper::service::Service<Request<Incoming>> for Service {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        // A router is always ready.
        self.router.clone().call(request)
    }
}

type Connection = http1::Connection<TokioIo<Pin<Box<TimeoutStream<TcpStream>>>>, Service>;

fn connection(stream: TcpStream, service: Service, write_within: Duration) -> Connection {
    // Answers are small and written at once: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY was not set");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_within));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
}
