//! Roles, connections and migrations.
//!
//! `lumbung_owner` owns the schemas and migrates; everything else runs as `lumbung_app`, which may insert events
//! but owns nothing. Both are reached by `SET ROLE` from the login role of the connection string.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Row};

use crate::error::JournalError;

/// The role the application runs as.
pub const APP_ROLE: &str = "lumbung_app";
/// The role that owns the schemas.
pub const OWNER_ROLE: &str = "lumbung_owner";

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// A snapshot that is older than the ledger's lock would hide what was committed before the lock was had.
const ISOLATION: (&str, &str) = ("default_transaction_isolation", "read\\ committed");

/// How the append connection differs. Whatever the database's default is, what was answered must survive a crash. And an
/// abandoned sending must not wait for the lock for ever: each one holds a connection of the server. Plans are made once:
/// making them anew takes longer than carrying them out for a small batch, and without sequential scans there is nothing
/// in them that could rot as the log grows.
const APPENDING: [(&str, &str); 4] = [
    ("synchronous_commit", "on"),
    ("lock_timeout", "8s"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
];

/// How the append connection is made.
pub(crate) fn append_options(options: &PgConnectOptions) -> PgConnectOptions {
    app_options(options).options(APPENDING)
}

/// How the application connects: as `lumbung_app`, with plans made for the parameters at hand. A plan that was
/// made once, on the empty log, would scan it for ever.
#[must_use]
pub fn app_options(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .options([
            ("role", APP_ROLE),
            ("plan_cache_mode", "force_custom_plan"),
            ("timezone", "UTC"),
            ISOLATION,
        ])
        .disable_statement_logging()
}

/// How whoever sets up the journal connects: as `lumbung_owner`.
pub(crate) fn owner_options(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .options([("role", OWNER_ROLE), ("timezone", "UTC"), ISOLATION])
        .disable_statement_logging()
}

/// A pool of application connections.
///
/// # Errors
/// The database cannot be reached.
pub async fn app_pool(options: &PgConnectOptions, size: u32) -> Result<PgPool, JournalError> {
    Ok(PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(app_options(options))
        .await?)
}

/// How a pool for loading streams differs: every look-up goes by the index of streams, however little the planner knows of how
/// long they are. One stream of a million events must not make it read the whole log for another.
const LOADING: [(&str, &str); 3] =
    [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off")];

/// A pool of application connections that load streams.
///
/// # Errors
/// The database cannot be reached.
pub async fn load_pool(options: &PgConnectOptions, size: u32) -> Result<PgPool, JournalError> {
    app_pool(&options.clone().options(LOADING), size).await
}

/// Creates the roles and the schema if they are missing and runs the new migrations.
///
/// # Errors
/// The login role may not create roles, or a migration fails; the failed migration left nothing behind.
pub async fn migrate(options: &PgConnectOptions) -> Result<(), JournalError> {
    let mut connection = PgConnection::connect_with(&options.clone().disable_statement_logging()).await?;
    for role in [OWNER_ROLE, APP_ROLE] {
        sqlx::raw_sql(&format!(
            "do $$ begin
                 if not exists (select from pg_roles where rolname = '{role}') then
                     create role {role} nologin;
                 end if;
             exception when duplicate_object or unique_violation then null;
             end $$;
             do $$ begin
                 if not pg_has_role(current_user, '{role}', 'member') then
                     execute format('grant {role} to %I', current_user);
                 end if;
             end $$"
        ))
        .execute(&mut connection)
        .await?;
    }
    // Two nodes may start at once on an empty database.
    sqlx::raw_sql(&format!(
        "do $$ begin
             perform pg_advisory_xact_lock(5492308);
             execute format('grant create on database %I to {OWNER_ROLE}', current_database());
             create schema if not exists journal authorization {OWNER_ROLE};
             create schema if not exists projection authorization {OWNER_ROLE};
         end $$"
    ))
    .execute(&mut connection)
    .await?;
    connection.close().await?;

    let owner = owner_options(options).options([("search_path", "journal")]);
    let mut connection = PgConnection::connect_with(&owner).await?;
    MIGRATOR.run_direct(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Whether the application's role could change history: it must own nothing and hold no more than select and
/// insert on the events.
///
/// # Errors
/// The database cannot be asked.
pub async fn excess_rights(pool: &PgPool) -> Result<Vec<String>, JournalError> {
    let rows = sqlx::query(
        "select c.relname || ' is owned by ' || pg_get_userbyid(c.relowner) as finding
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'journal' and pg_has_role(current_user, c.relowner, 'member')
         union all
         select c.relname || ' can be changed: ' || p.privilege
             from pg_class c join pg_namespace n on n.oid = c.relnamespace,
                  unnest(array['DELETE', 'TRUNCATE', 'TRIGGER']) as p (privilege)
             where n.nspname = 'journal' and c.relname in ('events', 'anchors', 'person_keys', 'ledger_keys')
                 and has_table_privilege(current_user, c.oid, p.privilege)
         union all
         select c.relname || ' can be changed: UPDATE'
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'journal' and c.relkind = 'r'
                 -- A grant on one column is a grant too.
                 and has_any_column_privilege(current_user, c.oid, 'UPDATE')
         union all
         select w.name || ' lacks its insert-only trigger'
             from (values ('journal.events'), ('journal.anchors'), ('audit.attempts')) as w (name)
             left join pg_trigger t on t.tgrelid = to_regclass(w.name) and t.tgname = 'insert_only'
             where t.tgenabled is distinct from 'O'
         union all
         select 'audit.' || c.relname || ' can be changed'
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'audit' and c.relkind = 'r'
                 and (pg_has_role(current_user, c.relowner, 'member')
                     or has_table_privilege(current_user, c.oid, 'TRUNCATE')
                     or has_any_column_privilege(current_user, c.oid, 'UPDATE'))",
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok(row.try_get("finding")?)).collect()
}
