//! Replaying the whole log into a new generation of the read schema, and flipping to it.
//!
//! Bounds: one rebuild per ledger at a time; [`Rebuild::batch`] events per transaction, and as many in each of the
//! steps that overlap: reading the next page, decoding the one after, writing this one. Order: replay up to where
//! the live schema stands, compare the two at exactly one position, catch up with the log, flip. Nodes that serve go
//! on serving; their projectors move over and project what came in between.

use std::time::{Duration, Instant};

use lumbung_journal::{Fact, JournalError, app_options, app_pool, read};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool, Row};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::checkpoint::SchemaWriter;
use crate::error::ProjectionError;
use crate::read_models::tables;
use crate::reader::checkpoint_of;
use crate::schema::{SchemaName, drop_old, flip, live, next_generation, owner_connection};

/// How many generations of a fingerprint stay: the live one, and one to go back to.
const KEPT_GENERATIONS: usize = 2;
/// The projectors take over when no more than this is missing.
const CLOSE_ENOUGH: i64 = 1_000;
/// Pages read ahead of the one being written.
const PAGES_AHEAD: usize = 2;

/// How to rebuild.
#[derive(Debug, Clone)]
pub struct Rebuild {
    /// The database, as the login role.
    pub connect: PgConnectOptions,
    /// Events per transaction.
    pub batch: usize,
}

impl Rebuild {
    #[must_use]
    pub fn new(connect: PgConnectOptions) -> Self {
        Self { connect, batch: 10_000 }
    }
}

/// How far a rebuild has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildProgress {
    pub position: i64,
    /// Where the log ended when it was last asked.
    pub head: i64,
}

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq)]
pub struct RebuildReport {
    /// The schema that is live now.
    pub schema: SchemaName,
    pub events: u64,
    /// Of replaying, without comparing and flipping.
    pub replaying: Duration,
    /// The position at which the old and the new schema were compared; `None` if there was nothing to compare with.
    pub compared_at: Option<i64>,
    /// Tables in which the old live schema was not what the log says.
    pub differences: Vec<Difference>,
    pub dropped: Vec<SchemaName>,
}

/// A table that differs between the live schema and the log. With as many rows on both sides, their content does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub table: &'static str,
    pub live_rows: i64,
    pub rebuilt_rows: i64,
}

/// Rebuilds the read models of this software's fingerprint from the log and makes the result live. Differences from
/// the schema that was live are reported, not refused: they are what a rebuild is for.
///
/// # Errors
/// The database fails, the log cannot be read or projected, or another rebuild runs. The live schema stays as it is.
pub async fn rebuild(
    options: &Rebuild,
    mut progress: impl FnMut(RebuildProgress) + Send,
) -> Result<RebuildReport, ProjectionError> {
    let guard = only_rebuild(&options.connect).await?;
    let old = live(&mut PgConnection::connect_with(&app_options(&options.connect)).await?).await?;
    let schema = next_generation(&options.connect).await?;
    let result = fill(options, old.as_ref(), &schema, &mut progress).await;
    // Without this one it is the next rebuild that drops an abandoned schema.
    let dropped = drop_old(&options.connect, KEPT_GENERATIONS).await;
    give_back(guard).await;
    let mut report = result?;
    match dropped {
        Ok(dropped) => report.dropped = dropped,
        Err(error) => warn!(error = &error as &dyn std::error::Error, "could not drop old read schemas"),
    }
    Ok(report)
}

async fn fill(
    options: &Rebuild,
    old: Option<&SchemaName>,
    schema: &SchemaName,
    progress: &mut (impl FnMut(RebuildProgress) + Send),
) -> Result<RebuildReport, ProjectionError> {
    let pool = app_pool(&options.connect, 2).await?;
    let writer = SchemaWriter::open(&options.connect, schema).await?;
    let writer = writer.ok_or_else(|| ProjectionError::Busy { schema: schema.to_string() })?;
    let mut replay = Replay { writer, pool, batch: options.batch.max(1), spent: Duration::ZERO, progress };

    let mut compared_at = None;
    let mut differences = Vec::new();
    if let Some(old) = old {
        // Never past the live schema, so that the two can meet; it may stand still, if nobody projects.
        let stands = checkpoint_of(&replay.pool, old).await?;
        if stands <= replay.head().await? {
            replay.up_to(stands).await?;
            analyze(&options.connect, schema).await?;
            (compared_at, differences) = compare(&options.connect, old, schema, &mut replay).await?;
        } else {
            warn!(schema = %old, stands, "the live read schema is ahead of the log; it is not compared");
        }
    }
    loop {
        let head = replay.head().await?;
        if head - replay.writer.position() <= CLOSE_ENOUGH {
            replay.up_to(head).await?;
            break;
        }
        replay.up_to(head).await?;
    }
    analyze(&options.connect, schema).await?;
    let events = u64::try_from(replay.writer.position()).unwrap_or(0);
    let replaying = replay.spent;
    replay.writer.close().await;
    flip(&options.connect, schema).await?;
    let schema = schema.clone();
    Ok(RebuildReport { schema, events, replaying, compared_at, differences, dropped: Vec::new() })
}

