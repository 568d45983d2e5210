//! Which transfers are under way, and what became of the others? For operators: ids, amounts and states, nothing personal.
//!
//! Bounds: what is asked for all the time (how many wait, since when) walks an index of those alone that did not simply
//! succeed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lumbung_domain::{AnyEvent, Instruction, Rupiah, TransferEvent, TransferId, TransferStatus, UserId};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::cell::{all_found, column, parsed, rupiah};
use crate::error::{ProjectionError, ReadError};
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table transfers (
    transfer      uuid        not null primary key,
    position      bigint      not null,
    sender        uuid        not null,
    target        uuid        not null,
    amount_rupiah bigint      not null,
    status        text        not null,
    attempts      bigint      not null,
    reason        text,
    started_at    timestamptz not null,
    changed_at    timestamptz not null
);
create index transfers_by_position on transfers (position);
create index transfers_not_settled on transfers (status, position) where status <> 'SUCCESS';";
pub(crate) const STATEMENTS: &[&str] = &[INSERT, UPDATE, ALL, OF_STATUSES, QUEUE];

const INSERT: &str = "
insert into transfers (transfer, position, sender, target, amount_rupiah, status, attempts, reason, started_at, changed_at)
select t.transfer, t.position, t.sender, t.target, t.amount_rupiah, t.status, t.attempts, t.reason, t.started_at,
    t.changed_at
from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::bigint[], $8::text[],
        $9::timestamptz[], $10::timestamptz[])
    as t (transfer, position, sender, target, amount_rupiah, status, attempts, reason, started_at, changed_at)";

const UPDATE: &str = "
update transfers t set status = u.status, attempts = t.attempts + u.attempts, reason = u.reason, changed_at = u.changed_at
from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[])
    as u (transfer, status, attempts, reason, changed_at)
where t.transfer = u.transfer";

macro_rules! columns {
    () => {
        "t.transfer, t.position, t.sender, t.target, t.amount_rupiah, t.status, t.attempts, t.reason, t.started_at,
            t.changed_at"
    };
}

const ALL: &str = concat!(
    "select ",
    columns!(),
    " from transfers t where t.position < $1 order by t.position desc limit $2"
);

/// Each status is a range of its own; that of those that succeeded is nearly the whole table.
const OF_STATUSES: &str = concat!(
    "select ",
    columns!(),
    " from unnest($3::text[]) as s (status) cross join lateral (
        (select * from transfers t where s.status <> 'SUCCESS' and t.status <> 'SUCCESS' and t.status = s.status
            and t.position < $1 order by t.position desc limit $2)
        union all
        (select * from transfers t where s.status = 'SUCCESS' and t.status = 'SUCCESS' and t.position < $1
            order by t.position desc limit $2)
    ) t order by t.position desc limit $2"
);

const QUEUE: &str = "
select
    (select count(*) from transfers where status <> 'SUCCESS' and status = 'PENDING') as pending,
    (select count(*) from transfers where status <> 'SUCCESS' and status = 'PARKED') as parked,
    (select min(changed_at) from transfers where status <> 'SUCCESS' and status = 'PENDING') as oldest";

/// A transfer, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRow {
    pub transfer: TransferId,
    /// Of the event that started it.
    pub position: i64,
    pub sender: UserId,
    pub target: UserId,
    pub amount_rupiah: Rupiah,
    pub status: TransferStatus,
    /// The first, and one for each time that an operator had it tried again.
    pub attempts: i64,
    /// Why it was returned or parked.
    pub reason: Option<String>,
    pub started_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
}

/// How much is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    pub pending: i64,
    pub parked: i64,
    /// Since when the pending transfer that waits longest is pending: since its start, or since it was last to be tried again.
    pub oldest: Option<DateTime<Utc>>,
}

/// The transfers of these statuses (all, if none is named), newest first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn list(
    read: &LiveSchema,
    statuses: &[TransferStatus],
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<TransferRow>, ReadError> {
    let below = after.map_or(i64::MAX, |cursor| cursor.0);
    let sql = if statuses.is_empty() { ALL } else { OF_STATUSES };
    let mut query = sqlx::query(sql).bind(below).bind(Page::<TransferRow>::fetched(limit));
    if !statuses.is_empty() {
        query = query.bind(column(statuses, |status| status.as_str()));
    }
    let rows = query.fetch_all(read.pool()).await?;
    let rows = rows.iter().map(TransferRow::from_row).collect::<Result<_, _>>()?;
    Ok(Page::cut(rows, limit, |row: &TransferRow| row.position))
}

