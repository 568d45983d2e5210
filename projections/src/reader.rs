//! Which read schema this node's queries look at.
//!
//! A flip moves a node in two steps. First its projector is told the new schema ([`Reader::target`]); only when that
//! schema shows at least what the node has shown before, queries move over. So no client ever sees a position fall
//! because of a rebuild.
//!
//! Bounds: one pool of the size given, and one connection that listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lumbung_journal::app_options;
use sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPool, PgPoolOptions};
use sqlx::{PgExecutor, Row};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::checkpoint::PROJECTED;
use crate::error::ProjectionError;
use crate::freshness::{Demand, Freshness, Progress};
use crate::read_models::fingerprint;
use crate::schema::{FLIPPED, SchemaName, live};
use lumbung_journal::Stop;

/// The safety net under the notifications.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While the new schema of a flip catches up.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);
/// Of the schema in the search path.
const POSITION: &str = "select coalesce(max(position), 0) as position from checkpoint";

/// A read schema and the connections that see it. One request takes it once, so all its queries see one schema.
///
/// Batches are committed asynchronously, so a crash of PostgreSQL may take back what was shown. It also ends every
/// connection, and a new one is not used before the schema has come again to where it once was: nobody sees it go back.
#[derive(Debug)]
pub struct LiveSchema {
    name: SchemaName,
    pool: PgPool,
    promised: Arc<AtomicI64>,
}

impl LiveSchema {
    fn open(options: &PgConnectOptions, name: SchemaName, size: u32) -> Self {
        let options = app_options(options)
            .application_name("lumbung-queries")
            .options([("search_path", name.as_str())]);
        let promised = Arc::new(AtomicI64::new(0));
        let kept = Arc::clone(&promised);
        let pool = PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |connection, _| {
                let promised = kept.load(Ordering::SeqCst);
                Box::pin(async move {
                    let position: i64 =
                        sqlx::query(POSITION).fetch_one(connection).await?.try_get("position")?;
                    if position >= promised { Ok(()) } else { Err(taken_back(position, promised)) }
                })
            })
            .connect_lazy_with(options);
        Self { name, pool, promised }
    }

    /// It has come to `position`, and somebody may have been told.
    pub(crate) fn promise(&self, position: i64) {
        self.promised.fetch_max(position, Ordering::SeqCst);
    }

    #[must_use]
    pub fn name(&self) -> &SchemaName {
        &self.name
    }

    /// Connections whose search path is the schema; statements name its tables alone.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// Transient: the pool tries again until the projector has come there again, or the time of the query is over.
fn taken_back(position: i64, promised: i64) -> sqlx::Error {
    let what = format!("the read models are at {position}, they were at {promised}");
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::WouldBlock, what))
}

/// A node's view of the read models.
pub struct Reader {
    options: PgConnectOptions,
    pool_size: u32,
    target: watch::Sender<SchemaName>,
    progress: Progress,
    look: Notify,
}

impl Reader {
    /// Opens the live schema, which [`crate::prepare`] has made. `pool_size`: connections for queries.
    ///
    /// # Errors
    /// The database fails, or there is no live schema of this software's fingerprint.
    pub async fn open(options: PgConnectOptions, pool_size: u32) -> Result<Arc<Self>, ProjectionError> {
        let listening = listening_pool(&options);
        let name = live(&listening).await?.ok_or_else(no_schema)?;
        let position = checkpoint_of(&listening, &name).await?;
        listening.close().await;
        Ok(Arc::new(Self {
            progress: Progress::new(LiveSchema::open(&options, name.clone(), pool_size), position),
            options,
            pool_size,
            target: watch::Sender::new(name),
            look: Notify::new(),
        }))
    }

    /// The schema to query now; to see what was acknowledged, take the one that [`Freshness::wait_for`] answers.
    #[must_use]
    pub fn live(&self) -> Arc<LiveSchema> {
        self.progress.shown().schema
    }

