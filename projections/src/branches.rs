//! Which branches are there?

use std::collections::BTreeMap;

use lumbung_domain::{AnyEvent, BranchCode, BranchEvent, BranchId, Place};
use lumbung_journal::Fact;
use sqlx::{PgConnection, Row};

use crate::cell::column;
use crate::error::{ProjectionError, ReadError};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table branches (
    branch   bigint not null primary key,
    code     text   not null,
    location text   not null
);";
pub(crate) const STATEMENTS: &[&str] = &[UPSERT, LIST];

const UPSERT: &str = "
insert into branches (branch, code, location)
select b.branch, b.code, b.location
from unnest($1::bigint[], $2::text[], $3::text[]) as b (branch, code, location)
on conflict (branch) do update set code = excluded.code, location = excluded.location";

const LIST: &str = "select branch, code, location from branches where branch <> $1 order by branch";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub branch_id: BranchId,
    pub code: BranchCode,
    pub location: Place,
}

/// The branches a customer can go to, by id; the online channel is none of them.
///
/// # Errors
/// See [`ReadError`].
pub async fn list(read: &LiveSchema) -> Result<Vec<Branch>, ReadError> {
    let rows = sqlx::query(LIST).bind(BranchId::ONLINE.0).fetch_all(read.pool()).await?;
    rows.iter()
        .map(|row| {
            Ok(Branch {
                branch_id: BranchId(row.try_get("branch")?),
                code: BranchCode::try_from(row.try_get::<String, _>("code")?)
                    .map_err(|_| ReadError::Malformed { column: "code" })?,
                location: Place::try_from(row.try_get::<String, _>("location")?)
                    .map_err(|_| ReadError::Malformed { column: "location" })?,
            })
        })
        .collect()
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Branches {
    opened: BTreeMap<BranchId, (BranchCode, Place)>,
}

impl Branches {
    pub(crate) fn apply(&mut self, fact: &Fact) {
        if let AnyEvent::Branch(BranchEvent::BranchOpened { branch_id, code, location }) = &fact.event {
            self.opened.insert(*branch_id, (code.clone(), location.clone()));
        }
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if self.opened.is_empty() {
            return Ok(());
        }
        sqlx::query(UPSERT)
            .bind(column(self.opened.keys(), |branch| branch.0))
            .bind(column(self.opened.values(), |(code, _)| code.as_str()))
            .bind(column(self.opened.values(), |(_, location)| location.as_str()))
            .execute(connection)
            .await?;
        Ok(())
    }
}
