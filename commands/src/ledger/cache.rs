//! The streams this node holds in memory.
//!
//! Bounds: at most `capacity` streams between turns; a turn may exceed it by what it loads. Order: an event is
//! applied only right behind the version that is held; one that is held already is skipped, and a gap throws the
//! stream out, because it means that an event was missed.

use std::collections::HashMap;

use lru::LruCache;
use lumbung_domain::{AnyAggregate, StreamId};
use lumbung_journal::{Fact, JournalError, Record, codec};
use tracing::error;

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

pub(super) struct Cache {
    slots: LruCache<StreamId, Slot>,
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
        let slot = self.slots.get(stream);
        self.hits += u64::from(slot.is_some());
        slot
    }

    /// Every stream held, with its slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&StreamId, &Slot)> {
        self.slots.iter()
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

    /// Takes over what a committed batch changed.
    pub(super) fn commit(&mut self, overlay: Overlay) {
        for (stream, slot) in overlay {
            self.slots.put(stream, slot);
        }
    }

    /// Takes in an event that another node committed.
    pub(super) fn apply(&mut self, fact: &Fact) {
        let Some(slot) = self.slots.peek_mut(&fact.stream) else { return };
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

    /// Puts in streams that were loaded whole. Streams without events are held too: they are known to be unborn.
    pub(super) fn put_loaded(&mut self, wanted: &[StreamId], records: &[Record]) -> Result<(), JournalError> {
        let mut loaded: HashMap<StreamId, Slot> =
            wanted.iter().map(|stream| (stream.clone(), Slot::unborn(stream))).collect();
        for record in records {
            if let Some(slot) = loaded.get_mut(&record.stream) {
                refold(slot, record)?;
            }
        }
        self.slots_put_all(loaded);
        Ok(())
    }

    fn slots_put_all(&mut self, loaded: HashMap<StreamId, Slot>) {
        for (stream, slot) in loaded {
            self.slots.put(stream, slot);
        }
    }
}

/// Folds a stored record into a slot.
pub(super) fn refold(slot: &mut Slot, record: &Record) -> Result<(), JournalError> {
    let event = codec::decode(record)?;
    slot.state.evolve(&event).map_err(|_| JournalError::Malformed { what: "an event's stream" })?;
    slot.version = record.sequence;
    Ok(())
}
