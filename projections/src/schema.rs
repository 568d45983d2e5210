//! Read schemas: named `read_<fingerprint>_<generation>`, created once, never renamed.
//!
//! The fingerprint is that of the read models' definitions, so software of two versions reads and feeds two schemas
//! and runs side by side. A rebuild makes the next generation beside the live one and flips. `projection.read_schemas`
//! says which generation is live; the flip is one row of it.
//!
//! Rights: schemas are created, flipped and dropped as `lumbung_owner`, on a connection of its own that lives as long
//! as the change; `lumbung_app`, which queries and feeds, gets rows only and can create nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use lumbung_journal::{APP_ROLE, OWNER_ROLE, app_options};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, PgExecutor, Row};
use tracing::{info, warn};

use crate::error::ProjectionError;
use crate::read_models::{ddl, fingerprint};

/// The channel on which a flip says the name of the schema that is live now.
pub(crate) const FLIPPED: &str = "lumbung_read_schema";

/// Serialises creating, flipping and dropping.
const REGISTRY_LOCK: &str = "select pg_advisory_xact_lock(5492309)";

/// The name of a read schema; safe to stand in SQL as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SchemaName(Arc<str>);

impl SchemaName {
    fn new(fingerprint: &str, generation: i64) -> Self {
        Self(format!("read_{fingerprint}_{generation}").into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SchemaName {
    type Err = ProjectionError;
    fn from_str(name: &str) -> Result<Self, ProjectionError> {
        let well_formed = name.strip_prefix("read_").and_then(|rest| rest.split_once('_')).is_some_and(
            |(fingerprint, generation)| {
                fingerprint.len() == 8
                    && fingerprint.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
                    && (1..=18).contains(&generation.len())
                    && generation.bytes().all(|byte| byte.is_ascii_digit())
            },
        );
        if well_formed {
            Ok(Self(name.into()))
        } else {
            Err(ProjectionError::BadSchemaName { name: name.to_owned() })
        }
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes sure that this software has a live read schema; the first one is created empty and live, and the
/// projector fills it. Needs the migrations.
///
/// # Errors
/// The database fails, or the login role may not act as `lumbung_owner` and there is something to create.
pub async fn prepare(options: &PgConnectOptions) -> Result<SchemaName, ProjectionError> {
    let mut connection = PgConnection::connect_with(&app_options(options)).await?;
    let found = live(&mut connection).await?;
    connection.close().await?;
    if let Some(schema) = found {
        return Ok(schema);
    }
    let mut connection = owner_connection(options).await?;
    let mut transaction = connection.begin().await?;
    sqlx::query(REGISTRY_LOCK).execute(&mut *transaction).await?;
    // Another node may have been faster.
    let schema = match live(&mut *transaction).await? {
        Some(schema) => schema,
        None => {
            let schema = create(&mut transaction).await?;
            set_live(&mut transaction, &schema).await?;
            info!(%schema, "created the read schema of this software");
            schema
        }
    };
    transaction.commit().await?;
    connection.close().await?;
    Ok(schema)
}

/// The live schema of this software's fingerprint.
pub(crate) async fn live(executor: impl PgExecutor<'_>) -> Result<Option<SchemaName>, ProjectionError> {
    let row = sqlx::query("select name from projection.read_schemas where fingerprint = $1 and live")
        .bind(fingerprint())
        .fetch_optional(executor)
        .await?;
    row.map(|row| row.try_get::<&str, _>("name")?.parse()).transpose()
}

/// A new, empty generation that nobody reads yet.
pub(crate) async fn next_generation(options: &PgConnectOptions) -> Result<SchemaName, ProjectionError> {
    let mut connection = owner_connection(options).await?;
    let mut transaction = connection.begin().await?;
    sqlx::query(REGISTRY_LOCK).execute(&mut *transaction).await?;
    let schema = create(&mut transaction).await?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(schema)
}

/// Makes `schema` the live one of its fingerprint and tells every node. All nodes move over to it once it shows at
/// least what they have shown before.
///
/// # Errors
/// The database fails, or no such schema is registered.
pub async fn flip(options: &PgConnectOptions, schema: &SchemaName) -> Result<(), ProjectionError> {
    let mut connection = owner_connection(options).await?;
    let mut transaction = connection.begin().await?;
    sqlx::query(REGISTRY_LOCK).execute(&mut *transaction).await?;
    set_live(&mut transaction, schema).await?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}

/// Drops what this fingerprint no longer needs: all but the live schema and the `keep - 1` that were live last. A
/// schema that is in use and cannot be locked in time stays until the next rebuild.
pub(crate) async fn drop_old(
    options: &PgConnectOptions,
    keep: usize,
) -> Result<Vec<SchemaName>, ProjectionError> {
    let mut connection = owner_connection(options).await?;
    let rows = sqlx::query(
        "select name from projection.read_schemas where fingerprint = $1
         order by live desc, live_since desc nulls last, generation desc",
    )
    .bind(fingerprint())
    .fetch_all(&mut connection)
    .await?;
    let mut dropped = Vec::new();
    for row in rows.iter().skip(keep) {
        let schema: SchemaName = row.try_get::<&str, _>("name")?.parse()?;
        match drop_one(&mut connection, &schema).await {
            Ok(()) => dropped.push(schema),
            Err(error) => warn!(%schema, error = &error as &dyn std::error::Error, "kept an old read schema"),
        }
    }
    connection.close().await?;
    Ok(dropped)
}

async fn drop_one(connection: &mut PgConnection, schema: &SchemaName) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query(REGISTRY_LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql("set local lock_timeout = '2s'").execute(&mut *transaction).await?;
    let gone = sqlx::query("delete from projection.read_schemas where name = $1 and not live")
        .bind(schema.as_str())
        .execute(&mut *transaction)
        .await?;
    if gone.rows_affected() == 1 {
        sqlx::raw_sql(&format!("drop schema {schema} cascade")).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn create(connection: &mut PgConnection) -> Result<SchemaName, ProjectionError> {
    let fingerprint = fingerprint();
    let row = sqlx::query(
        "select coalesce(max(generation), 0) + 1 as generation from projection.read_schemas where fingerprint = $1",
    )
    .bind(&fingerprint)
    .fetch_one(&mut *connection)
    .await?;
    let generation: i64 = row.try_get("generation")?;
    let schema = SchemaName::new(&fingerprint, generation);
    sqlx::query(
        "insert into projection.read_schemas (name, fingerprint, generation, live) values ($1, $2, $3, false)",
    )
    .bind(schema.as_str())
    .bind(&fingerprint)
    .bind(generation)
    .execute(&mut *connection)
    .await?;
    sqlx::raw_sql(&format!(
        "create schema {schema};
         set local search_path = {schema};
         {}
         grant usage on schema {schema} to {APP_ROLE};
         grant select, insert, update, delete on all tables in schema {schema} to {APP_ROLE};",
        ddl()
    ))
    .execute(&mut *connection)
    .await?;
    Ok(schema)
}

async fn set_live(connection: &mut PgConnection, schema: &SchemaName) -> Result<(), ProjectionError> {
    // Two statements: the index allows one live row, and one statement could set the second before it clears the first.
    sqlx::query(
        "update projection.read_schemas set live = false
         where live and fingerprint = (select fingerprint from projection.read_schemas where name = $1)",
    )
    .bind(schema.as_str())
    .execute(&mut *connection)
    .await?;
    let set =
        sqlx::query("update projection.read_schemas set live = true, live_since = now() where name = $1")
            .bind(schema.as_str())
            .execute(&mut *connection)
            .await?;
    if set.rows_affected() != 1 {
        return Err(ProjectionError::NoReadSchema { fingerprint: fingerprint() });
    }
    sqlx::query("select pg_notify($1, $2)").bind(FLIPPED).bind(schema.as_str()).execute(connection).await?;
    Ok(())
}

pub(crate) async fn owner_connection(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let options = options.clone().options([("role", OWNER_ROLE)]).disable_statement_logging();
    PgConnection::connect_with(&options).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_sql() {
        let name = SchemaName::new(&fingerprint(), 12);
        assert_eq!(name.as_str().parse::<SchemaName>().unwrap(), name);
        for name in [
            "read_0123abcd_",
            "read_0123abc_1",
            "read_0123ABCD_1",
            "read_0123abcd_1 ",
            "read_0123abcd_1;drop table x",
            "read_0123abcd_-1",
            "journal",
        ] {
            assert!(name.parse::<SchemaName>().is_err(), "{name}");
        }
    }
}
