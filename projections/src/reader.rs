//! Which read schema this node's queries look at.
//!
//! A flip moves a node in two steps. First its projector is told the new schema ([`Reader::target`]); only when that
//! schema shows at least what the node has shown before, queries move over. So no client ever sees a position fall
//! because of a rebuild.
//!
//! Bounds: one pool of the size given, and one connection that listens.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use lumbung_journal::app_options;
use sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPool, PgPoolOptions};
use sqlx::{PgExecutor, Row};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::checkpoint::PROJECTED;
use crate::error::ProjectionError;
use crate::freshness::{Freshness, Progress};
use crate::read_models::fingerprint;
use crate::schema::{FLIPPED, SchemaName, live};
use crate::stop::Stop;

/// The safety net under the notifications.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While the new schema of a flip catches up.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// A read schema and the connections that see it. One request takes it once, so all its queries see one schema.
#[derive(Debug)]
pub struct LiveSchema {
    name: SchemaName,
    pool: PgPool,
}

impl LiveSchema {
    fn open(options: &PgConnectOptions, name: SchemaName, size: u32) -> Self {
        let options = app_options(options).options([("search_path", name.as_str())]);
        let pool = PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy_with(options);
        Self { name, pool }
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

/// A node's view of the read models.
pub struct Reader {
    options: PgConnectOptions,
    pool_size: u32,
    live: ArcSwap<LiveSchema>,
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
            live: ArcSwap::from_pointee(LiveSchema::open(&options, name.clone(), pool_size)),
            options,
            pool_size,
            target: watch::Sender::new(name),
            progress: Progress::new(position),
            look: Notify::new(),
        }))
    }

    /// The schema to query.
    #[must_use]
    pub fn live(&self) -> Arc<LiveSchema> {
        self.live.load_full()
    }

    /// Waits for positions to become visible to queries.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.progress.freshness()
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
        if self.live.load().name == *schema {
            self.progress.raise(position);
        } else if *self.target.borrow() == *schema && position >= self.progress.get() {
            self.look.notify_one();
        }
    }

    /// A writer of `schema` took over and found its checkpoint there.
    pub(crate) fn loaded(&self, schema: &SchemaName, position: i64) {
        if self.live.load().name == *schema {
            self.progress.correct(self.progress.get(), position);
        } else {
            self.look.notify_one();
        }
    }

    async fn keep_looking(&self) {
        let pool = listening_pool(&self.options);
        loop {
            let pause = match self.look_once(&pool).await {
                Ok(()) if *self.target.borrow() == self.live.load().name => LOOK_EVERY,
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
        let before = self.progress.get();
        let position = checkpoint_of(pool, &registered).await?;
        if self.live.load().name == registered {
            self.progress.correct(before, position);
        } else if position >= self.progress.get() {
            info!(schema = %registered, position, "queries move to another read schema");
            self.live.store(Arc::new(LiveSchema::open(&self.options, registered, self.pool_size)));
            self.progress.raise(position);
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
