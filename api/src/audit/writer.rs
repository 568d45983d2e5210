//! The one task that stores audit rows and deletes the old ones.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use chrono::Utc;
use lumbung_journal::is_transient;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{error, warn};

use super::row::{self, Row};
use super::{Bounds, Kind};

/// The most rows of one insert.
const BATCH_ROWS: usize = 256;
/// A database that is away is tried so often; then the batch is given up, so that stopping takes no longer than this.
const ATTEMPTS: u32 = 6;
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// One insert takes milliseconds; a dead connection says nothing for a quarter of an hour.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

const PRUNE_EVERY: Duration = Duration::from_secs(600);
const PRUNED_AT_ONCE: i64 = 10_000;

/// What the writer is sent.
pub(super) enum Message {
    Row(Box<Row>),
    /// Answered when everything before it is stored or given up.
    Flush(oneshot::Sender<()>),
    /// Answered when everything that is too old or too much is deleted.
    Prune(oneshot::Sender<()>),
}

pub(super) struct Writer {
    pool: PgPool,
    queue: mpsc::Receiver<Message>,
    bounds: Bounds,
    lost: Arc<AtomicU64>,
    /// How many of the lost rows the log has heard of.
    told: u64,
}

impl Writer {
    pub(super) fn new(
        pool: PgPool,
        queue: mpsc::Receiver<Message>,
        bounds: Bounds,
        lost: Arc<AtomicU64>,
    ) -> Self {
        Self { pool, queue, bounds, lost, told: 0 }
    }

    /// Until every sender is gone and the queue is empty.
    pub(super) async fn run(mut self) {
        let mut messages = Vec::with_capacity(BATCH_ROWS);
        let mut prune_at = Instant::now();
        loop {
            tokio::select! {
                taken = self.queue.recv_many(&mut messages, BATCH_ROWS) => {
                    if taken == 0 {
                        return;
                    }
                    self.take(messages.drain(..)).await;
                }
                () = tokio::time::sleep_until(prune_at) => {
                    let more = self.prune().await;
                    prune_at = Instant::now() + if more { SHORTEST_PAUSE } else { PRUNE_EVERY };
                }
            }
        }
    }

    async fn take(&mut self, messages: impl Iterator<Item = Message>) {
        let (mut rows, mut waiting, mut prune) = (Vec::new(), Vec::new(), false);
        for message in messages {
            match message {
                Message::Row(row) => rows.push(*row),
                Message::Flush(done) => waiting.push(done),
                Message::Prune(done) => {
                    prune = true;
                    waiting.push(done);
                }
            }
        }
        if !rows.is_empty() && !self.store(&rows).await {
            self.lost.fetch_add(rows.len() as u64, Relaxed);
        }
        let lost = self.lost.load(Relaxed);
        if lost > self.told {
            warn!(rows = lost - self.told, "audit rows were lost: too many at once, or the database is away");
            self.told = lost;
        }
        while prune {
            prune = self.prune().await;
        }
        for done in waiting {
            // Whoever asked may be gone.
            let _ = done.send(());
        }
    }

    async fn store(&self, rows: &[Row]) -> bool {
        let mut pause = SHORTEST_PAUSE;
        for _ in 0..ATTEMPTS {
            let insert = tokio::time::timeout(ANSWER_WITHIN, row::insert(&self.pool, rows)).await;
            match insert.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut)) {
                Ok(()) => return true,
                Err(failed) if is_transient(&failed) => {}
                Err(failed) => {
                    error!(
                        error = &failed as &dyn std::error::Error,
                        "the database does not take audit rows"
                    );
                    return false;
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        false
    }

    /// Deletes a piece of what is too much; whether there may be more.
    async fn prune(&self) -> bool {
        let mut more = false;
        let age = chrono::TimeDelta::from_std(self.bounds.keep_for).unwrap_or(chrono::TimeDelta::MAX);
        let Some(horizon) = Utc::now().checked_sub_signed(age) else { return false };
        for kind in Kind::ALL {
            let pruned =
                row::prune(&self.pool, kind, horizon, self.bounds.rows_per_kind, PRUNED_AT_ONCE).await;
            match pruned {
                Ok(pruned) => more |= pruned == PRUNED_AT_ONCE.unsigned_abs(),
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "old audit rows were not deleted");
                    return false;
                }
            }
        }
        more
    }
}
