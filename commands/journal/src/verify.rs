//! Reads the whole log and names the first place where it is not what was written, then every snapshot that is not what the
//! log makes.

mod lent;
mod snapshots;
mod tally;
mod transit;

use chrono::{DateTime, Utc};
use lumbung_domain::{AggregateType, AnyEvent, TrialBalance, postings};
use sqlx::{PgExecutor, PgPool, Row};

use crate::codec;
use crate::error::JournalError;
use crate::head::{Hash, Head};
use crate::keys::IndexKey;
use crate::read;
use crate::record::{Break, BreakReason, Record};

use snapshots::Wave;
pub use snapshots::{BadSnapshot, MOST_FAULTS, Refolded};
use tally::Tally;

const PAGE: i64 = 10_000;

/// What a sound log contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub head: Head,
    pub anchors: u64,
    pub snapshots: Refolded,
    /// What all entries add up to.
    pub books: TrialBalance,
}

/// Why the verification did not end well.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The finding.
    #[error("{0}")]
    Broken(Break),
    /// The log is sound, snapshots are not. Deleting them loses nothing.
    #[error("{} snapshots are not what the events make; the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Snapshots(Vec<BadSnapshot>),
    #[error("the log could not be read")]
    Unread(#[source] JournalError),
}

impl From<JournalError> for VerifyError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Broken(broken) => Self::Broken(broken),
            other => Self::Unread(other),
        }
    }
}

/// [`verify_with`] without the ledger's key: the MACs of snapshots are not checked, their states and hashes are.
///
/// # Errors
/// As [`verify_with`].
pub async fn verify(pool: &PgPool, progress: impl FnMut(i64)) -> Result<Verified, VerifyError> {
    verify_with(pool, None, progress).await
}

/// Checks, for every event: no gap in the positions, the hash chain, time that never falls, a payload that this
/// software reads, postings that balance, a wallet that goes on from where it stood, a transfer that is debited, started,
/// credited and ended once and as it was asked for; then sequences without gaps per stream and every anchor; then that wallets
/// and transfers add up to what was posted; then that every snapshot is the fold of its stream, and carries the MAC of
/// `key`.
///
/// `progress` is told each position that is proven.
///
/// # Errors
/// [`VerifyError::Broken`] with the first break of the log, [`VerifyError::Snapshots`] with all faults of snapshots, or
/// the log cannot be read.
pub async fn verify_with(
    pool: &PgPool,
    key: Option<&IndexKey>,
    mut progress: impl FnMut(i64),
) -> Result<Verified, VerifyError> {
    let mut wave = Wave::first(pool, key).await?;
    let mut proof = Proof::default();
    loop {
        let head = proof.head;
        let records = match read::after(pool, head.position, PAGE).await {
            Err(JournalError::Malformed { .. }) => up_to_the_malformed(pool, head).await?,
            read => read?,
        };
        if records.is_empty() {
            break;
        }
        for record in &records {
            let event = proof.take(record).map_err(VerifyError::Broken)?;
            wave.take(record, &event);
        }
        progress(proof.head.position);
    }
    let head = proof.head;
    check_sequences(pool).await?;
    let anchors = check_anchors(pool, head).await?;
    // Behind the anchors: of a log that was cut off in the middle of an append, that is what is to be said.
    let books = proof.finish().map_err(VerifyError::Broken)?;
    let wave = wave.finish(pool).await?;
    if wave.faults.is_empty() {
        Ok(Verified { head, anchors, snapshots: wave.refolded, books })
    } else {
        Err(VerifyError::Snapshots(wave.faults))
    }
}

