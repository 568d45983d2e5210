//! States of streams, written down so that a long stream opens without reading every event it ever had.
//!
//! A snapshot is an economy and never a source: it is found by (stream, fold of this software), and taken only if its MAC is
//! the ledger's and the event at its sequence has exactly the hash it names. The MAC is a keyed hash of every field, with the
//! ledger's index key, which is not in the database in clear: whoever can write rows but has no master key cannot make
//! a state up. Whoever distrusts even that refolds: [`crate::verify`](mod@crate::verify).
//!
//! Bounds: one row per stream and fold; a state of more than [`MOST_BYTES`] is not written. Order: a newer row replaces an older
//! one. Which of two nodes' rows stays does not matter, both are true. Writing and forgetting one stream's snapshot exclude each
//! other by a lock of the database, so a deletion comes behind every writing that began before it, even one whose connection was
//! given up.

use std::collections::HashMap;
use std::time::Duration;

use lumbung_domain::{AggregateType, AnyAggregate, StreamId};
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, PgExecutor, PgPool, Row};
use strum::VariantArray;
use subtle::ConstantTimeEq;

use crate::error::JournalError;
use crate::head::Hash;
use crate::keys::IndexKey;

/// The largest state that is written down.
pub const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Separates the MACs of snapshots from all other keyed hashes, and those of another layout of the fields from these.
const PURPOSE: &str = "snapshot-v1";

/// A stream's state behind one of its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub stream: StreamId,
    /// The last event in the state.
    pub sequence: i64,
    /// That event's hash.
    pub event_hash: Hash,
    pub state: AnyAggregate,
}

/// Why a stored snapshot must not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("its MAC is not the ledger's: it was edited")]
    Mac,
    #[error("the stream has no event at that sequence")]
    NoEvent,
    #[error("the event at that sequence has another hash")]
    OtherEvent,
    #[error("its state does not read")]
    Unreadable,
    #[error("its state is not what the events make")]
    OtherState,
}

/// A row as it is stored, not trusted yet.
pub(crate) struct Stored {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) fingerprint: String,
    pub(crate) sequence: i64,
    pub(crate) event_hash: Vec<u8>,
    state: String,
    mac: Vec<u8>,
}

/// The columns of a row `s`.
pub(crate) const COLUMNS: &str = "s.aggregate_type, s.aggregate_id, s.fingerprint, s.sequence, s.event_hash, \
                                  s.state::text as state, s.mac";

impl Stored {
    pub(crate) fn read(row: &PgRow) -> Result<Self, JournalError> {
        Ok(Self {
            kind: row.try_get("aggregate_type")?,
            id: row.try_get("aggregate_id")?,
            fingerprint: row.try_get("fingerprint")?,
            sequence: row.try_get("sequence")?,
            event_hash: row.try_get("event_hash")?,
            state: row.try_get("state")?,
            mac: row.try_get("mac")?,
        })
    }

    /// The row of a snapshot; `None` if its state does not encode or is too large.
    fn seal(key: &IndexKey, snapshot: &Snapshot) -> Option<Self> {
        let mut state = Vec::new();
        snapshot.state.serialize(&mut serde_json::Serializer::new(&mut state)).ok()?;
        if state.len() > MOST_BYTES {
            return None;
        }
        let mut stored = Self {
            kind: snapshot.stream.kind.as_str().to_owned(),
            id: snapshot.stream.id.to_string(),
            fingerprint: snapshot.stream.kind.fold().to_owned(),
            sequence: snapshot.sequence,
            event_hash: snapshot.event_hash.0.to_vec(),
            state: String::from_utf8(state).ok()?,
            mac: Vec::new(),
        };
        stored.mac = stored.expected_mac(key).to_vec();
        Some(stored)
    }

    fn expected_mac(&self, key: &IndexKey) -> [u8; 32] {
        key.keyed_hash(
            PURPOSE,
            &[
                self.kind.as_bytes(),
                self.id.as_bytes(),
                self.fingerprint.as_bytes(),
                &self.sequence.to_be_bytes(),
                &self.event_hash,
                self.state.as_bytes(),
            ],
        )
    }

    pub(crate) fn has_mac_of(&self, key: &IndexKey) -> bool {
        self.mac.ct_eq(&self.expected_mac(key)).into()
    }

    /// The stream it is of, if there is such a kind.
    pub(crate) fn stream(&self) -> Option<StreamId> {
        Some(StreamId::new(self.kind.parse().ok()?, self.id.as_str()))
    }

    /// The state, if this software can read it.
    pub(crate) fn state(&self) -> Option<AnyAggregate> {
        let kind: AggregateType = self.kind.parse().ok()?;
        let mut text = serde_json::Deserializer::from_str(&self.state);
        let state = AnyAggregate::deserialize(kind, &mut text).ok()?;
        text.end().ok()?;
        Some(state)
    }

    /// The snapshot, if it may be used. `found` is the hash of the stream's event at the sequence.
    fn check(&self, key: &IndexKey, found: Option<&[u8]>) -> Result<Snapshot, Unfit> {
        if !self.has_mac_of(key) {
            return Err(Unfit::Mac);
        }
        let found = found.and_then(Hash::from_slice).ok_or(Unfit::NoEvent)?;
        if self.event_hash != found.0 {
            return Err(Unfit::OtherEvent);
        }
        let (stream, state) = self.stream().zip(self.state()).ok_or(Unfit::Unreadable)?;
        Ok(Snapshot { stream, sequence: self.sequence, event_hash: found, state })
    }
}

