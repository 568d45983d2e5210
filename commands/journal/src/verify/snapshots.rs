//! Every snapshot against the fold of its stream.
//!
//! Bounds: [`WAVE`] snapshots at a time, with as many streams folded; the first wave goes along with the pass that proves the log,
//! each further one reads the log again. Of the faults [`MOST_FAULTS`] are named. Order: the rows are read before the log is,
//! so every event that one of them stands on is in it.

use std::collections::HashMap;

use lumbung_domain::{AggregateType, AnyAggregate, AnyEvent, StreamId};
use sqlx::PgPool;

use crate::codec;
use crate::error::JournalError;
use crate::keys::IndexKey;
use crate::read;
use crate::record::Record;
use crate::snapshot::{COLUMNS, Stored, Unfit};

const WAVE: i64 = 10_000;
const PAGE: i64 = 10_000;

/// The most faults that are named.
pub const MOST_FAULTS: usize = 1_000;

/// What was found of sound snapshots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refolded {
    /// Snapshots of this software: each is the fold of its stream.
    pub compared: u64,
    /// Snapshots of other software, whose fold nobody here can repeat: their events are there.
    pub foreign: u64,
    /// Whether the MACs were checked, which takes the master key.
    pub macs_checked: bool,
}

/// A snapshot that is not what was written, or should never have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot of {stream} at sequence {sequence} by the fold {fingerprint}: {fault}")]
pub struct BadSnapshot {
    pub stream: String,
    pub sequence: i64,
    pub fingerprint: String,
    pub fault: Unfit,
}

/// Snapshots on their way to being compared, and the streams they are of.
pub(super) struct Wave<'a> {
    key: Option<&'a IndexKey>,
    streams: HashMap<StreamId, Folding>,
    /// The last row that was taken; the next wave begins behind it.
    last: Option<[String; 3]>,
    whole: bool,
    pub(super) refolded: Refolded,
    pub(super) faults: Vec<BadSnapshot>,
}

struct Folding {
    state: AnyAggregate,
    awaited: Vec<Awaited>,
}

struct Awaited {
    stored: Stored,
    /// `None` if it is of other software.
    state: Option<AnyAggregate>,
}

impl<'a> Wave<'a> {
    pub(super) async fn first(pool: &PgPool, key: Option<&'a IndexKey>) -> Result<Self, JournalError> {
        let mut wave = Self {
            key,
            streams: HashMap::new(),
            last: None,
            whole: false,
            refolded: Refolded { macs_checked: key.is_some(), ..Refolded::default() },
            faults: Vec::new(),
        };
        // A database that this software has not migrated yet has none.
        let there: bool =
            sqlx::query_scalar("select to_regclass('journal.snapshots') is not null").fetch_one(pool).await?;
        if there {
            wave.fill(pool).await?;
        } else {
            wave.whole = true;
        }
        Ok(wave)
    }

    async fn fill(&mut self, pool: &PgPool) -> Result<(), JournalError> {
        let [id, kind, fingerprint] = self.last.clone().unwrap_or_default();
        let sql = format!(
            "select {COLUMNS} from journal.snapshots s
             where (s.aggregate_id, s.aggregate_type, s.fingerprint) > ($1, $2, $3) or $4
             order by s.aggregate_id, s.aggregate_type, s.fingerprint limit $5"
        );
        let rows = sqlx::query(&sql)
            .bind(id)
            .bind(kind)
            .bind(fingerprint)
            .bind(self.last.is_none())
            .bind(WAVE)
            .fetch_all(pool)
            .await?;
        self.whole = rows.len() as i64 != WAVE;
        for row in &rows {
            let stored = Stored::read(row)?;
            self.last = Some([stored.id.clone(), stored.kind.clone(), stored.fingerprint.clone()]);
            self.take_in(stored);
        }
        Ok(())
    }

    fn take_in(&mut self, stored: Stored) {
        if self.key.is_some_and(|key| !stored.has_mac_of(key)) {
            self.fault(&stored, Unfit::Mac);
        }
        let Some(stream) = stored.stream() else {
            return self.fault(&stored, Unfit::NoEvent);
        };
        let own = stored.fingerprint == stream.kind.fold();
        let state = stored.state();
        if own && state.is_none() {
            return self.fault(&stored, Unfit::Unreadable);
        }
        let unborn = || Folding { state: AnyAggregate::unborn(stream.kind), awaited: Vec::new() };
        let awaited = Awaited { stored, state: state.filter(|_| own) };
        self.streams.entry(stream.clone()).or_insert_with(unborn).awaited.push(awaited);
    }

    /// One more event of the log, in its order.
    pub(super) fn take(&mut self, record: &Record, event: &AnyEvent) {
        let Some(folding) = self.streams.get_mut(&record.stream) else { return };
        // An event of a stream's kind always folds.
        let _ = folding.state.evolve(event);
        let (reached, awaited): (Vec<_>, Vec<_>) = std::mem::take(&mut folding.awaited)
            .into_iter()
            .partition(|awaited| awaited.stored.sequence <= record.sequence);
        folding.awaited = awaited;
        let done = folding.awaited.is_empty();
        let mut faults = Vec::new();
        for Awaited { stored, state } in reached {
            if stored.sequence != record.sequence {
                faults.push((stored, Unfit::NoEvent));
            } else if stored.event_hash != record.hash.0 {
                faults.push((stored, Unfit::OtherEvent));
            } else if state.as_ref().is_some_and(|state| *state != folding.state) {
                faults.push((stored, Unfit::OtherState));
            } else if state.is_some() {
                self.refolded.compared += 1;
            } else {
                self.refolded.foreign += 1;
            }
        }
        if done {
            self.streams.remove(&record.stream);
        }
        for (stored, fault) in faults {
            self.fault(&stored, fault);
        }
    }

    /// The log is at its end: what still waits has no event. Then the waves that are left.
    pub(super) async fn finish(mut self, pool: &PgPool) -> Result<Self, JournalError> {
        loop {
            for (_, folding) in std::mem::take(&mut self.streams) {
                for awaited in folding.awaited {
                    self.fault(&awaited.stored, Unfit::NoEvent);
                }
            }
            if self.whole {
                return Ok(self);
            }
            self.fill(pool).await?;
            self.read_log(pool).await?;
        }
    }

    async fn read_log(&mut self, pool: &PgPool) -> Result<(), JournalError> {
        let mut position = 0;
        while !self.streams.is_empty() {
            let records = read::after(pool, position, PAGE).await?;
            let Some(last) = records.last() else { break };
            position = last.position;
            for record in &records {
                if self.streams.contains_key(&record.stream) {
                    self.take(record, &codec::decode(record)?);
                }
            }
        }
        Ok(())
    }

    fn fault(&mut self, stored: &Stored, fault: Unfit) {
        if self.faults.len() < MOST_FAULTS {
            let named: Option<AggregateType> = stored.kind.parse().ok();
            let kind = named.map_or("(no kind)", AggregateType::as_str);
            self.faults.push(BadSnapshot {
                stream: format!("{kind}/{}", stored.id),
                sequence: stored.sequence,
                fingerprint: stored.fingerprint.clone(),
                fault,
            });
        }
    }
}
