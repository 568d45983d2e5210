//! Writing down the states of long streams, beside the loop.
//!
//! The loop offers a committed state when a stream has grown by so many events since its last snapshot; a task with a connection of
//! its own encodes and writes it. Bounds: [`WAITING`] streams wait, of each only the latest state; what finds no room is offered
//! again with the stream's next batch. The loop never waits: an offer is a lock that is held for a few moves, and a
//! clone of what the cache shares anyway. Order: any; a snapshot is true for ever, so a late one is only shorter.
//!
//! A failure to write is logged and tried again, unless a later state came meanwhile. Nothing is lost with it. A state that was
//! found to be wrong is withdrawn wherever it is: waiting, being written, or about to wait again after a failure.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lumbung_domain::{AggregateType, StreamId};
use lumbung_journal::snapshot::Written;
use lumbung_journal::{Hash, JournalError, Snapshot, Vault, app_options, snapshot};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use super::cache::Slot;
use super::stats::Stats;

/// A loan has an event a day, and a daily run after a restart loads them all: what is behind a snapshot is short, and a bit more than it
/// still comes with the first statement of a load.
const LOAN_EVERY: i64 = 48;
/// How many streams may wait for their snapshot.
const WAITING: usize = 1_024;
/// One writing that takes longer goes over a dead connection.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// Between two writings: a stream that takes thousands of events a second needs no snapshot of each five hundred.
const REST: Duration = Duration::from_millis(10);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// Snapshots of other software are kept so long, and looked for so often.
const FOREIGN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the loop offers and the writer takes.
pub(super) struct Snapshots {
    every: i64,
    queue: Mutex<Queue>,
    wake: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Snapshot>,
    /// What the writer has, and whether it may still be written.
    writing: Option<(StreamId, bool)>,
}

impl Snapshots {
    /// A snapshot after every so many events of a stream; 0 is never.
    pub(super) fn new(every: u32) -> Arc<Self> {
        Arc::new(Self { every: i64::from(every), queue: Mutex::default(), wake: Notify::new() })
    }

    /// Streams with no more events than this have no snapshot; `None` if there are none at all.
    pub(super) fn every(&self) -> Option<i64> {
        (self.every > 0).then_some(self.every)
    }

    /// Whether a snapshot of a stream is looked for before its events are: where most streams have one.
    pub(super) fn come_first(&self, kind: AggregateType) -> bool {
        self.every > 0 && kind == AggregateType::Loan
    }

    /// Whether a stream that has a snapshot at `kept` should have one at `version`.
    pub(super) fn due(&self, kind: AggregateType, kept: i64, version: i64) -> bool {
        let every = if self.come_first(kind) { self.every.min(LOAN_EVERY) } else { self.every };
        every > 0 && version - kept >= every
    }

    /// Takes a committed state, in place of an earlier one of the same stream; false if there is no room.
    pub(super) fn offer(&self, stream: &StreamId, slot: &Slot, event_hash: Hash) -> bool {
        let snapshot = Snapshot {
            stream: stream.clone(),
            sequence: slot.version,
            event_hash,
            state: slot.state.clone(),
        };
        let taken = self.put(snapshot);
        self.wake.notify_one();
        taken
    }

    fn put(&self, snapshot: Snapshot) -> bool {
        let waiting = &mut self.queue().waiting;
        match waiting.iter().position(|held| held.stream == snapshot.stream) {
            Some(at) => waiting[at] = snapshot,
            None if waiting.len() >= WAITING => return false,
            None => waiting.push_back(snapshot),
        }
        true
    }

    /// The next one to write. It is being written until [`Snapshots::done`] or [`Snapshots::put_back`].
    fn take(&self) -> Option<Snapshot> {
        let mut queue = self.queue();
        let next = queue.waiting.pop_front();
        queue.writing = next.as_ref().map(|next| (next.stream.clone(), true));
        next
    }

    /// Whether what is being written may be committed.
    fn stands(&self) -> bool {
        self.queue().writing.as_ref().is_some_and(|(_, stands)| *stands)
    }

    fn done(&self) {
        self.queue().writing = None;
    }

    /// Has what could not be written wait again, unless a later state of its stream waits already or it was withdrawn.
    fn put_back(&self, snapshot: Snapshot) {
        let mut queue = self.queue();
        let stands = queue.writing.take().is_some_and(|(_, stands)| stands);
        let waits = queue.waiting.iter().any(|held| held.stream == snapshot.stream);
        if stands && !waits && queue.waiting.len() < WAITING {
            queue.waiting.push_back(snapshot);
        }
    }

