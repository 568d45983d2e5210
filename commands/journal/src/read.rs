//! Reading the log: by position for feeds and checks, by stream for deciding.

use chrono::{DateTime, Utc};
use lumbung_domain::StreamId;
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};

use crate::error::JournalError;
use crate::head::{Hash, Head};
use crate::record::Record;

const COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, \
                       payload::text as payload, metadata::text as metadata, recorded_at, hash";

/// The last event's position and hash.
///
/// # Errors
/// The database cannot be asked.
pub async fn head(executor: impl PgExecutor<'_>) -> Result<Head, JournalError> {
    let row = sqlx::query("select position, hash from journal.events order by position desc limit 1")
        .fetch_optional(executor)
        .await?;
    match row {
        None => Ok(Head::EMPTY),
        Some(row) => Ok(Head { position: row.try_get("position")?, hash: hash(&row)? }),
    }
}

/// Up to `limit` records behind `position`, in order.
///
/// # Errors
/// The database cannot be asked, or a row is malformed.
pub async fn after(
    executor: impl PgExecutor<'_>,
    position: i64,
    limit: i64,
) -> Result<Vec<Record>, JournalError> {
    let sql = format!("select {COLUMNS} from journal.events where position > $1 order by position limit $2");
    let rows = sqlx::query(&sql).bind(position).bind(limit).fetch_all(executor).await?;
    rows.iter().map(record).collect()
}

/// All records of the streams, in the order of their positions, and the position the log had reached when they
/// were read. A stream without events yields none.
///
/// # Errors
/// The database cannot be asked, or a row is malformed.
pub async fn streams(
    executor: impl PgExecutor<'_>,
    streams: &[StreamId],
) -> Result<(i64, Vec<Record>), JournalError> {
    let kinds: Vec<&str> = streams.iter().map(|stream| stream.kind.as_str()).collect();
    let ids: Vec<&str> = streams.iter().map(|stream| &*stream.id).collect();
    // One statement, so that the head and the events come from one snapshot.
    let sql = format!(
        "select h.head, e.* from (select coalesce(max(position), 0) as head from journal.events) h
         left join (
             select {COLUMNS} from journal.events
             join unnest($1::text[], $2::text[]) as wanted (kind, id)
                 on aggregate_type = wanted.kind and aggregate_id = wanted.id
         ) e on true
         order by e.position"
    );
    let rows = sqlx::query(&sql).bind(kinds).bind(ids).fetch_all(executor).await?;
    let as_of = rows.first().map_or(Ok(0), |row| row.try_get("head"))?;
    let mut records = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get::<Option<i64>, _>("position")?.is_some() {
            records.push(record(row)?);
        }
    }
    Ok((as_of, records))
}

/// Of every stream the first `limit` records behind a sequence, each stream's in order. A stream of which there are fewer is whole.
///
/// # Errors
/// The database cannot be asked, or a row is malformed.
pub async fn following(
    executor: impl PgExecutor<'_>,
    streams: &[(&StreamId, i64)],
    limit: i64,
) -> Result<Vec<Record>, JournalError> {
    let kinds: Vec<&str> = streams.iter().map(|(stream, _)| stream.kind.as_str()).collect();
    let ids: Vec<&str> = streams.iter().map(|(stream, _)| &*stream.id).collect();
    let after: Vec<i64> = streams.iter().map(|(_, sequence)| *sequence).collect();
    let sql = format!(
        "select e.* from unnest($1::text[], $2::text[], $3::bigint[]) as wanted (kind, id, after)
         cross join lateral (
             select {COLUMNS} from journal.events
             where aggregate_id = wanted.id and aggregate_type = wanted.kind and sequence > wanted.after
             order by sequence limit $4
         ) e"
    );
    let rows = sqlx::query(&sql).bind(kinds).bind(ids).bind(after).bind(limit).fetch_all(executor).await?;
    rows.iter().map(record).collect()
}

