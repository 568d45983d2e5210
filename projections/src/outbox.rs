//! What is still to be delivered, and what became of the rest? One row per message.
//!
//! A row keeps the sealed content only while the message is pending.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lumbung_domain::{AnyEvent, Letter, MessageEvent, MessageId, Queued, Sealed, UserId};
use lumbung_journal::Fact;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::cell::{all_found, column, sealed};
use crate::error::{ProjectionError, ReadError};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table outbox (
    message         uuid        not null primary key,
    recipient       uuid        not null,
    channel         text        not null,
    kind            text        not null,
    content         text,
    state           text        not null,
    attempts        bigint      not null,
    failure         text,
    next_attempt_at timestamptz,
    expires_at      timestamptz,
    queued_at       timestamptz not null,
    changed_at      timestamptz not null
);
create index outbox_pending on outbox (next_attempt_at) where state = 'PENDING';";
pub(crate) const STATEMENTS: &[&str] = &[INSERT, UPDATE, DUE, BACKLOG];

const INSERT: &str = "
insert into outbox (message, recipient, channel, kind, content, state, attempts, failure, next_attempt_at, expires_at,
    queued_at, changed_at)
select m.message, m.recipient, m.channel, m.kind, m.content, m.state, m.attempts, m.failure, m.next_attempt_at,
    m.expires_at, m.queued_at, m.changed_at
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
        $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
    as m (message, recipient, channel, kind, content, state, attempts, failure, next_attempt_at, expires_at, queued_at,
        changed_at)";

const UPDATE: &str = "
update outbox o set
    state = u.state, attempts = coalesce(u.attempts, o.attempts), failure = coalesce(u.failure, o.failure),
    next_attempt_at = u.next_attempt_at, content = case when u.state = 'PENDING' then o.content end,
    changed_at = u.changed_at
from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[])
    as u (message, state, attempts, failure, next_attempt_at, changed_at)
where o.message = u.message";

const DUE: &str = "
select message, recipient, content, attempts, expires_at from outbox
where state = 'PENDING' and next_attempt_at <= $1 order by next_attempt_at limit $2";

const BACKLOG: &str = "
select count(*) filter (where state = 'PENDING') as pending, count(*) filter (where state = 'PARKED') as parked,
    min(queued_at) filter (where state = 'PENDING') as oldest
from outbox where state in ('PENDING', 'PARKED')";

/// A message whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub message: MessageId,
    pub recipient: UserId,
    pub content: Sealed<Letter>,
    /// That failed.
    pub attempts: u32,
    pub expires_at: Option<DateTime<Utc>>,
}

/// How much is not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    pub pending: i64,
    pub parked: i64,
    /// When the pending message that waits longest was queued.
    pub oldest: Option<DateTime<Utc>>,
}

/// The messages to deliver now, the longest due first.
///
/// # Errors
/// See [`ReadError`].
pub async fn due(read: &LiveSchema, now: DateTime<Utc>, limit: u32) -> Result<Vec<Due>, ReadError> {
    let rows = sqlx::query(DUE).bind(now).bind(i64::from(limit)).fetch_all(read.pool()).await?;
    rows.iter()
        .map(|row| {
            let attempts: i64 = row.try_get("attempts")?;
            Ok(Due {
                message: MessageId(row.try_get("message")?),
                recipient: UserId(row.try_get("recipient")?),
                content: sealed(row, "content")?,
                attempts: u32::try_from(attempts).map_err(|_| ReadError::Malformed { column: "attempts" })?,
                expires_at: row.try_get("expires_at")?,
            })
        })
        .collect()
}

/// # Errors
/// See [`ReadError`].
pub async fn backlog(read: &LiveSchema) -> Result<Backlog, ReadError> {
    let row = sqlx::query(BACKLOG).fetch_one(read.pool()).await?;
    Ok(Backlog {
        pending: row.try_get("pending")?,
        parked: row.try_get("parked")?,
        oldest: row.try_get("oldest")?,
    })
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Outbox {
    queued: HashMap<Uuid, Queued>,
    changes: HashMap<Uuid, Change>,
}

/// The state after the batch.
#[derive(Debug, Clone, Copy)]
struct Change {
    state: &'static str,
    /// `None`: as many as before.
    attempts: Option<u32>,
    failure: Option<&'static str>,
    next_attempt_at: Option<DateTime<Utc>>,
    changed_at: DateTime<Utc>,
}

impl Outbox {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Message(event) = &fact.event else { return Ok(()) };
        let message: MessageId =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        let earlier = self.changes.get(&message.0).copied();
        let earlier = (earlier.and_then(|change| change.attempts), earlier.and_then(|change| change.failure));
        let change = |state, (attempts, failure), next_attempt_at| Change {
            state,
            attempts,
            failure,
            next_attempt_at,
            changed_at: fact.recorded_at,
        };
        let change = match event {
            MessageEvent::MessageQueued(queued) => {
                self.queued.insert(message.0, queued.clone());
                change("PENDING", (Some(0), None), Some(queued.queued_at))
            }
            MessageEvent::MessageAttemptFailed { attempt, because, retry_at } => {
                change("PENDING", (Some(*attempt), Some((*because).into())), Some(*retry_at))
            }
            MessageEvent::MessageParked { attempt, because } => {
                change("PARKED", (Some(*attempt), Some((*because).into())), None)
            }
            MessageEvent::MessageSent { .. } => change("SENT", earlier, None),
            MessageEvent::MessageDropped { because } => {
                change("DROPPED", (earlier.0, Some((*because).into())), None)
            }
        };
        self.changes.insert(message.0, change);
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        let (new, old): (Vec<_>, Vec<_>) =
            self.changes.iter().partition(|(message, _)| self.queued.contains_key(message));
        let new: Vec<_> =
            new.into_iter().filter_map(|(id, change)| Some((self.queued.get(id)?, change))).collect();
        if !new.is_empty() {
            insert(connection, &new).await?;
        }
        if old.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(UPDATE)
            .bind(column(&old, |(message, _)| **message))
            .bind(column(&old, |(_, change)| change.state))
            .bind(column(&old, |(_, change)| change.attempts.map(i64::from)))
            .bind(column(&old, |(_, change)| change.failure))
            .bind(column(&old, |(_, change)| change.next_attempt_at))
            .bind(column(&old, |(_, change)| change.changed_at))
            .execute(connection)
            .await?;
        all_found("outbox", old.len(), done.rows_affected())
    }
}

async fn insert(connection: &mut PgConnection, rows: &[(&Queued, &Change)]) -> Result<(), sqlx::Error> {
    let content = |(queued, change): &(&Queued, &Change)| {
        (change.state == "PENDING").then(|| queued.content.ciphertext().to_owned())
    };
    sqlx::query(INSERT)
        .bind(column(rows, |(queued, _)| queued.message_id.0))
        .bind(column(rows, |(queued, _)| queued.recipient.0))
        .bind(column(rows, |(queued, _)| <&str>::from(queued.channel)))
        .bind(column(rows, |(queued, _)| <&str>::from(queued.kind)))
        .bind(column(rows, content))
        .bind(column(rows, |(_, change)| change.state))
        .bind(column(rows, |(_, change)| i64::from(change.attempts.unwrap_or(0))))
        .bind(column(rows, |(_, change)| change.failure))
        .bind(column(rows, |(_, change)| change.next_attempt_at))
        .bind(column(rows, |(queued, _)| queued.expires_at))
        .bind(column(rows, |(queued, _)| queued.queued_at))
        .bind(column(rows, |(_, change)| change.changed_at))
        .execute(connection)
        .await?;
    Ok(())
}