/// # Errors
/// See [`ReadError`].
pub async fn queue(read: &LiveSchema) -> Result<Queue, ReadError> {
    let row = sqlx::query(QUEUE).fetch_one(read.pool()).await?;
    Ok(Queue {
        pending: row.try_get("pending")?,
        parked: row.try_get("parked")?,
        oldest: row.try_get("oldest")?,
    })
}

impl TransferRow {
    fn from_row(row: &PgRow) -> Result<Self, ReadError> {
        Ok(Self {
            transfer: TransferId(row.try_get("transfer")?),
            position: row.try_get("position")?,
            sender: UserId(row.try_get("sender")?),
            target: UserId(row.try_get("target")?),
            amount_rupiah: rupiah(row, "amount_rupiah")?,
            status: parsed(row, "status")?,
            attempts: row.try_get("attempts")?,
            reason: row.try_get("reason")?,
            started_at: row.try_get("started_at")?,
            changed_at: row.try_get("changed_at")?,
        })
    }
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Transfers {
    started: HashMap<Uuid, Started>,
    changes: HashMap<Uuid, Change>,
}

struct Started {
    position: i64,
    sender: UserId,
    target: UserId,
    amount_rupiah: Rupiah,
    at: DateTime<Utc>,
}

/// The state after the batch.
#[derive(Debug, Clone, Copy)]
struct Change {
    status: TransferStatus,
    /// Those of this batch.
    attempts: i64,
    reason: Option<&'static str>,
    changed_at: DateTime<Utc>,
}

impl Transfers {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Transfer(event) = &fact.event else { return Ok(()) };
        let transfer: TransferId =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        let before = self.changes.get(&transfer.0).map_or(0, |change| change.attempts);
        let (status, attempts, reason) = match event {
            TransferEvent::TransferStarted(instruction) => {
                self.started.insert(transfer.0, Started::of(instruction, fact));
                (TransferStatus::Pending, 1, None)
            }
            TransferEvent::TransferSettled { .. } => (TransferStatus::Success, 0, None),
            TransferEvent::TransferReturned { because, .. } => {
                (TransferStatus::Returned, 0, Some((*because).into()))
            }
            TransferEvent::TransferParked { because } => (TransferStatus::Parked, 0, Some((*because).into())),
            TransferEvent::TransferRetried {} => (TransferStatus::Pending, 1, None),
        };
        let change = Change { status, attempts: before + attempts, reason, changed_at: fact.recorded_at };
        self.changes.insert(transfer.0, change);
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        let (new, old): (Vec<_>, Vec<_>) =
            self.changes.iter().partition(|(transfer, _)| self.started.contains_key(transfer));
        let new: Vec<_> =
            new.into_iter().filter_map(|(id, change)| Some((id, self.started.get(id)?, change))).collect();
        if !new.is_empty() {
            insert(connection, &new).await?;
        }
        if old.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(UPDATE)
            .bind(column(&old, |(transfer, _)| **transfer))
            .bind(column(&old, |(_, change)| change.status.as_str()))
            .bind(column(&old, |(_, change)| change.attempts))
            .bind(column(&old, |(_, change)| change.reason))
            .bind(column(&old, |(_, change)| change.changed_at))
            .execute(connection)
            .await?;
        all_found("transfers", old.len(), done.rows_affected())
    }
}

impl Started {
    fn of(instruction: &Instruction, fact: &Fact) -> Self {
        Self {
            position: fact.position,
            sender: instruction.sender,
            target: instruction.target,
            amount_rupiah: instruction.amount_rupiah,
            at: fact.recorded_at,
        }
    }
}

async fn insert(
    connection: &mut PgConnection,
    rows: &[(&Uuid, &Started, &Change)],
) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT)
        .bind(column(rows, |(transfer, ..)| **transfer))
        .bind(column(rows, |(_, started, _)| started.position))
        .bind(column(rows, |(_, started, _)| started.sender.0))
        .bind(column(rows, |(_, started, _)| started.target.0))
        .bind(column(rows, |(_, started, _)| started.amount_rupiah.get()))
        .bind(column(rows, |(.., change)| change.status.as_str()))
        .bind(column(rows, |(.., change)| change.attempts))
        .bind(column(rows, |(.., change)| change.reason))
        .bind(column(rows, |(_, started, _)| started.at))
        .bind(column(rows, |(.., change)| change.changed_at))
        .execute(connection)
        .await?;
    Ok(())
}
