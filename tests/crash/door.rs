//! The way to a server that may be killed at any moment, and the patience to ask until the answer is definite.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::PATIENCE;
use crate::served::{Http, Request, Told};

/// How long a client waits for one answer before it asks again.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Door {
    http: Http,
    address: Arc<watch::Sender<String>>,
    open: Arc<AtomicBool>,
}

impl Door {
    pub(super) fn new(address: &str) -> Self {
        let address = Arc::new(watch::Sender::new(address.to_owned()));
        Self { http: Http::within(ANSWER_WITHIN), address, open: Arc::default() }
    }

    /// The server is somewhere else now.
    pub(super) fn move_to(&self, address: &str) {
        self.address.send_replace(address.to_owned());
    }

    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// Nobody begins anything new.
    pub(super) fn rest(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Sends the same request, with the same key, until somebody says what became of it: no answer, a lost connection and
    /// every 5xx leave that open.
    pub(super) async fn ask(&self, request: &Request) -> Told {
        self.ask_counting(request).await.0
    }

    /// As [`Door::ask`], and how often it was sent.
    pub(super) async fn ask_counting(&self, request: &Request) -> (Told, u64) {
        let started = Instant::now();
        let mut last = String::from("nothing");
        let mut sent = 0;
        while started.elapsed() < PATIENCE {
            let address = self.address.borrow().clone();
            sent += 1;
            match self.http.send(&address, request).await {
                Ok(told) if told.status < 500 => return (told, sent),
                Ok(told) => last = format!("{} {}", told.status, String::from_utf8_lossy(&told.bytes)),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no definite answer to {} in {PATIENCE:?}; the last was {last}", request.path);
    }
}
