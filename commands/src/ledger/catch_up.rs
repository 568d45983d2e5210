//! Learning what other nodes wrote, and comparing what is held with the log.

use std::collections::HashMap;
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
/// How many streams are compared at a time.
const COMPARED: usize = 200;
/// The most events of each that are read at once.
const FIRST_EVENTS: i64 = 200;
/// The most events of a stream that are folded for a comparison.
const REFOLDED: i64 = 10_000;

/// What a comparison of the cache with the log found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheCheck {
    pub compared: u64,
    /// Streams whose held state was not the fold of their events. Always 0, or something is wrong.
    pub different: u64,
    /// Streams that were too long to be folded anew while callers wait, and had no snapshot to begin with.
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

    /// Compares held streams with their events in the log; throws out what differs. A stream of up to [`REFOLDED`] events is
    /// folded from its first, whatever snapshots there are. For a longer one that takes longer than callers should
    /// wait: it is folded from its snapshot, which `verify` compares with the whole, or passed over while there is none.
    pub(super) async fn check_streams(&mut self, streams: Vec<StreamId>) -> Result<CacheCheck, LoopFailed> {
        let mut check = CacheCheck::default();
        for streams in streams.chunks(COMPARED) {
            let held: HashMap<StreamId, Slot> = streams
                .iter()
                .filter_map(|stream| Some((stream.clone(), self.cache.get(stream)?.clone())))
                .collect();
            for (stream, records) in self.beginnings(streams, FIRST_EVENTS).await? {
                if let Some(held) = held.get(&stream) {
                    self.check_stream(stream, held, &records, &mut check).await?;
                }
            }
        }
        self.stats.differences.fetch_add(check.different, Relaxed);
        Ok(check)
    }

    async fn check_stream(
        &mut self,
        stream: StreamId,
        held: &Slot,
        records: &[Record],
        check: &mut CacheCheck,
    ) -> Result<(), LoopFailed> {
        let mut fold = Fold::unborn(&stream);
        if held.version > REFOLDED {
            let written_down = self.snapshots_of(std::slice::from_ref(&stream)).await?.remove(&stream);
            fold = written_down.unwrap_or(fold);
        } else {
            // Another node may have written since: compare at the version that is held.
            let until_held = records.iter().take_while(|record| record.sequence <= held.version);
            for record in until_held {
                fold.take(record)?;
            }
        }
        if !(0..=REFOLDED).contains(&(held.version - fold.slot.version)) {
            check.passed_over += 1;
            return Ok(());
        }
        self.read_on(&stream, &mut fold, held.version).await?;
        check.compared += 1;
        if fold.slot.version != held.version || fold.slot.state != held.state {
            check.different += 1;
            error!(%stream, held = held.version, log = fold.slot.version, "a cached stream differs from the log");
            self.cache.remove(&stream);
            // What was written down of it may be as wrong, and the next load must not begin with it.
            self.snapshots.withdraw(&stream);
            super::patiently(|| snapshot::forget(&self.pool, &stream)).await?;
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
