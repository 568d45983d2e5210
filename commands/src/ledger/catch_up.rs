//! Learning what other nodes wrote, and comparing what is held with the log.

use std::sync::atomic::Ordering::Relaxed;

use lumbung_domain::StreamId;
use lumbung_journal::{Fact, JournalError, LockedLedger, Record, read, snapshot};
use tracing::error;

use super::cache::{Overlay, Slot};
use super::lanes::Control;
use super::load::Fold;
use super::turn::{Loop, LoopFailed};

/// How many events are read at a time.
const PAGE: i64 = 2_000;
/// How many streams are read by one statement of a comparison.
const COMPARED: usize = 200;
/// The most events of each that are read at once.
const FIRST_EVENTS: i64 = 200;
/// The most streams that one comparison folds from their snapshots: each may bring a state of many megabytes.
const FROM_SNAPSHOTS: usize = 2;

/// What a comparison of the cache with the log found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheCheck {
    pub compared: u64,
    /// Streams whose held state was not the fold of their events. Always 0, or something is wrong.
    pub different: u64,
    /// Of the compared, those that were too long to be folded from their first event. What they were compared with begins with a snapshot,
    /// which this very node may have written from the state in question.
    pub from_snapshot: u64,
    /// Streams for which there was no room: callers wait meanwhile.
    pub passed_over: u64,
}

impl Loop {
    /// A commit was announced: ours, which is known, or another node's.
    pub(super) async fn hear_of_others(&mut self) -> Result<(), LoopFailed> {
        let heard = *self.elsewhere.borrow_and_update();
        if heard.position > self.head.position {
            self.catch_up().await?;
        } else if heard.looked && heard.position < self.head.position {
            // Mostly we were faster than the look; but a log that lost its end must not be served from memory.
            let found = super::patiently(|| read::head(&self.pool)).await?;
            if found.position < self.head.position {
                return Err(JournalError::WentBack { known: self.head, found }.into());
            }
        }
        Ok(())
    }

