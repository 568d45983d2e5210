//! Bringing streams into memory: from their events, or from a snapshot and the events behind it.
//!
//! Most streams are short: one statement reads the first events of all that are wanted, and whatever ended within them is whole. Only
//! for the others a snapshot is looked for, and the rest is read in pages, so memory is bounded whatever their length. A snapshot
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
use lumbung_journal::{Break, BreakReason, Hash, JournalError, Record, codec, read, snapshot};
use tracing::{error, info};

use super::cache::Slot;
use super::turn::{Loop, LoopFailed};

/// How many streams are read by one statement.
const LOADED_AT_ONCE: usize = 1_000;
/// The most events of each that the first statement reads.
const FIRST_EVENTS: i64 = 500;
/// How many events of a long stream are read at a time.
const PAGE: i64 = 5_000;

/// A stream as far as it was folded.
pub(super) struct Fold {
    pub(super) slot: Slot,
    /// The hash of the last event in it.
    pub(super) hash: Hash,
    /// The sequence of the snapshot it stands on; 0 if it stands on its events alone.
    pub(super) kept: i64,
    /// Whether there may be more events than were read.
    open: bool,
}

impl Fold {
    fn unborn(stream: &StreamId) -> Self {
        Self { slot: Slot::unborn(stream), hash: Hash::GENESIS, kept: 0, open: false }
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
        let mut parts: Vec<Vec<StreamId>> = wanted.chunks(LOADED_AT_ONCE).map(<[_]>::to_vec).collect();
        while let Some(mut wanted) = parts.pop() {
            let first = self.snapshots.every().map_or(FIRST_EVENTS, |every| every.min(FIRST_EVENTS));
            match self.begin(&wanted, first, |_| i64::MAX).await {
                Ok(folds) => self.complete(folds).await?,
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

    /// Folds the first events of streams, `first` of each at most and none behind the sequence that `upto` names.
    pub(super) async fn begin(
        &self,
        wanted: &[StreamId],
        first: i64,
        upto: impl Fn(&StreamId) -> i64,
    ) -> Result<HashMap<StreamId, Fold>, JournalError> {
        let records = super::patiently(|| read::beginnings(&self.pool, wanted, first)).await?;
        self.stats.loaded_events.fetch_add(records.len() as u64, Relaxed);
        let mut folds: HashMap<StreamId, Fold> =
            wanted.iter().map(|stream| (stream.clone(), Fold::unborn(stream))).collect();
        for record in &records {
            if let Some(fold) = folds.get_mut(&record.stream)
                && record.sequence <= upto(&record.stream)
            {
                fold.take(record)?;
                fold.open = fold.slot.version >= first;
            }
        }
        Ok(folds)
    }

    /// Brings begun folds to their streams' ends and into the cache.
    async fn complete(&mut self, mut folds: HashMap<StreamId, Fold>) -> Result<(), JournalError> {
        let long: Vec<StreamId> =
            folds.iter().filter(|(_, fold)| fold.open).map(|(stream, _)| stream.clone()).collect();
        self.take_snapshots(&long, &mut folds).await?;
        for (stream, mut fold) in folds {
            if fold.open {
                self.read_on(&stream, &mut fold, i64::MAX).await?;
            }
            if self.snapshots.due(fold.kept, fold.slot.version)
                && self.snapshots.offer(&stream, &fold.slot, fold.hash)
            {
                fold.kept = fold.slot.version;
            }
            self.cache.put_loaded(stream, fold.slot, fold.kept);
        }
        Ok(())
    }

    /// Puts snapshots in the place of what was folded of long streams, where there is one that may be used.
    pub(super) async fn take_snapshots(
        &self,
        long: &[StreamId],
        folds: &mut HashMap<StreamId, Fold>,
    ) -> Result<(), JournalError> {
        if long.is_empty() || self.snapshots.every().is_none() {
            return Ok(());
        }
        let key = self.vault.index_key();
        let mut found = super::patiently(|| snapshot::find(&self.pool, key, long)).await?;
        for stream in long {
            let Some(fold) = folds.get_mut(stream) else { continue };
            match found.remove(stream) {
                Some(Ok(snapshot)) if snapshot.sequence >= fold.slot.version => {
                    self.stats.snapshots_used.fetch_add(1, Relaxed);
                    fold.slot = Slot { version: snapshot.sequence, state: snapshot.state };
                    fold.hash = snapshot.event_hash;
                    fold.kept = snapshot.sequence;
                }
                Some(Ok(_)) => {}
                Some(Err(unfit)) => {
                    self.stats.snapshots_rejected.fetch_add(1, Relaxed);
                    let error: &dyn std::error::Error = &unfit;
                    error!(%stream, error, "a snapshot is not used; reading all events of its stream");
                }
                None => info!(%stream, "no snapshot of a long stream; reading all its events"),
            }
        }
        Ok(())
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
