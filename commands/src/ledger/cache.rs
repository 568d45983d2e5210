//! The streams this node holds in memory.
//!
//! Bounds: at most `capacity` streams between turns; a turn may exceed it by what it loads. Order: an event is
//! applied only right behind the version that is held; one that is held already is skipped, and a gap throws the
//! stream out, because it means that an event was missed.

use std::collections::HashMap;

use lru::LruCache;
use lumbung_domain::{AnyAggregate, StreamId};
use lumbung_journal::{Fact, Record};
use tracing::error;

use super::snapshots::Snapshots;

/// A stream's state and the sequence of the last event in it; 0 before the first.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) version: i64,
    pub(super) state: AnyAggregate,
}

impl Slot {
    pub(super) fn unborn(stream: &StreamId) -> Self {
        Self { version: 0, state: AnyAggregate::unborn(stream.kind) }
    }
}

/// Streams changed by a batch that is not committed yet.
pub(super) type Overlay = HashMap<StreamId, Slot>;

/// A committed slot.
struct Held {
    slot: Slot,
    /// The sequence of the last snapshot that this node knows of; 0 if of none.
    kept: i64,
}

pub(super) struct Cache {
    slots: LruCache<StreamId, Held>,
    capacity: usize,
    hits: u64,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { slots: LruCache::unbounded(), capacity, hits: 0 }
    }

    /// How often a slot that was asked for was held.
    pub(super) fn hits(&self) -> u64 {
        self.hits
    }

    /// The slot, counted as used.
    pub(super) fn get(&mut self, stream: &StreamId) -> Option<&Slot> {
        let held = self.slots.get(stream);
        self.hits += u64::from(held.is_some());
        held.map(|held| &held.slot)
    }

    /// Every stream held.
    pub(super) fn streams(&self) -> impl Iterator<Item = &StreamId> {
        self.slots.iter().map(|(stream, _)| stream)
    }

    /// Forgets the streams that were not used for longest. Called between turns only: a turn relies on what it
    /// loaded.
    pub(super) fn evict(&mut self) {
        while self.slots.len() > self.capacity {
            self.slots.pop_lru();
        }
    }

    pub(super) fn remove(&mut self, stream: &StreamId) {
        self.slots.pop(stream);
    }

    /// Takes over what a committed batch changed. States of streams that have grown long enough are offered for a snapshot:
    /// here they are committed, and `records` has the hashes of their last events.
    pub(super) fn commit(&mut self, overlay: Overlay, records: &[Record], snapshots: &Snapshots) {
        for (stream, slot) in overlay {
            let mut kept = self.slots.peek(&stream).map_or(0, |held| held.kept);
            if snapshots.due(stream.kind, kept, slot.version) {
                let last = records.iter().rfind(|r| r.sequence == slot.version && r.stream == stream);
                if last.is_some_and(|last| snapshots.offer(&stream, &slot, last.hash)) {
                    kept = slot.version;
                }
            }
            self.slots.put(stream, Held { slot, kept });
        }
    }

    /// Takes in an event that another node committed.
    pub(super) fn apply(&mut self, fact: &Fact) {
        let Some(Held { slot, .. }) = self.slots.peek_mut(&fact.stream) else { return };
        if fact.sequence <= slot.version {
            return;
        }
        let follows = fact.sequence == slot.version + 1;
        if follows && slot.state.evolve(&fact.event).is_ok() {
            slot.version = fact.sequence;
            return;
        }
        error!(stream = %fact.stream, held = slot.version, found = fact.sequence, "a cached stream missed an event");
        self.slots.pop(&fact.stream);
    }

    /// Puts in a stream that was loaded to its end, from a snapshot at `kept` or from its events alone. A stream without
    /// events is held too: it is known to be unborn.
    pub(super) fn put_loaded(&mut self, stream: StreamId, slot: Slot, kept: i64) {
        self.slots.put(stream, Held { slot, kept });
    }
}