/// Up to `limit` records of a stream behind `sequence`, in order.
///
/// # Errors
/// The database cannot be asked, or a row is malformed.
pub async fn stream_after(
    executor: impl PgExecutor<'_>,
    stream: &StreamId,
    sequence: i64,
    limit: i64,
) -> Result<Vec<Record>, JournalError> {
    let sql = format!(
        "select {COLUMNS} from journal.events
         where aggregate_id = $1 and aggregate_type = $2 and sequence > $3 order by sequence limit $4"
    );
    let rows = sqlx::query(&sql)
        .bind(&*stream.id)
        .bind(stream.kind.as_str())
        .bind(sequence)
        .bind(limit)
        .fetch_all(executor)
        .await?;
    rows.iter().map(record).collect()
}

/// Up to `limit` records of a stream behind `sequence` and up to `position`, in order.
///
/// # Errors
/// The database cannot be asked, or a row is malformed.
pub async fn stream_until(
    executor: impl PgExecutor<'_>,
    stream: &StreamId,
    sequence: i64,
    position: i64,
    limit: i64,
) -> Result<Vec<Record>, JournalError> {
    let sql = format!(
        "select {COLUMNS} from journal.events
         where aggregate_id = $1 and aggregate_type = $2 and sequence > $3 and position <= $4
         order by sequence limit $5"
    );
    let rows = sqlx::query(&sql)
        .bind(&*stream.id)
        .bind(stream.kind.as_str())
        .bind(sequence)
        .bind(position)
        .bind(limit)
        .fetch_all(executor)
        .await?;
    rows.iter().map(record).collect()
}

/// Up to `limit` records of a stream that are of some types, before `sequence` and up to `position`, the newest first.
///
/// # Errors
/// The database cannot be asked, or a row is malformed.
pub async fn stream_backwards(
    executor: impl PgExecutor<'_>,
    stream: &StreamId,
    types: &[&str],
    sequence: i64,
    position: i64,
    limit: i64,
) -> Result<Vec<Record>, JournalError> {
    let sql = format!(
        "select {COLUMNS} from journal.events
         where aggregate_id = $1 and aggregate_type = $2 and event_type = any($3) and sequence < $4
             and position <= $5
         order by sequence desc limit $6"
    );
    let rows = sqlx::query(&sql)
        .bind(&*stream.id)
        .bind(stream.kind.as_str())
        .bind(types)
        .bind(sequence)
        .bind(position)
        .bind(limit)
        .fetch_all(executor)
        .await?;
    rows.iter().map(record).collect()
}

fn record(row: &PgRow) -> Result<Record, JournalError> {
    let kind = row
        .try_get::<&str, _>("aggregate_type")?
        .parse()
        .map_err(|_| JournalError::Malformed { what: "aggregate_type of an event" })?;
    Ok(Record {
        position: row.try_get("position")?,
        stream: StreamId::new(kind, row.try_get::<&str, _>("aggregate_id")?),
        sequence: row.try_get("sequence")?,
        event_type: row.try_get::<String, _>("event_type")?.into(),
        event_version: row.try_get::<String, _>("event_version")?.into(),
        payload: row.try_get("payload")?,
        metadata: row.try_get("metadata")?,
        recorded_at: instant(row)?,
        hash: hash(row)?,
    })
}

/// Decoded here: the driver panics on the instants that PostgreSQL knows and chrono does not, such as infinity.
fn instant(row: &PgRow) -> Result<DateTime<Utc>, JournalError> {
    const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
    let raw = row.try_get_raw("recorded_at")?;
    let bytes = raw.as_bytes().ok().and_then(|bytes| bytes.try_into().ok());
    let micros = bytes.and_then(|bytes| i64::from_be_bytes(bytes).checked_add(POSTGRES_EPOCH_MICROS));
    let instant = micros.and_then(DateTime::from_timestamp_micros);
    instant.ok_or(JournalError::Malformed { what: "recorded_at of an event" })
}

fn hash(row: &PgRow) -> Result<Hash, JournalError> {
    Hash::from_slice(row.try_get("hash")?).ok_or(JournalError::Malformed { what: "hash of an event" })
}
