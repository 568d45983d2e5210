//! A relay in front of PostgreSQL that loses connections at the worst moments of an append, or of an import's commit.
//!
//! It reads the protocol's frames, so that it knows which connection appends and when a request is whole.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::cluster::socket_folder;

/// How an append is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The request does not get through.
    BeforeTheRequest,
    /// The request gets through and nobody waits for what becomes of it.
    BehindTheRequest,
    /// PostgreSQL has answered, and the answer does not get through.
    BeforeTheAnswer,
    /// As before, but the connection stays open and silent.
    Silence,
    /// The request does not get through, and from then on nobody does.
    TheWholeServer,
}

pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    plan: Arc<Mutex<Plan>>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Plan {
    next: VecDeque<Cut>,
    made: usize,
    down: bool,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let plan = Arc::<Mutex<Plan>>::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&plan)));
        Self { folder, plan, accepting }
    }

    /// The same database, by way of this proxy.
    pub(crate) fn before(&self, database: &PgConnectOptions) -> PgConnectOptions {
        database.clone().socket(self.folder.path())
    }

    /// Loses the next append so.
    pub(crate) fn cut_next(&self, cut: Cut) {
        self.plan.lock().unwrap().next.push_back(cut);
    }

    pub(crate) fn cuts_made(&self) -> usize {
        self.plan.lock().unwrap().made
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: UnixListener, plan: Arc<Mutex<Plan>>) {
    let server: PathBuf = socket_folder().join(".s.PGSQL.5432");
    while let Ok((client, _)) = listener.accept().await {
        if plan.lock().unwrap().down {
            continue;
        }
        let Ok(server) = UnixStream::connect(&server).await else { continue };
        tokio::spawn(relay(client, server, Arc::clone(&plan)));
    }
}

/// Ends, and with it both connections, when either side ends or the plan says so.
async fn relay(client: UnixStream, server: UnixStream, plan: Arc<Mutex<Plan>>) {
    let (client, mut to_client) = client.into_split();
    let (server, mut to_server) = server.into_split();
    let (mut from_client, mut from_server) = (Frames::new(client, true), Frames::new(server, false));
    let mut appends = false;
    let mut cut = None;
    loop {
        tokio::select! {
            frame = from_client.next() => {
                let Some(frame) = frame else { return };
                appends |= frame[0] == b'P' && contains(&frame, b"journal.append(");
                let commits = frame[0] == b'Q' && frame[5..] == *b"commit\0";
                if commits || (appends && frame[0] == b'E') {
                    cut = take(&plan);
                    if matches!(cut, Some(Cut::BeforeTheRequest | Cut::TheWholeServer)) {
                        return;
                    }
                }
                if to_server.write_all(&frame).await.is_err() {
                    return;
                }
                if (commits || frame[0] == b'S') && cut == Some(Cut::BehindTheRequest) {
                    return;
                }
            }
            frame = from_server.next() => {
                let Some(frame) = frame else { return };
                match cut {
                    None => if to_client.write_all(&frame).await.is_err() { return },
                    // ReadyForQuery: it is committed.
                    Some(Cut::BeforeTheAnswer) if frame[0] == b'Z' => return,
                    Some(_) => {}
                }
            }
        }
    }
}

fn take(plan: &Mutex<Plan>) -> Option<Cut> {
    let mut plan = plan.lock().unwrap();
    let cut = plan.next.pop_front();
    plan.made += usize::from(cut.is_some());
    plan.down |= cut == Some(Cut::TheWholeServer);
    cut
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The frames of one direction.
struct Frames<R> {
    from: R,
    bytes: Vec<u8>,
    /// The first frame of a client has no type byte.
    untyped: bool,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    fn new(from: R, untyped: bool) -> Self {
        Self { from, bytes: Vec::new(), untyped }
    }

    /// Waits for a whole frame; may be cancelled.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let kind = usize::from(!self.untyped);
            if let Some(length) = self.bytes.get(kind..kind + 4) {
                let whole = kind + u32::from_be_bytes(length.try_into().unwrap()) as usize;
                if self.bytes.len() >= whole {
                    self.untyped = false;
                    let rest = self.bytes.split_off(whole);
                    return Some(std::mem::replace(&mut self.bytes, rest));
                }
            }
            if self.from.read_buf(&mut self.bytes).await.ok()? == 0 {
                return None;
            }
        }
    }
}