/// The records of the page before one that is not even a record; the break if that one comes next.
async fn up_to_the_malformed(pool: &PgPool, head: Head) -> Result<Vec<Record>, VerifyError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let position = records.last().map_or(head.position, |record| record.position);
        match read::after(pool, position, 1).await {
            Ok(next) if next.is_empty() => return Ok(records),
            Ok(next) => records.extend(next),
            Err(JournalError::Malformed { what }) if records.is_empty() => {
                let reason = BreakReason::Malformed { what };
                return Err(VerifyError::Broken(Break { position: position + 1, reason }));
            }
            Err(JournalError::Malformed { .. }) => return Ok(records),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A log that is proven event by event.
pub(crate) struct Proof {
    pub(crate) head: Head,
    time: DateTime<Utc>,
    tally: Tally,
}

impl Default for Proof {
    fn default() -> Self {
        Self { head: Head::EMPTY, time: DateTime::<Utc>::MIN_UTC, tally: Tally::default() }
    }
}

impl Proof {
    /// Checks the next event by itself, against its predecessor and against what the books say; answers what it is.
    pub(crate) fn take(&mut self, record: &Record) -> Result<AnyEvent, Break> {
        let event = check(record, self.head, self.time)?;
        self.tally.take(record, &event)?;
        self.head = record.head();
        self.time = record.recorded_at;
        Ok(event)
    }

    /// Whether the books add up at the end.
    pub(crate) fn finish(self) -> Result<TrialBalance, Break> {
        self.tally.finish(self.head.position)
    }
}

fn check(record: &Record, previous: Head, time: DateTime<Utc>) -> Result<AnyEvent, Break> {
    record.check_follows(previous)?;
    let broken = |reason| Break { position: record.position, reason };
    if record.recorded_at < time {
        return Err(broken(BreakReason::TimeFell));
    }
    if record.position == 1 && record.stream.kind != AggregateType::Ledger {
        return Err(broken(BreakReason::NotOpened));
    }
    let event = codec::decode(record)
        .map_err(|undecodable| broken(BreakReason::Undecodable { reason: undecodable.to_string() }))?;
    if postings(&event, &record.stream.id).iter().map(|posting| posting.signed_rupiah).sum::<i64>() != 0 {
        return Err(broken(BreakReason::Unbalanced));
    }
    Ok(event)
}

/// Checks that the sequences of every stream have no gap.
pub(crate) async fn check_sequences(executor: impl PgExecutor<'_>) -> Result<(), JournalError> {
    let row = sqlx::query(
        "select position, aggregate_type || '/' || aggregate_id as stream, sequence, expected from (
             select position, aggregate_type, aggregate_id, sequence,
                    row_number() over (partition by aggregate_type, aggregate_id order by position) as expected
             from journal.events
         ) numbered where sequence <> expected order by position limit 1",
    )
    .fetch_optional(executor)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let read = || -> Result<Break, sqlx::Error> {
        Ok(Break {
            position: row.try_get("position")?,
            reason: BreakReason::SequenceGap {
                stream: row.try_get("stream")?,
                expected: row.try_get("expected")?,
                found: row.try_get("sequence")?,
            },
        })
    };
    Err(JournalError::Broken(read()?))
}

/// Checks every anchor against the log, which was found to end at `head`; answers how many there are.
pub(crate) async fn check_anchors(executor: impl PgExecutor<'_>, head: Head) -> Result<u64, JournalError> {
    let rows = sqlx::query(
        "select a.position, a.hash as anchored, e.hash as found
         from journal.anchors a left join journal.events e using (position) order by a.position",
    )
    .fetch_all(executor)
    .await?;
    for row in &rows {
        let read = || -> Result<_, sqlx::Error> {
            Ok((
                row.try_get::<i64, _>("position")?,
                row.try_get::<&[u8], _>("anchored")?,
                row.try_get("found")?,
            ))
        };
        let (position, anchored, found): (i64, &[u8], Option<&[u8]>) = read()?;
        // Beyond the head that was read alone it may stand on what was written since.
        if found.is_none() && position > head.position {
            let reason = BreakReason::TailMissing { end: head.position };
            return Err(JournalError::Broken(Break { position: head.position + 1, reason }));
        }
        if found.and_then(Hash::from_slice) != Hash::from_slice(anchored) {
            return Err(JournalError::Broken(Break { position, reason: BreakReason::AnchorMismatch }));
        }
    }
    Ok(rows.len() as u64)
}

/// Writes down where the log ends now. Two nodes that anchor the same position write one anchor.
///
/// # Errors
/// The database fails.
pub async fn anchor(pool: &PgPool) -> Result<Head, JournalError> {
    let head = read::head(pool).await?;
    if head.position > 0 {
        sqlx::query("insert into journal.anchors (position, hash) values ($1, $2) on conflict do nothing")
            .bind(head.position)
            .bind(&head.hash.0[..])
            .execute(pool)
            .await?;
    }
    Ok(head)
}

/// Where the log ended when it was last written down, and when that was; `None` before the first time.
///
/// # Errors
/// The database fails.
pub async fn last_anchor(pool: &PgPool) -> Result<Option<(i64, DateTime<Utc>)>, JournalError> {
    let row = sqlx::query("select position, anchored_at from journal.anchors order by position desc limit 1")
        .fetch_optional(pool)
        .await?;
    row.map(|row| Ok((row.try_get("position")?, row.try_get("anchored_at")?))).transpose()
}
