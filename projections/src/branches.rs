//! Which branches are there?

use std::collections::BTreeMap;

use lumbung_domain::{AnyEvent, BranchCode, BranchEvent, BranchId, BranchSnapshot, Place};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::cell::column;
use crate::error::{ProjectionError, ReadError};
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 2;
pub(crate) const DDL: &str = "
create table branches (
    branch   bigint not null primary key,
    code     text   not null,
    location text   not null
);";
pub(crate) const STATEMENTS: &[&str] = &[UPSERT, DELETE, LIST];

const UPSERT: &str = "
insert into branches (branch, code, location)
select b.branch, b.code, b.location
from unnest($1::bigint[], $2::text[], $3::text[]) as b (branch, code, location)
on conflict (branch) do update set code = excluded.code, location = excluded.location";

const DELETE: &str = "delete from branches where branch = any($1::bigint[])";

const LIST: &str = "
select branch, code, location from branches where branch <> $1 and branch > $2 order by branch limit $3";

/// The branches a customer can go to, by id; the online channel is none of them, and neither are closed ones.
///
/// # Errors
/// See [`ReadError`].
pub async fn list(
    read: &LiveSchema,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<BranchSnapshot>, ReadError> {
    let rows = sqlx::query(LIST)
        .bind(BranchId::ONLINE.0)
        .bind(after.map_or(i64::MIN, |Cursor(branch)| branch))
        .bind(Page::<BranchSnapshot>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let branches = rows.iter().map(snapshot).collect::<Result<_, _>>()?;
    Ok(Page::cut(branches, limit, |branch: &BranchSnapshot| branch.branch_id.0))
}

/// The branch of a row that has its columns.
pub(crate) fn snapshot(row: &PgRow) -> Result<BranchSnapshot, ReadError> {
    let malformed = |column| ReadError::Malformed { column };
    Ok(BranchSnapshot {
        branch_id: BranchId(row.try_get("branch")?),
        code: BranchCode::new(row.try_get("code")?).map_err(|_| malformed("code"))?,
        location: Place::new(row.try_get("location")?).map_err(|_| malformed("location"))?,
    })
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Branches {
    /// `None` for a closed one.
    changed: BTreeMap<BranchId, Option<(BranchCode, Place)>>,
}

impl Branches {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Branch(event) = &fact.event else { return Ok(()) };
        let branch: BranchId =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        match event {
            BranchEvent::BranchOpened { code, location, .. }
            | BranchEvent::BranchAmended { code, location } => {
                self.changed.insert(branch, Some((code.clone(), location.clone())));
            }
            BranchEvent::BranchClosed {} => {
                self.changed.insert(branch, None);
            }
            BranchEvent::BranchUsed {} => {}
        }
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        let mut open = Vec::new();
        let mut closed = Vec::new();
        for (branch, change) in &self.changed {
            match change {
                Some((code, location)) => open.push((branch.0, code.as_str(), location.as_str())),
                None => closed.push(branch.0),
            }
        }
        if !open.is_empty() {
            sqlx::query(UPSERT)
                .bind(column(&open, |(branch, ..)| *branch))
                .bind(column(&open, |(_, code, _)| *code))
                .bind(column(&open, |(.., location)| *location))
                .execute(&mut *connection)
                .await?;
        }
        if !closed.is_empty() {
            sqlx::query(DELETE).bind(closed).execute(connection).await?;
        }
        Ok(())
    }
}