    /// No state of the stream that was offered so far is to be written: it was found to be wrong. One that is being written just
    /// now may be committed still, if it was about to be; [`snapshot::forget`] waits for it.
    pub(super) fn withdraw(&self, stream: &StreamId) {
        let mut queue = self.queue();
        queue.waiting.retain(|held| held.stream != *stream);
        if let Some((writing, stands)) = &mut queue.writing
            && writing == stream
        {
            *stands = false;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is offered, until it is aborted.
pub(super) fn writer(
    database: &PgConnectOptions,
    vault: Arc<Vault>,
    snapshots: Arc<Snapshots>,
    stats: Arc<Stats>,
) -> JoinHandle<()> {
    // Losing one in a crash costs nothing but time.
    let options = app_options(database).options([("synchronous_commit", "off"), ("lock_timeout", "2s")]);
    tokio::spawn(async move {
        let mut writer = Writer { options, vault, stats, connection: None, pruned: None };
        loop {
            let Some(next) = snapshots.take() else {
                snapshots.wake.notified().await;
                continue;
            };
            let written =
                tokio::time::timeout(WRITE_WITHIN, writer.write(&next, || snapshots.stands())).await;
            let lost = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into();
            if let Err(error) = written.map_err(lost).flatten() {
                writer.connection = None;
                not_written(&next, &error);
                snapshots.put_back(next);
                tokio::time::sleep(PAUSE).await;
            } else {
                snapshots.done();
            }
            tokio::time::sleep(REST).await;
        }
    })
}

fn not_written(snapshot: &Snapshot, error: &JournalError) {
    let error: &dyn std::error::Error = error;
    warn!(error, stream = %snapshot.stream, "a snapshot was not written");
}

struct Writer {
    options: PgConnectOptions,
    vault: Arc<Vault>,
    stats: Arc<Stats>,
    /// Made with the first snapshot: most nodes of small ledgers never need it.
    connection: Option<PgConnection>,
    pruned: Option<Instant>,
}

impl Writer {
    async fn write(&mut self, next: &Snapshot, stands: impl FnOnce() -> bool) -> Result<(), JournalError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(PgConnection::connect_with(&self.options).await?),
        };
        match snapshot::write(connection, self.vault.index_key(), next, stands).await? {
            Written::Done => {
                self.stats.snapshots_written.fetch_add(1, Relaxed);
            }
            Written::Unwritable => {
                error!(stream = %next.stream, "a state is too large to be written down, or does not encode");
            }
            Written::Withdrawn => info!(stream = %next.stream, "a wrong state was not written down"),
        }
        if self.pruned.is_none_or(|pruned| pruned.elapsed() > PRUNE_EVERY) {
            let gone = snapshot::prune(connection, FOREIGN_FOR).await?;
            if gone > 0 {
                info!(gone, "deleted old snapshots of other software");
            }
            self.pruned = Some(Instant::now());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lumbung_domain::{AggregateType, AnyAggregate};

    fn stream(id: usize) -> StreamId {
        StreamId::new(AggregateType::Wallet, id.to_string())
    }

    fn at(version: i64) -> Slot {
        Slot { version, state: AnyAggregate::unborn(AggregateType::Wallet) }
    }

    #[test]
    fn the_latest_state_of_a_stream_waits_and_no_more_streams_than_there_is_room_for() {
        let snapshots = Snapshots::new(3);
        for id in 0..WAITING {
            assert!(snapshots.offer(&stream(id), &at(3), Hash::GENESIS));
        }
        assert!(!snapshots.offer(&stream(WAITING), &at(3), Hash::GENESIS));
        assert!(snapshots.offer(&stream(0), &at(6), Hash::GENESIS));
        let Some(first) = snapshots.take() else { unreachable!() };
        assert_eq!((first.stream.clone(), first.sequence), (stream(0), 6));
        // One that could not be written comes again, but not in the place of a later one.
        assert!(snapshots.offer(&stream(0), &at(9), Hash::GENESIS));
        snapshots.put_back(first);
        snapshots.withdraw(&stream(1));
        let left: Vec<_> = std::iter::from_fn(|| snapshots.take()).collect();
        assert_eq!(left.len(), WAITING - 1);
        assert!(left.iter().all(|held| held.stream != stream(1)));
        assert!(left.iter().any(|held| held.stream == stream(0) && held.sequence == 9));
    }

    #[test]
    fn what_was_withdrawn_is_not_written_and_does_not_come_back() {
        let snapshots = Snapshots::new(3);
        for (id, withdrawn) in [(0, true), (1, false)] {
            assert!(snapshots.offer(&stream(0), &at(3), Hash::GENESIS));
            let Some(taken) = snapshots.take() else { unreachable!() };
            assert!(snapshots.stands());
            snapshots.withdraw(&stream(id));
            assert_eq!(snapshots.stands(), !withdrawn);
            // As after a failure.
            snapshots.put_back(taken);
            assert_eq!(snapshots.take().is_none(), withdrawn);
        }
        // What is offered afterwards is another state.
        snapshots.withdraw(&stream(0));
        assert!(snapshots.offer(&stream(0), &at(6), Hash::GENESIS));
        assert!(snapshots.take().is_some_and(|next| next.sequence == 6) && snapshots.stands());
        snapshots.done();
        assert!(!snapshots.stands());
    }

    #[test]
    fn a_snapshot_is_due_after_so_many_events() {
        let (wallet, loan) = (AggregateType::Wallet, AggregateType::Loan);
        let due = |every, kind, kept, version| Snapshots::new(every).due(kind, kept, version);
        for kind in [wallet, loan] {
            assert!(!due(3, kind, 0, 2) && due(3, kind, 0, 3) && !due(3, kind, 3, 5) && due(3, kind, 3, 7));
            assert!(!due(0, kind, 0, i64::MAX));
        }
        // Of a loan sooner, never later.
        assert!(!due(500, wallet, 0, 499) && due(500, wallet, 0, 500));
        assert!(!due(500, loan, 0, LOAN_EVERY - 1) && due(500, loan, 0, LOAN_EVERY));
    }
}
