//! Kept answers: what a client is told again when it repeats an Idempotency-Key.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Row};

use crate::error::JournalError;

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Keyed hash of the body that was answered.
    pub body: [u8; 32],
    pub outcome: Vec<u8>,
}

/// The kept answers among `keys`.
///
/// # Errors
/// The database fails, or a row is malformed.
pub async fn find(pool: &PgPool, keys: &[[u8; 32]]) -> Result<HashMap<[u8; 32], KeptAnswer>, JournalError> {
    let wanted: Vec<&[u8]> = keys.iter().map(<[u8; 32]>::as_slice).collect();
    let rows = sqlx::query(
        "select i.key, i.body, i.outcome from unnest($1::bytea[]) as wanted (key) join journal.idempotency i using (key)",
    )
    .bind(wanted)
    .fetch_all(pool)
    .await?;
    let malformed = |_| JournalError::Malformed { what: "an idempotency record" };
    rows.iter()
        .map(|row| {
            let key = row.try_get::<&[u8], _>("key")?.try_into().map_err(malformed)?;
            let body = row.try_get::<&[u8], _>("body")?.try_into().map_err(malformed)?;
            Ok((key, KeptAnswer { body, outcome: row.try_get("outcome")? }))
        })
        .collect()
}

/// Forgets the answers from before `horizon`, at most `limit` of them; answers how many.
///
/// What a process manager was answered for an event is younger than that event, so nothing is forgotten that is as young as the
/// event that some manager's checkpoint stands on: it may still ask again for everything behind it.
///
/// # Errors
/// The database fails.
pub async fn forget_before(pool: &PgPool, horizon: DateTime<Utc>, limit: i64) -> Result<u64, JournalError> {
    let done = sqlx::query(
        "delete from journal.idempotency where ctid = any(array(
             select ctid from journal.idempotency where recorded_at < least($1, (
                 select coalesce(
                     (select recorded_at from journal.events where position = behind.position), '-infinity')
                 from (select max(position) as position from journal.process_checkpoints
                     group by process order by 1 limit 1) as behind))
             limit $2))",
    )
    .bind(horizon)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
