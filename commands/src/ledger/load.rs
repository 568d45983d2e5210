//! Bringing streams into memory: from their events, or from a snapshot and the events behind it.
//!
//! Most streams are short: one statement reads the first events of all that are wanted, and whatever ended within them is whole. Only
//! for the others a snapshot is looked for, and the rest is read in pages, so memory is bounded whatever their length. Of loans, which are
//! long when they are old, it is looked for first, and the statement reads what is behind it. A snapshot
//! that must not be used (edited, or of a log that is no more) is said and counted, and the stream is folded from its first event.
//!
//! Why a state may be ahead of the loop's head: another node may have committed, and even written a snapshot, that this loop has
//! not heard of. A loaded state then holds events beyond the head, and other states of the cache do not. That is right:
//! - every state, loaded or from a snapshot, holds committed events alone: a snapshot is offered after the commit, its event is
//!   looked up in the log when it is taken, and events are only added;
//! - it holds *all* of its stream's events up to the head, because the last page was read after them;
//! - what a use case decides on it goes to the log on the condition that the log ends at the loop's head. If any state
//!   held more, the log is longer, the answer is `moved`, and everything is decided again after catching up. Batches without
//!   events compare the head too, so not even a refusal is told from such a state;
//! - catching up applies an event only behind the version that is held and skips those that are in it, so a state that is
//!   ahead is neither changed twice nor thought to have a gap.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

use lumbung_domain::StreamId;
use lumbung_journal::{Break, BreakReason, Hash, JournalError, Record, Snapshot, codec, read, snapshot};
use tracing::{debug, error};

use super::cache::Slot;
use super::turn::{Loop, LoopFailed};

/// How many streams are read by one statement.
const LOADED_AT_ONCE: usize = 1_000;
/// The most events of each that the first statement reads: more than nearly every stream has, and not many to read in vain.
const FIRST_EVENTS: i64 = 64;
/// How many events of a long stream are read at a time.
const PAGE: i64 = 5_000;

/// A stream as far as it was folded.
pub(super) struct Fold {
    pub(super) slot: Slot,
    /// The hash of the last event in it.
    hash: Hash,
    /// The sequence of the snapshot it stands on; 0 if it stands on its events alone.
    kept: i64,
}

/// A stream that is being loaded.
struct Begun {
    stream: StreamId,
    fold: Fold,
    /// Behind the fold, the first of them.
    records: Vec<Record>,
}

impl Fold {
    pub(super) fn unborn(stream: &StreamId) -> Self {
        Self { slot: Slot::unborn(stream), hash: Hash::GENESIS, kept: 0 }
    }

    /// Takes the next event of the stream.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), JournalError> {
        if record.sequence != self.slot.version + 1 {
            let reason = BreakReason::SequenceGap {
                stream: record.stream.to_string(),
                expected: self.slot.version + 1,
                found: record.sequence,
            };
            return Err(Break { position: record.position, reason }.into());
        }
        let event = codec::decode(record)?;
        let evolved = self.slot.state.evolve(&event);
        evolved.map_err(|_| JournalError::Malformed { what: "an event's stream" })?;
        self.slot.version = record.sequence;
        self.hash = record.hash;
        Ok(())
    }
}

impl Loop {
    /// Loads streams into the cache, however long the database is away. A stream with an id that the database cannot
    /// even look for stays away, and whoever names it fails for it.
    pub(super) async fn load(&mut self, wanted: Vec<StreamId>) -> Result<(), LoopFailed> {
        self.stats.loads.fetch_add(wanted.len() as u64, Relaxed);
        let first = self.snapshots.every().map_or(FIRST_EVENTS, |every| every.min(FIRST_EVENTS));
        let mut parts: Vec<Vec<StreamId>> = wanted.chunks(LOADED_AT_ONCE).map(<[_]>::to_vec).collect();
        while let Some(mut wanted) = parts.pop() {
            match self.begin(&wanted, first).await {
                Ok(begun) => self.complete(begun, first).await?,
                Err(refused) if refused.is_bad_value() => {
                    if wanted.len() > 1 {
                        let second = wanted.split_off(wanted.len() / 2);
                        parts.extend([second, wanted]);
                    }
                }
                Err(failed) => return Err(failed.into()),
            }
        }
        Ok(())
    }

    /// What streams stand on, and their next events, `first` of each at most.
    async fn begin(&self, wanted: &[StreamId], first: i64) -> Result<Vec<Begun>, JournalError> {
        let likely: Vec<StreamId> =
            wanted.iter().filter(|stream| self.snapshots.come_first(stream.kind)).cloned().collect();
        let mut folds = self.snapshots_of(&likely).await?;
        let behind: Vec<(&StreamId, i64)> =
            wanted.iter().map(|stream| (stream, folds.get(stream).map_or(0, |fold| fold.kept))).collect();
        let mut records = self.following(&behind, first).await?;
        let begun = wanted.iter().map(|stream| Begun {
            fold: folds.remove(stream).unwrap_or_else(|| Fold::unborn(stream)),
            records: records.remove(stream).unwrap_or_default(),
            stream: stream.clone(),
        });
        Ok(begun.collect())
    }

