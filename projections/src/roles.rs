//! Which roles are there, and what may they do?

use std::collections::BTreeMap;

use lumbung_domain::{AnyEvent, Grants, RoleEvent, RoleId};
use lumbung_journal::Fact;
use sqlx::{PgConnection, Row};

use crate::cell::{all_found, column};
use crate::error::{ProjectionError, ReadError};
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table roles (
    role   bigint not null primary key,
    name   text   not null,
    grants text   not null
);";
pub(crate) const STATEMENTS: &[&str] = &[UPSERT, UPDATE, PAGE];

const UPSERT: &str = "
insert into roles (role, name, grants)
select r.role, r.name, r.grants from unnest($1::bigint[], $2::text[], $3::text[]) as r (role, name, grants)
on conflict (role) do update set name = excluded.name, grants = excluded.grants";

const UPDATE: &str = "
update roles r set grants = u.grants from unnest($1::bigint[], $2::text[]) as u (role, grants) where r.role = u.role";

const PAGE: &str = "select role, name, grants from roles where role > $1 order by role limit $2";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub role_id: RoleId,
    pub name: String,
    pub grants: Grants,
}

/// The roles, by id.
///
/// # Errors
/// See [`ReadError`].
pub async fn page(read: &LiveSchema, limit: Limit, after: Option<Cursor>) -> Result<Page<Role>, ReadError> {
    let rows = sqlx::query(PAGE)
        .bind(after.map_or(0, |Cursor(role)| role))
        .bind(Page::<Role>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let role = |row: &sqlx::postgres::PgRow| {
        let grants: &str = row.try_get("grants")?;
        Ok(Role {
            role_id: RoleId(row.try_get("role")?),
            name: row.try_get("name")?,
            grants: serde_json::from_str(grants).map_err(|_| ReadError::Malformed { column: "grants" })?,
        })
    };
    let roles = rows.iter().map(role).collect::<Result<_, ReadError>>()?;
    Ok(Page::cut(roles, limit, |role: &Role| role.role_id.0))
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Roles {
    defined: BTreeMap<RoleId, (String, Grants)>,
    /// Of roles that the batch did not define.
    replaced: BTreeMap<RoleId, Grants>,
}

impl Roles {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Role(event) = &fact.event else { return Ok(()) };
        match event {
            RoleEvent::RoleDefined { role_id, name, grants, .. } => {
                self.defined.insert(*role_id, (name.clone(), grants.clone()));
            }
            RoleEvent::RolePermissionsReplaced { grants } => {
                let role: RoleId = fact
                    .stream
                    .id
                    .parse()
                    .map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
                match self.defined.get_mut(&role) {
                    Some((_, held)) => held.clone_from(grants),
                    None => drop(self.replaced.insert(role, grants.clone())),
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if !self.defined.is_empty() {
            sqlx::query(UPSERT)
                .bind(column(self.defined.keys(), |role| role.0))
                .bind(column(self.defined.values(), |(name, _)| name.as_str()))
                .bind(stored(self.defined.values().map(|(_, grants)| grants))?)
                .execute(&mut *connection)
                .await?;
        }
        if self.replaced.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(UPDATE)
            .bind(column(self.replaced.keys(), |role| role.0))
            .bind(stored(self.replaced.values())?)
            .execute(connection)
            .await?;
        all_found("roles", self.replaced.len(), done.rows_affected())
    }
}

fn stored<'a>(grants: impl Iterator<Item = &'a Grants>) -> Result<Vec<String>, ReadError> {
    let texts = grants.map(serde_json::to_string).collect::<Result<_, _>>();
    texts.map_err(|_| ReadError::Malformed { column: "grants" })
}