    /// Reads what stands behind our head until there is no more.
    pub(super) async fn catch_up(&mut self) -> Result<(), LoopFailed> {
        loop {
            let position = self.head.position;
            let records = super::patiently(|| read::after(&self.pool, position, PAGE)).await?;
            let more = records.len() as i64 == PAGE;
            self.take_over(&records)?;
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// The same behind the ledger's lock.
    pub(super) async fn catch_up_on(&mut self, locked: &mut LockedLedger) -> Result<(), LoopFailed> {
        loop {
            let records = locked.after(self.head.position, PAGE).await?;
            let more = records.len() as i64 == PAGE;
            self.take_over(&records)?;
            if !more {
                return Ok(());
            }
        }
    }

    fn take_over(&mut self, records: &[Record]) -> Result<(), LoopFailed> {
        let mut facts = Vec::with_capacity(records.len());
        for record in records {
            record.check_follows(self.head).map_err(JournalError::from)?;
            let fact = Fact::decode(record).map_err(JournalError::from)?;
            self.cache.apply(&fact);
            self.head = record.head();
            self.time = self.time.max(record.recorded_at);
            facts.push(fact);
        }
        self.feed.publish(facts.into());
        Ok(())
    }

    /// The streams to compare after this batch.
    pub(super) fn sampled(&self, overlay: &Overlay) -> Vec<StreamId> {
        let due = self.sample_every > 0 && self.stats.batches.load(Relaxed).is_multiple_of(self.sample_every);
        if due { overlay.keys().cloned().collect() } else { Vec::new() }
    }

    /// Compares held streams with their events in the log; throws out what differs.
    ///
    /// Callers wait meanwhile, so it folds at most `sample_events` events in all, and passes over what does not fit. A sample's
    /// streams come in the order of a hash, so the same ones are not always left out. A stream that is longer than the whole
    /// sample is folded from its snapshot, up to [`FROM_SNAPSHOTS`] of them.
    ///
    /// What this proves: the state of a stream that was folded from its first event is what the log makes. Of one that was folded
    /// from its snapshot, only what happened since is proven: this node may have written the snapshot from the same state, which
    /// would be compared with itself. `verify` refolds those from their first event, as does a node that starts without them.
    pub(super) async fn check_streams(&mut self, streams: Vec<StreamId>) -> Result<CacheCheck, LoopFailed> {
        let mut check = CacheCheck::default();
        let mut room = i64::try_from(self.sample_events).unwrap_or(i64::MAX);
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for stream in streams {
            let Some(held) = self.cache.get(&stream).cloned() else { continue };
            // One that has no events is looked for all the same.
            let events = held.version.max(1);
            if events <= room {
                room -= events;
                short.push((stream, held));
            } else if u64::try_from(events).is_ok_and(|events| events > self.sample_events) {
                long.push((stream, held));
            } else {
                check.passed_over += 1;
            }
        }
        for held in short.chunks(COMPARED) {
            self.check_from_the_first(held, &mut check).await?;
        }
        check.passed_over += long.len().saturating_sub(FROM_SNAPSHOTS) as u64;
        long.truncate(FROM_SNAPSHOTS);
        self.check_from_snapshots(&long, room, &mut check).await?;
        self.stats.differences.fetch_add(check.different, Relaxed);
        Ok(check)
    }

    async fn check_from_the_first(
        &mut self,
        held: &[(StreamId, Slot)],
        check: &mut CacheCheck,
    ) -> Result<(), LoopFailed> {
        let streams: Vec<StreamId> = held.iter().map(|(stream, _)| stream.clone()).collect();
        let mut begun = self.beginnings(&streams, FIRST_EVENTS).await?;
        for (stream, held) in held {
            let mut fold = Fold::unborn(stream);
            // Another node may have written since: compare at the version that is held.
            let records = begun.remove(stream).unwrap_or_default();
            for record in records.iter().take_while(|record| record.sequence <= held.version) {
                fold.take(record)?;
            }
            self.read_on(stream, &mut fold, held.version).await?;
            self.compare(stream, held, &fold, check).await?;
        }
        Ok(())
    }

    async fn check_from_snapshots(
        &mut self,
        held: &[(StreamId, Slot)],
        mut room: i64,
        check: &mut CacheCheck,
    ) -> Result<(), LoopFailed> {
        let streams: Vec<StreamId> = held.iter().map(|(stream, _)| stream.clone()).collect();
        let mut written_down = self.snapshots_of(&streams).await?;
        for (stream, held) in held {
            let fold = written_down.remove(stream);
            // Another node's snapshot may be ahead of what is held.
            let fold = fold.filter(|fold| (0..=room).contains(&(held.version - fold.slot.version)));
            let Some(mut fold) = fold else {
                check.passed_over += 1;
                continue;
            };
            room -= held.version - fold.slot.version;
            self.read_on(stream, &mut fold, held.version).await?;
            check.from_snapshot += 1;
            self.compare(stream, held, &fold, check).await?;
        }
        Ok(())
    }

    async fn compare(
        &mut self,
        stream: &StreamId,
        held: &Slot,
        fold: &Fold,
        check: &mut CacheCheck,
    ) -> Result<(), LoopFailed> {
        check.compared += 1;
        if fold.slot.version != held.version || fold.slot.state != held.state {
            check.different += 1;
            error!(%stream, held = held.version, log = fold.slot.version, "a cached stream differs from the log");
            self.cache.remove(stream);
            // What was written down of it may be as wrong, and the next load must not begin with it. What is being
            // written just now is taken back, or it is committed before the deletion, which waits for it.
            self.snapshots.withdraw(stream);
            super::patiently(|| snapshot::forget(&self.pool, stream)).await?;
        }
        Ok(())
    }

    /// Answers the questions that wait. Only between batches: nothing of the loop's own is on its way.
    pub(super) async fn obey_all(&mut self) -> Result<(), LoopFailed> {
        while let Ok(control) = self.controls.try_recv() {
            self.obey(control).await?;
        }
        Ok(())
    }

    pub(super) async fn obey(&mut self, control: Control) -> Result<(), LoopFailed> {
        match control {
            Control::CheckCache(reply) => {
                self.catch_up().await?;
                let streams = self.cache.streams().cloned().collect();
                let _ = reply.send(self.check_streams(streams).await?);
            }
            Control::Head(reply) => {
                let _ = reply.send(self.head);
            }
        }
        Ok(())
    }
}
