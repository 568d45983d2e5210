//! What the loop counts.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use lumbung_journal::Batch;

use super::meters::Meters;

/// Counters since the node started.
#[derive(Debug)]
pub(super) struct Stats {
    pub(super) meters: Meters,
    pub(super) batches: AtomicU64,
    pub(super) commands: AtomicU64,
    pub(super) events: AtomicU64,
    /// Batches that had to be decided again because another node wrote.
    pub(super) moved: AtomicU64,
    /// Times that the ledger's lock was taken before deciding, because another node had won again and again.
    pub(super) locked: AtomicU64,
    /// Appends that were sent again because their answer was lost.
    pub(super) resends: AtomicU64,
    pub(super) replayed: AtomicU64,
    /// Streams loaded from the log.
    pub(super) loads: AtomicU64,
    /// Streams that were in memory when a use case asked for them.
    pub(super) hits: AtomicU64,
    /// Events read to load and to compare streams.
    pub(super) loaded_events: AtomicU64,
    pub(super) snapshots_written: AtomicU64,
    /// Streams that were loaded from a snapshot.
    pub(super) snapshots_used: AtomicU64,
    /// Snapshots that must not be used: edited, or of a log that is no more.
    pub(super) snapshots_rejected: AtomicU64,
    /// Cached streams that differed from the log.
    pub(super) differences: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub batches: u64,
    pub commands: u64,
    pub events: u64,
    pub moved: u64,
    pub locked: u64,
    pub resends: u64,
    pub replayed: u64,
    pub loads: u64,
    pub hits: u64,
    pub loaded_events: u64,
    pub snapshots_written: u64,
    pub snapshots_used: u64,
    pub snapshots_rejected: u64,
    pub differences: u64,
}

impl Stats {
    pub(super) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            meters: Meters::new(),
            batches: zero(),
            commands: zero(),
            events: zero(),
            moved: zero(),
            locked: zero(),
            resends: zero(),
            replayed: zero(),
            loads: zero(),
            hits: zero(),
            loaded_events: zero(),
            snapshots_written: zero(),
            snapshots_used: zero(),
            snapshots_rejected: zero(),
            differences: zero(),
        }
    }

    pub(super) fn committed(&self, batch: &Batch, commands: usize) {
        self.batches.fetch_add(1, Relaxed);
        self.commands.fetch_add(commands as u64, Relaxed);
        self.events.fetch_add(batch.records.len() as u64, Relaxed);
        self.meters.batch_commands.record(commands as f64);
        self.meters.batch_events.record(batch.records.len() as f64);
    }

    #[must_use]
    pub(super) fn counts(&self) -> Counts {
        Counts {
            batches: self.batches.load(Relaxed),
            commands: self.commands.load(Relaxed),
            events: self.events.load(Relaxed),
            moved: self.moved.load(Relaxed),
            locked: self.locked.load(Relaxed),
            resends: self.resends.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            loads: self.loads.load(Relaxed),
            hits: self.hits.load(Relaxed),
            loaded_events: self.loaded_events.load(Relaxed),
            snapshots_written: self.snapshots_written.load(Relaxed),
            snapshots_used: self.snapshots_used.load(Relaxed),
            snapshots_rejected: self.snapshots_rejected.load(Relaxed),
            differences: self.differences.load(Relaxed),
        }
    }
}