/// The snapshots that this software has of the streams, and whether they may be used. Streams without one are not in it.
///
/// # Errors
/// The database cannot be asked.
pub async fn find(
    executor: impl PgExecutor<'_>,
    key: &IndexKey,
    streams: &[StreamId],
) -> Result<HashMap<StreamId, Result<Snapshot, Unfit>>, JournalError> {
    let kinds: Vec<&str> = streams.iter().map(|stream| stream.kind.as_str()).collect();
    let ids: Vec<&str> = streams.iter().map(|stream| &*stream.id).collect();
    let folds: Vec<&str> = streams.iter().map(|stream| stream.kind.fold()).collect();
    let sql = format!(
        "select {COLUMNS}, e.hash as found
         from unnest($1::text[], $2::text[], $3::text[]) as wanted (kind, id, fold)
         join journal.snapshots s
             on s.aggregate_id = wanted.id and s.aggregate_type = wanted.kind and s.fingerprint = wanted.fold
         left join journal.events e
             on e.aggregate_id = s.aggregate_id and e.aggregate_type = s.aggregate_type and e.sequence = s.sequence"
    );
    let rows = sqlx::query(&sql).bind(kinds).bind(ids).bind(folds).fetch_all(executor).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let stored = Stored::read(row)?;
        if let Some(stream) = stored.stream() {
            found.insert(stream, stored.check(key, row.try_get("found")?));
        }
    }
    Ok(found)
}

/// What became of a writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Done,
    /// The state is too large, or does not encode; the old one is still there.
    Unwritable,
    /// It was taken back meanwhile; the old one is still there.
    Withdrawn,
}

/// The first half of the locks' names; the second is the stream's.
const LOCK: &str = "select pg_advisory_xact_lock(5492308, hashtext($1 || '/' || $2))";

/// Writes a snapshot in place of the one there is, if it still `stands` when all but the commit is done. Whoever has it fall before
/// calling [`forget`] can rely on it that no row of it is left.
///
/// # Errors
/// The database fails; the old one is still there, unless it was the commit that failed.
pub async fn write(
    connection: &mut PgConnection,
    key: &IndexKey,
    snapshot: &Snapshot,
    stands: impl FnOnce() -> bool,
) -> Result<Written, JournalError> {
    let Some(stored) = Stored::seal(key, snapshot) else { return Ok(Written::Unwritable) };
    let mut transaction = connection.begin().await?;
    delete(&mut transaction, &snapshot.stream).await?;
    // Another node may have written one since: it is as true as this one.
    sqlx::query(
        "insert into journal.snapshots (aggregate_type, aggregate_id, fingerprint, sequence, event_hash, state, mac)
         values ($1, $2, $3, $4, $5, $6::json, $7) on conflict do nothing",
    )
    .bind(&stored.kind)
    .bind(&stored.id)
    .bind(&stored.fingerprint)
    .bind(stored.sequence)
    .bind(&stored.event_hash)
    .bind(&stored.state)
    .bind(&stored.mac)
    .execute(&mut *transaction)
    .await?;
    if !stands() {
        transaction.rollback().await?;
        return Ok(Written::Withdrawn);
    }
    transaction.commit().await?;
    Ok(Written::Done)
}

/// Deletes this software's snapshot of a stream, also one that is being written, after waiting for it.
///
/// # Errors
/// The database fails.
pub async fn forget(pool: &PgPool, stream: &StreamId) -> Result<(), JournalError> {
    let mut transaction = pool.begin().await?;
    delete(&mut transaction, stream).await?;
    transaction.commit().await?;
    Ok(())
}

async fn delete(transaction: &mut PgConnection, stream: &StreamId) -> Result<(), JournalError> {
    // A statement of its own: the deletion must see what the lock's last holder committed.
    sqlx::query(LOCK).bind(stream.kind.as_str()).bind(&*stream.id).execute(&mut *transaction).await?;
    sqlx::query(
        "delete from journal.snapshots where aggregate_id = $1 and aggregate_type = $2 and fingerprint = $3",
    )
    .bind(&*stream.id)
    .bind(stream.kind.as_str())
    .bind(stream.kind.fold())
    .execute(&mut *transaction)
    .await?;
    Ok(())
}

/// Deletes what other software wrote longer than `age` ago: it was probably replaced by this one. If it was not, it reads
/// events until it has written the snapshots again. Answers how many there were.
///
/// # Errors
/// The database fails.
pub async fn prune(executor: impl PgExecutor<'_>, age: Duration) -> Result<u64, JournalError> {
    let (kinds, folds): (Vec<_>, Vec<_>) =
        AggregateType::VARIANTS.iter().map(|kind| (kind.as_str(), kind.fold())).unzip();
    let done = sqlx::query(
        "delete from journal.snapshots s where written_at < now() - make_interval(secs => $3)
             and not exists (select from unnest($1::text[], $2::text[]) as own (kind, fold)
                             where own.kind = s.aggregate_type and own.fold = s.fingerprint)",
    )
    .bind(kinds)
    .bind(folds)
    .bind(age.as_secs_f64())
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}
