//! The ways to the servers, any of which may be killed at any moment, and the patience to ask until the answer is definite.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::PATIENCE;
use crate::crash::dice::Dice;
use crate::served::{Http, Request, Told};

/// How long a client waits for one answer before it asks again.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Doors {
    http: Http,
    addresses: Arc<RwLock<Vec<String>>>,
    open: Arc<AtomicBool>,
}

impl Doors {
    pub(super) fn new(addresses: Vec<String>) -> Self {
        let http = Http::within(ANSWER_WITHIN);
        Self { http, addresses: Arc::new(RwLock::new(addresses)), open: Arc::new(AtomicBool::new(true)) }
    }

    /// That server is somewhere else now.
    pub(super) fn move_to(&self, slot: usize, address: &str) {
        self.addresses.write().unwrap()[slot] = address.to_owned();
    }

    /// Nobody begins anything new.
    pub(super) fn rest(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Sends once to any of the servers. `Err` says what came instead of a definite answer: nothing, a lost connection or
    /// a 5xx leave open what became of it, and so does a 409 that says that an earlier sending is still at it.
    pub(super) async fn try_once(&self, request: &Request, dice: &mut Dice) -> Result<Told, String> {
        let address = {
            let addresses = self.addresses.read().unwrap();
            addresses[dice.below(addresses.len() as u64) as usize].clone()
        };
        match self.http.send(&address, request).await {
            Ok(told) if told.status < 500 && told.status != 409 => Ok(told),
            Ok(told) => Err(format!("{} {}", told.status, told.text())),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Sends the same request, with the same key, until somebody says what became of it; and how often that took.
    pub(super) async fn ask(&self, request: &Request, dice: &mut Dice) -> (Told, u64) {
        let started = Instant::now();
        let mut last = String::from("nothing");
        let mut sent = 0;
        while started.elapsed() < PATIENCE {
            sent += 1;
            match self.try_once(request, dice).await {
                Ok(told) => return (told, sent),
                Err(open) => last = open,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no definite answer to {} in {PATIENCE:?}; the last was {last}", request.path);
    }
}
