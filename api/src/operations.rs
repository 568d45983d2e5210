//! What operators watch: how the background work goes, as a summary and as it happens.
//!
//! One task follows the feed and tells of transfers whose state changed, whichever node changed it. Bounds: [`WATCHERS`]
//! listeners, [`WATCHERS_EACH`] of one person; one who does not keep up with [`HELD_CHANGES`] misses some and is told how many; the summary is made once a second
//! at most, however many ask.

mod overview;
mod pace;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use lumbung_domain::{AnyEvent, TransferEvent, TransferStatus, UserId};
use lumbung_journal::feed::RING_FACTS;
use lumbung_journal::{Fact, Feed, Stop, Stopper};
use serde::Serialize;
use tokio::sync::broadcast;
use tracing::warn;

use crate::app::App;
use crate::rest::ApiError;
use crate::seats::{Seat, Seats};
pub use overview::Overview;
use pace::Pace;

/// How many may listen at once, each with a connection of its own.
const WATCHERS: usize = 32;
/// Of one person: nobody takes the seats of all.
const WATCHERS_EACH: usize = 4;
/// Changes that are held for who is slow.
const HELD_CHANGES: usize = 1_024;
/// How old a summary may be.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// Facts that are read at once.
const READ: usize = 4_096;
/// Who fell so far behind begins anew: what happened meanwhile is in the read models.
const TOO_FAR: i64 = RING_FACTS as i64 / 2;

/// A transfer whose state changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferChange {
    pub position: i64,
    pub id: Arc<str>,
    pub status: &'static str,
    /// Why it was returned or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    pub at: DateTime<Utc>,
}

/// Shared by all who watch on this node.
pub struct Operations {
    changes: broadcast::Sender<TransferChange>,
    pace: Arc<Mutex<Pace>>,
    seats: Arc<Seats>,
    last: tokio::sync::Mutex<Option<(Instant, Arc<Overview>)>>,
    stopper: Stopper,
    stop: Stop,
}

/// A seat among the watchers, and what happens from now on.
pub struct Watcher {
    pub changes: broadcast::Receiver<TransferChange>,
    /// Raised when the node ends.
    pub stop: Stop,
    _seat: Seat,
}

impl Operations {
    /// Starts to follow the feed; call it inside a runtime. It ends with [`Operations::end`], or when it is dropped.
    #[must_use]
    pub fn start(feed: &Arc<Feed>) -> Self {
        let (stopper, stop) = Stopper::new();
        let (changes, _) = broadcast::channel(HELD_CHANGES);
        let pace = Arc::new(Mutex::new(Pace::default()));
        let follower = Follower { feed: Arc::clone(feed), changes: changes.clone(), pace: Arc::clone(&pace) };
        tokio::spawn({
            let stop = stop.clone();
            async move {
                tokio::select! {
                    () = stop.raised() => {}
                    () = follower.follow() => {}
                }
            }
        });
        let seats = Seats::new(WATCHERS, WATCHERS_EACH);
        Self { changes, pace, seats, last: tokio::sync::Mutex::new(None), stopper, stop }
    }

    /// Takes a seat; `None` if all, or the person's own, are taken.
    #[must_use]
    pub fn watch(&self, person: UserId) -> Option<Watcher> {
        let seat = self.seats.take(person)?;
        Some(Watcher { changes: self.changes.subscribe(), stop: self.stop.clone(), _seat: seat })
    }

    /// Ends what would go on for ever, so that the node can end.
    pub fn end(&self) {
        self.stopper.stop();
    }

    /// The summary, as it was within the last second.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn overview(&self, app: &App) -> Result<Arc<Overview>, ApiError> {
        let mut last = self.last.lock().await;
        if let Some((made, overview)) = &*last
            && made.elapsed() < FRESH_FOR
        {
            return Ok(Arc::clone(overview));
        }
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let overview = Arc::new(Overview::of(app, &pace).await?);
        *last = Some((Instant::now(), Arc::clone(&overview)));
        Ok(overview)
    }
}

struct Follower {
    feed: Arc<Feed>,
    changes: broadcast::Sender<TransferChange>,
    pace: Arc<Mutex<Pace>>,
}

impl Follower {
    async fn follow(self) {
        let mut news = self.feed.watch();
        let mut position = self.feed.reached();
        while news.changed().await.is_ok() {
            loop {
                news.mark_unchanged();
                let reached = self.feed.reached();
                if reached - position > TOO_FAR {
                    position = reached;
                }
                match self.feed.after(position, READ).await {
                    Ok(batches) => {
                        let facts = batches.iter().flat_map(|batch| batch.iter());
                        let Some(last) = self.tell(facts) else { break };
                        position = last;
                    }
                    Err(error) => {
                        warn!(error = &error as &dyn std::error::Error, "operators were not told of events");
                        break;
                    }
                }
            }
        }
    }

    fn tell<'a>(&self, facts: impl Iterator<Item = &'a Fact>) -> Option<i64> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = None;
        for fact in facts {
            last = Some(fact.position);
            let AnyEvent::Transfer(event) = &fact.event else { continue };
            let change = TransferChange::of(fact, event);
            match event {
                TransferEvent::TransferStarted(_) => pace.started(fact.recorded_at),
                TransferEvent::TransferSettled { .. } => pace.settled(fact.recorded_at),
                TransferEvent::TransferReturned { .. }
                | TransferEvent::TransferParked { .. }
                | TransferEvent::TransferRetried {} => {}
            }
            // Nobody may be listening.
            drop(self.changes.send(change));
        }
        last
    }
}

impl TransferChange {
    fn of(fact: &Fact, event: &TransferEvent) -> Self {
        let (status, reason) = match event {
            TransferEvent::TransferStarted(_) | TransferEvent::TransferRetried {} => {
                (TransferStatus::Pending, None)
            }
            TransferEvent::TransferSettled { .. } => (TransferStatus::Success, None),
            TransferEvent::TransferReturned { because, .. } => {
                (TransferStatus::Returned, Some((*because).into()))
            }
            TransferEvent::TransferParked { because } => (TransferStatus::Parked, Some((*because).into())),
        };
        Self {
            position: fact.position,
            id: Arc::clone(&fact.stream.id),
            status: status.as_str(),
            reason,
            at: fact.recorded_at,
        }
    }
}
