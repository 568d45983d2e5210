//! One node: the write side, the read side, and the tasks that keep them in step.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use lumbung_commands::ledger::{Calendar, LedgerTask, LoopFailed, Options};
use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::settlement::Settlement;
use lumbung_commands::{Call, Ledger, NoAnswer};
use lumbung_journal::{JournalError, MasterKey};
use lumbung_projections::{AccessView, ProjectionError, Projector, Reader, Stop, Stopper};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::error;

use crate::config::Config;
use crate::daily_run::DailyRunProgress;
use crate::metrics;
use crate::secret::SecretKey;

/// How long the parts of a node may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// What runs in this process on one ledger.
pub struct Node {
    pub ledger: Ledger,
    pub reader: Arc<Reader>,
    pub access: Arc<AccessView>,
    pub projector: Projector,
    pub settlement: Settlement,
    pub database: PgConnectOptions,
    /// What the ledger takes for the business date unless an operator set one.
    pub calendar: Calendar,
    /// Of the daily run, once it is started.
    pub daily_run: DailyRunProgress,
    ended: watch::Receiver<Option<Ended>>,
    stopper: Stopper,
    loop_task: JoinHandle<()>,
    reader_task: JoinHandle<()>,
    access_task: JoinHandle<()>,
    metrics_task: JoinHandle<()>,
}

/// Why a node cannot go on by itself; its text is for operators.
pub type Ended = Arc<dyn std::error::Error + Send + Sync>;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("the journal")]
    Journal(#[from] JournalError),
    #[error("the read models")]
    Projections(#[from] ProjectionError),
    #[error("the reference data could not be defined: {0}")]
    Reference(String),
}

/// The business date is the date in the lender's zone.
#[must_use]
pub fn calendar(zone: Tz) -> Calendar {
    Arc::new(move |at: DateTime<Utc>| at.with_timezone(&zone).date_naive())
}

/// The ledger options of this process.
#[must_use]
pub fn ledger_options(database: &PgConnectOptions, master_key: &SecretKey, config: &Config) -> Options {
    let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
    let limits = &config.limits;
    Options {
        cached_streams: size(limits.cached_aggregates),
        client_lane: size(limits.queue_commands),
        batch_commands: size(limits.batch_commands),
        batch_bytes: size(limits.batch_bytes),
        keep_answers_for: Duration::from_secs(limits.idempotency_s),
        snapshot_every: u32::try_from(limits.snapshot_every_events).unwrap_or(u32::MAX),
        ..Options::new(database.clone(), MasterKey::new(*master_key.as_bytes()), calendar(config.zone))
    }
}

impl Node {
    /// Migrates the database, opens the ledger, defines the reference data, starts the projector and the settlement of
    /// transfers. `pool_size`:
    /// connections for queries of the read models.
    ///
    /// # Errors
    /// The database, the keys or the log are not what they must be.
    pub async fn start(options: Options, pool_size: u32) -> Result<Self, NodeError> {
        metrics::install();
        let (database, calendar) = (options.database.clone(), Arc::clone(&options.calendar));
        lumbung_journal::migrate(&database).await?;
        lumbung_projections::prepare(&database).await?;
        let (ledger, task) = Ledger::open(options).await?;
        let reader = Reader::open(database.clone(), pool_size).await?;
        let access = AccessView::new(ledger.pool().clone(), Arc::clone(ledger.feed()));
        let (stopper, stop) = Stopper::new();
        let (end, ended) = watch::channel(None);
        let loop_task = watch_loop(task, end.clone());
        let access_task = follow_access(Arc::clone(&access), stop.clone(), end);
        let reader_task = reader.follow(stop.clone());
        let projector =
            Projector::start(database.clone(), Arc::clone(ledger.feed()), Arc::clone(&reader), stop);
        let settlement = Settlement::start(database.clone(), ledger.clone());
        let node = Self {
            ledger,
            reader,
            access,
            projector,
            settlement,
            database,
            calendar,
            daily_run: DailyRunProgress::default(),
            ended,
            stopper,
            loop_task,
            reader_task,
            access_task,
            metrics_task: metrics::fold(),
        };
        node.define_reference_data().await?;
        Ok(node)
    }

    async fn define_reference_data(&self) -> Result<(), NodeError> {
        let answer = self.ledger.execute(DefineReferenceData, Call::default()).await;
        match answer {
            Ok(answer) => answer.outcome.map_err(|rejection| NodeError::Reference(rejection.to_string())),
            Err(error @ (NoAnswer::Overloaded | NoAnswer::OutcomeUnknown | NoAnswer::Failed)) => {
                Err(NodeError::Reference(error.to_string()))
            }
        }
    }

    /// Says once when the node cannot go on by itself.
    #[must_use]
    pub fn ended(&self) -> watch::Receiver<Option<Ended>> {
        self.ended.clone()
    }

    /// Ends everything in order: commands taken are answered, the projector finishes its batch, the log's end is
    /// anchored. Whoever still holds a clone of the ledger delays it, for at most ten seconds.
    pub async fn stop(self) {
        let Self {
            ledger, reader, projector, settlement, stopper, loop_task, reader_task, access_task, ..
        } = self;
        self.metrics_task.abort();
        settlement.stopped().await;
        stopper.stop();
        drop(ledger);
        projector.stopped().await;
        drop(reader);
        for (name, task) in [("loop", loop_task), ("reader", reader_task), ("access view", access_task)] {
            if tokio::time::timeout(END_WITHIN, task).await.is_err() {
                error!(name, "a part of the node did not end in time");
            }
        }
    }
}

fn watch_loop(task: LedgerTask, end: watch::Sender<Option<Ended>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let ended: Result<(), LoopFailed> = task.finished().await;
        if let Err(failed) = ended {
            end.send_replace(Some(Arc::new(failed)));
        }
    })
}

fn follow_access(access: Arc<AccessView>, stop: Stop, end: watch::Sender<Option<Ended>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        // A task of its own, so that a panic in it is heard of too.
        let following = tokio::spawn(async move { access.follow(&stop).await });
        let ended: Option<Ended> = match following.await {
            Ok(Ok(())) => None,
            Ok(Err(failed)) => Some(Arc::new(failed)),
            Err(panicked) => Some(Arc::new(panicked)),
        };
        if ended.is_some() {
            end.send_replace(ended);
        }
    })
}