    /// Waits for positions to become visible to queries.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.progress.freshness()
    }

    /// Who waits on this node.
    pub(crate) fn demand(&self) -> Arc<Demand> {
        Arc::clone(self.progress.demand())
    }

    /// Starts the task that follows flips and, where another node projects, its progress.
    #[must_use]
    pub fn follow(self: &Arc<Self>, stop: Stop) -> JoinHandle<()> {
        let reader = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = stop.raised() => {}
                () = reader.listen() => {}
                () = reader.keep_looking() => {}
            }
        })
    }

    /// The schema that this node should feed; during a flip it is ahead of the one it reads.
    pub(crate) fn target(&self) -> watch::Receiver<SchemaName> {
        self.target.subscribe()
    }

    /// A writer of `schema` committed `position`.
    pub(crate) fn projected(&self, schema: &SchemaName, position: i64) {
        if self.progress.raise(schema, position) {
            return;
        }
        if *self.target.borrow() == *schema && position >= self.progress.position() {
            self.look.notify_one();
        }
    }

    /// A writer of `schema` took over and found its checkpoint there.
    pub(crate) fn loaded(&self, schema: &SchemaName, position: i64) {
        if self.progress.shows(schema) {
            self.progress.correct(schema, self.progress.position(), position);
        } else {
            self.look.notify_one();
        }
    }

    async fn keep_looking(&self) {
        let pool = listening_pool(&self.options);
        loop {
            let pause = match self.look_once(&pool).await {
                Ok(()) if self.progress.shows(&self.target.borrow()) => LOOK_EVERY,
                Ok(()) => LOOK_AGAIN,
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "could not look after the read schema");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = self.look.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Compares with the registry and the checkpoint.
    async fn look_once(&self, pool: &PgPool) -> Result<(), ProjectionError> {
        let registered = live(pool).await?.ok_or_else(no_schema)?;
        self.target.send_if_modified(|target| {
            let moved = *target != registered;
            if moved {
                target.clone_from(&registered);
            }
            moved
        });
        let before = self.progress.position();
        let position = checkpoint_of(pool, &registered).await?;
        if self.progress.shows(&registered) {
            self.progress.correct(&registered, before, position);
        } else if position >= self.progress.position() {
            let schema = LiveSchema::open(&self.options, registered.clone(), self.pool_size);
            if self.progress.move_to(schema, position) {
                info!(schema = %registered, position, "queries move to another read schema");
            }
        }
        Ok(())
    }

    async fn listen(&self) {
        let pool = listening_pool(&self.options);
        loop {
            if let Err(error) = self.listen_once(&pool).await {
                warn!(error = &error as &dyn std::error::Error, "not hearing of projected positions");
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn listen_once(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen_all([PROJECTED, FLIPPED]).await?;
        loop {
            // Whatever was said before, or while the connection was lost, was not heard.
            self.look.notify_one();
            while let Some(said) = listener.try_recv().await? {
                self.hear(&said);
            }
        }
    }

    fn hear(&self, said: &PgNotification) {
        if said.channel() == FLIPPED {
            self.look.notify_one();
        } else if let Some((schema, position)) = said.payload().split_once(' ')
            && let (Ok(schema), Ok(position)) = (schema.parse(), position.parse())
        {
            self.projected(&schema, position);
        }
    }
}

/// The position that a schema shows.
pub(crate) async fn checkpoint_of(
    executor: impl PgExecutor<'_>,
    schema: &SchemaName,
) -> Result<i64, ProjectionError> {
    // The name holds letters, digits and underscores alone.
    let sql = format!("select coalesce(max(position), 0) as position from {schema}.checkpoint");
    Ok(sqlx::query(&sql).fetch_one(executor).await?.try_get("position")?)
}

/// One connection, for what no search path suits.
fn listening_pool(options: &PgConnectOptions) -> PgPool {
    let options = app_options(options).application_name("lumbung-reader");
    PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None).connect_lazy_with(options)
}

fn no_schema() -> ProjectionError {
    ProjectionError::NoReadSchema { fingerprint: fingerprint() }
}