/// One long pass over the log.
struct Replay<'a, P> {
    writer: SchemaWriter,
    pool: PgPool,
    batch: usize,
    spent: Duration,
    progress: &'a mut P,
}

type Page = JoinHandle<Result<Vec<Fact>, ProjectionError>>;

impl<P: FnMut(RebuildProgress) + Send> Replay<'_, P> {
    async fn head(&self) -> Result<i64, ProjectionError> {
        Ok(read::head(&self.pool).await?.position)
    }

    /// Projects everything up to `until`, which must be in the log.
    async fn up_to(&mut self, until: i64) -> Result<(), ProjectionError> {
        let began = Instant::now();
        let (sender, mut pages) = mpsc::channel::<Page>(PAGES_AHEAD);
        let from = self.writer.position();
        // Ends by itself when `pages` is dropped.
        let reading = tokio::spawn(read_pages(self.pool.clone(), from, until, self.batch, sender));
        while let Some(page) = pages.recv().await {
            let facts = page.await.map_err(|_| broken_off())??;
            self.writer.write(&facts).await?;
            (self.progress)(RebuildProgress { position: self.writer.position(), head: until });
        }
        reading.await.map_err(|_| broken_off())??;
        self.spent += began.elapsed();
        Ok(())
    }
}

/// Reads the pages in order; each is decoded on a thread of its own while the next is read.
async fn read_pages(
    pool: PgPool,
    from: i64,
    until: i64,
    batch: usize,
    pages: mpsc::Sender<Page>,
) -> Result<(), ProjectionError> {
    let mut position = from;
    while position < until {
        let limit = i64::try_from(batch).unwrap_or(i64::MAX).min(until - position);
        let records = read::after(&pool, position, limit).await?;
        let Some(last) = records.last() else {
            return Err(ProjectionError::AheadOfLog { checkpoint: until, head: position });
        };
        position = last.position;
        let page = tokio::task::spawn_blocking(move || {
            let facts = records.iter().map(Fact::decode).collect::<Result<Vec<_>, _>>();
            facts.map_err(|error| JournalError::from(error).into())
        });
        if pages.send(page).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Compares the two schemas at one position: that of a snapshot of the live one.
async fn compare<P: FnMut(RebuildProgress) + Send>(
    options: &PgConnectOptions,
    old: &SchemaName,
    new: &SchemaName,
    replay: &mut Replay<'_, P>,
) -> Result<(Option<i64>, Vec<Difference>), ProjectionError> {
    let mut connection = PgConnection::connect_with(&app_options(options)).await?;
    sqlx::raw_sql("begin isolation level repeatable read read only").execute(&mut connection).await?;
    let position = checkpoint_of(&mut connection, old).await?;
    if position < replay.writer.position() || position > replay.head().await? {
        // PostgreSQL crashed meanwhile, and the live schema lost its last batches.
        return Ok((None, Vec::new()));
    }
    replay.up_to(position).await?;
    let mut differences = Vec::new();
    for table in tables() {
        let live = content(&mut connection, old, table).await?;
        let rebuilt = content(&replay.pool, new, table).await?;
        if live != rebuilt {
            differences.push(Difference { table, live_rows: live.0, rebuilt_rows: rebuilt.0 });
        }
    }
    connection.close().await?;
    Ok((Some(position), differences))
}

/// The number of rows and a hash of them that does not depend on their order.
async fn content(
    executor: impl sqlx::PgExecutor<'_>,
    schema: &SchemaName,
    table: &'static str,
) -> Result<(i64, String), ProjectionError> {
    let sql = format!(
        "select count(*) as rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as digest
         from {schema}.{table} t"
    );
    let row = sqlx::query(&sql).fetch_one(executor).await?;
    Ok((row.try_get("rows")?, row.try_get("digest")?))
}

/// The tables were filled within seconds; without statistics the first queries would be planned for empty ones.
async fn analyze(options: &PgConnectOptions, schema: &SchemaName) -> Result<(), ProjectionError> {
    let mut connection = owner_connection(options).await?;
    let names: Vec<String> = tables().map(|table| format!("{schema}.{table}")).collect();
    sqlx::raw_sql(&format!("analyze {}", names.join(", "))).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// A connection that holds the right to rebuild until it is given back, or lost.
async fn only_rebuild(options: &PgConnectOptions) -> Result<PgConnection, ProjectionError> {
    let mut connection = PgConnection::connect_with(&app_options(options)).await?;
    let row =
        sqlx::query("select pg_try_advisory_lock(5492310) as locked").fetch_one(&mut connection).await?;
    if row.try_get("locked")? { Ok(connection) } else { Err(ProjectionError::RebuildRunning) }
}

/// A server takes a moment to notice that a connection was closed; the next rebuild may begin sooner.
async fn give_back(mut connection: PgConnection) {
    // Whatever goes wrong here, the connection ends and the right with it.
    let _ = sqlx::query("select pg_advisory_unlock(5492310)").execute(&mut connection).await;
    let _ = connection.close().await;
}

fn broken_off() -> ProjectionError {
    ProjectionError::BrokenOff
}