    /// The first events of streams, `first` of each at most.
    pub(super) async fn beginnings(
        &self,
        wanted: &[StreamId],
        first: i64,
    ) -> Result<HashMap<StreamId, Vec<Record>>, JournalError> {
        let wanted: Vec<(&StreamId, i64)> = wanted.iter().map(|stream| (stream, 0)).collect();
        self.following(&wanted, first).await
    }

    /// The events of streams behind a sequence, `first` of each at most.
    async fn following(
        &self,
        wanted: &[(&StreamId, i64)],
        first: i64,
    ) -> Result<HashMap<StreamId, Vec<Record>>, JournalError> {
        let records = super::patiently(|| read::following(&self.pool, wanted, first)).await?;
        self.stats.loaded_events.fetch_add(records.len() as u64, Relaxed);
        let mut begun: HashMap<StreamId, Vec<Record>> =
            wanted.iter().map(|(stream, _)| (StreamId::clone(stream), Vec::new())).collect();
        for record in records {
            if let Some(of_stream) = begun.get_mut(&record.stream) {
                of_stream.push(record);
            }
        }
        // As they come; but SQL promises no order of the whole.
        begun.values_mut().for_each(|records| records.sort_by_key(|record| record.sequence));
        Ok(begun)
    }

    /// Brings begun streams to their ends and into the cache.
    async fn complete(&mut self, begun: Vec<Begun>, first: i64) -> Result<(), JournalError> {
        let is_long = |records: &Vec<Record>| records.len() as i64 >= first;
        let unasked =
            |begun: &&Begun| is_long(&begun.records) && !self.snapshots.come_first(begun.stream.kind);
        let long: Vec<StreamId> = begun.iter().filter(unasked).map(|begun| begun.stream.clone()).collect();
        let mut snapshots = self.snapshots_of(&long).await?;
        for Begun { stream, mut fold, records } in begun {
            match snapshots.remove(&stream) {
                Some(written_down) => fold = written_down,
                None => records.iter().try_for_each(|record| fold.take(record))?,
            }
            if is_long(&records) {
                self.read_on(&stream, &mut fold, i64::MAX).await?;
            }
            if self.snapshots.due(stream.kind, fold.kept, fold.slot.version)
                && self.snapshots.offer(&stream, &fold.slot, fold.hash)
            {
                fold.kept = fold.slot.version;
            }
            self.cache.put_loaded(stream, fold.slot, fold.kept);
        }
        Ok(())
    }

    /// The states of long streams that were written down and may be used.
    pub(super) async fn snapshots_of(
        &self,
        long: &[StreamId],
    ) -> Result<HashMap<StreamId, Fold>, JournalError> {
        let mut usable = HashMap::new();
        if long.is_empty() || self.snapshots.every().is_none() {
            return Ok(usable);
        }
        let key = self.vault.index_key();
        let mut found = super::patiently(|| snapshot::find(&self.pool, key, long)).await?;
        for stream in long {
            match found.remove(stream) {
                Some(Ok(Snapshot { sequence, event_hash, state, .. })) => {
                    self.stats.snapshots_used.fetch_add(1, Relaxed);
                    let slot = Slot { version: sequence, state };
                    usable.insert(stream.clone(), Fold { slot, hash: event_hash, kept: sequence });
                }
                Some(Err(unfit)) => {
                    self.stats.snapshots_rejected.fetch_add(1, Relaxed);
                    let error: &dyn std::error::Error = &unfit;
                    error!(%stream, error, "a snapshot is not used; reading all events of its stream");
                }
                None => debug!(%stream, "no snapshot of a long stream; reading all its events"),
            }
        }
        Ok(usable)
    }

    /// Folds what follows, up to the event `last` or the stream's end.
    pub(super) async fn read_on(
        &self,
        stream: &StreamId,
        fold: &mut Fold,
        last: i64,
    ) -> Result<(), JournalError> {
        while fold.slot.version < last {
            let version = fold.slot.version;
            let most = PAGE.min(last - version);
            let records = super::patiently(|| read::stream_after(&self.pool, stream, version, most)).await?;
            self.stats.loaded_events.fetch_add(records.len() as u64, Relaxed);
            for record in &records {
                fold.take(record)?;
            }
            if (records.len() as i64) < most {
                break;
            }
        }
        Ok(())
    }
}
