//! Committed events on their way to whoever follows the log: the projector, the views, the managers.
//!
//! The ledger loop publishes every batch it learns of, its own and other nodes'. Bounds: the ring keeps
//! [`RING_FACTS`] facts; whoever fell behind it reads the log itself. Order: by position, without gaps; a reader
//! that asks for what follows `position` gets exactly that or waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use lumbung_domain::{AnyEvent, StreamId};
use sqlx::PgPool;
use tokio::sync::watch;

use crate::codec;
use crate::error::JournalError;
use crate::read;
use crate::record::Record;

/// How many facts the ring keeps at least, once there were as many.
pub const RING_FACTS: usize = 16_384;

/// A committed event, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub position: i64,
    pub stream: StreamId,
    pub sequence: i64,
    pub recorded_at: DateTime<Utc>,
    pub event: AnyEvent,
}

impl Fact {
    /// Decodes a record.
    ///
    /// # Errors
    /// This software does not know the event.
    pub fn decode(record: &Record) -> Result<Self, codec::Undecodable> {
        Ok(Self {
            position: record.position,
            stream: record.stream.clone(),
            sequence: record.sequence,
            recorded_at: record.recorded_at,
            event: codec::decode(record)?,
        })
    }
}

/// Facts that follow one another.
pub type Facts = Arc<[Fact]>;

/// The ring and the position it has reached.
pub struct Feed {
    ring: Mutex<Ring>,
    reached: watch::Sender<i64>,
    pool: PgPool,
}

#[derive(Default)]
struct Ring {
    batches: VecDeque<Facts>,
    facts: usize,
}

impl Feed {
    /// A feed that begins at `position`; `pool` serves readers that fell behind the ring.
    #[must_use]
    pub fn new(pool: PgPool, position: i64) -> Arc<Self> {
        Arc::new(Self { ring: Mutex::default(), reached: watch::Sender::new(position), pool })
    }

    /// Adds facts. They must follow what was published before; only the ledger loop calls this.
    pub fn publish(&self, facts: Facts) {
        let Some(last) = facts.last().map(|fact| fact.position) else { return };
        {
            let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.facts += facts.len();
            ring.batches.push_back(facts);
            while ring.batches.front().is_some_and(|oldest| ring.facts - oldest.len() >= RING_FACTS) {
                if let Some(oldest) = ring.batches.pop_front() {
                    ring.facts -= oldest.len();
                }
            }
        }
        self.reached.send_replace(last);
    }

    /// The last position this node knows to be committed.
    #[must_use]
    pub fn reached(&self) -> i64 {
        *self.reached.borrow()
    }

    /// Wakes whenever [`Feed::reached`] grows.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<i64> {
        self.reached.subscribe()
    }

    /// What follows `position` and is known to be committed, at most about `limit` facts at a time; empty if there is
    /// nothing yet.
    ///
    /// # Errors
    /// Someone far behind must read the database, which may fail or hold what this software does not know.
    pub async fn after(&self, position: i64, limit: usize) -> Result<Vec<Facts>, JournalError> {
        if position >= self.reached() {
            return Ok(Vec::new());
        }
        if let Some(batches) = self.in_memory(position, limit) {
            return Ok(batches);
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let records = read::after(&self.pool, position, limit).await?;
        let facts = records.iter().map(Fact::decode).collect::<Result<Facts, _>>()?;
        Ok(vec![facts])
    }

    /// What follows `position`, like [`Feed::after`], without waiting; `None` if the ring begins later than that.
    #[must_use]
    pub fn in_memory(&self, position: i64, limit: usize) -> Option<Vec<Facts>> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ring.batches.front()?.first()?.position;
        if position + 1 < first {
            return None;
        }
        let begin =
            ring.batches.partition_point(|batch| batch.last().is_none_or(|last| last.position <= position));
        let mut taken = Vec::new();
        let mut count = 0;
        for batch in ring.batches.iter().skip(begin) {
            // Only the first batch can begin at or before `position`.
            let behind = batch.iter().take_while(|fact| fact.position <= position).count();
            taken.push(if behind == 0 { Arc::clone(batch) } else { batch[behind..].into() });
            count += batch.len() - behind;
            if count >= limit {
                break;
            }
        }
        Some(taken)
    }
}
