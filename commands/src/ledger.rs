//! The handle on the ledger: opens it, hands use cases to the loop, and brings the answers back.

mod book;
mod cache;
mod catch_up;
mod draft;
mod lanes;
mod load;
mod meters;
mod opening;
mod relay;
mod snapshots;
mod stats;
mod ticket;
mod turn;
mod upkeep;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use lumbung_domain::{LedgerId, StreamId};
use lumbung_journal::{
    Appender, Feed, Head, JournalError, MasterKey, Vault, app_pool, load_pool, read, verify,
};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::warn;

pub use book::{Book, Halt};
pub use catch_up::CacheCheck;
pub use stats::Counts;
pub use ticket::{Answer, Call, IdempotencyKey, NoAnswer, UseCase};
pub use turn::LoopFailed;

use cache::Cache;
use lanes::{Control, LaneEntrances};
use meters::Ending;
use snapshots::Snapshots;
use stats::Stats;
use ticket::{Pending, Ticket};
use turn::Loop;

/// The business date of an instant: a matter of the configured zone, and of operators who set it.
pub type Calendar = Arc<dyn Fn(DateTime<Utc>) -> NaiveDate + Send + Sync>;

/// What time it is for the ledger: what its events say of when they were recorded. Not below the last one, whatever it says.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How a ledger is run. The defaults are what production uses.
#[derive(Clone)]
pub struct Options {
    pub database: PgConnectOptions,
    pub master_key: MasterKey,
    pub calendar: Calendar,
    /// The system's, unless a history is told.
    pub clock: Clock,
    /// The identity of a ledger that is opened for the first time; drawn if none is given.
    pub new_ledger: Option<LedgerId>,
    /// Connections for whoever else reads the journal; the loop has its own.
    pub pool_size: u32,
    /// Streams held in memory.
    pub cached_streams: usize,
    /// Use cases that may wait; one more is refused.
    pub client_lane: usize,
    pub manager_lane: usize,
    /// The most use cases in one batch.
    pub batch_commands: usize,
    /// A batch that holds so many encoded bytes takes no further use case.
    pub batch_bytes: usize,
    /// How long a caller waits before the outcome counts as unknown.
    pub answer_within: Duration,
    /// How long one sending of a batch may take before its answer counts as lost.
    pub append_within: Duration,
    /// How often the log's end is written down.
    pub anchor_every: Duration,
    /// How long answers to Idempotency-Keys are kept.
    pub keep_answers_for: Duration,
    /// Compare what a batch changed with the log after every so many batches; 0 is never.
    pub sample_every: u64,
    /// The most events that one such comparison folds, while callers wait; what does not fit is passed over.
    pub sample_events: u64,
    /// Write the state of a stream down after so many more events of it; 0 is never.
    pub snapshot_every: u32,
}

impl Options {
    #[must_use]
    pub fn new(database: PgConnectOptions, master_key: MasterKey, calendar: Calendar) -> Self {
        Self {
            database,
            master_key,
            calendar,
            clock: Arc::new(Utc::now),
            new_ledger: None,
            pool_size: 8,
            cached_streams: 200_000,
            client_lane: 4_096,
            manager_lane: 1_024,
            batch_commands: 512,
            batch_bytes: 4 * 1024 * 1024,
            answer_within: Duration::from_secs(10),
            append_within: Duration::from_secs(10),
            anchor_every: Duration::from_secs(60),
            keep_answers_for: Duration::from_secs(7 * 24 * 60 * 60),
            sample_every: 10_000,
            sample_events: 5_000,
            snapshot_every: 500,
        }
    }
}

/// The write side of one node. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    id: LedgerId,
    lanes: LaneEntrances,
    pool: PgPool,
    feed: Arc<Feed>,
    vault: Arc<Vault>,
    stats: Arc<Stats>,
    answer_within: Duration,
}

/// The task that runs the loop. It ends well when every [`Ledger`] is dropped, badly when the log is not what it was.
pub struct LedgerTask {
    run: JoinHandle<Result<(), LoopFailed>>,
    beside: Vec<JoinHandle<()>>,
    pool: PgPool,
}

/// What can carry a use case: the place where a client and a manager differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Client,
    Manager,
}

/// Connections of the loop for loads, beside the one for appends.
const LOADERS: u32 = 2;

impl Ledger {
    /// Opens the ledger on a migrated database and starts its loop.
    ///
    /// # Errors
    /// The database fails, the master key is another one, or the log cannot be read.
    pub async fn open(options: Options) -> Result<(Self, LedgerTask), JournalError> {
        let pool = app_pool(&options.database, options.pool_size).await?;
        // The loop never queues behind readers for a connection.
        let loads = load_pool(&options.database, LOADERS).await?;
        let mut appender = Appender::new(options.database.clone(), options.append_within);
        let id = opening::open(&pool, &mut appender, &options.clock, options.new_ledger).await?;
        let vault = Arc::new(Vault::open(pool.clone(), id, options.master_key.clone()).await?);
        let last = last_record(&pool).await?;
        let feed = Feed::new(pool.clone(), last.0.position);
        let stats = Arc::new(Stats::new());
        let (entrances, lanes, controls) = lanes::lanes(options.client_lane, options.manager_lane);
        let (elsewhere, listener) = upkeep::listen(&options.database, last.0.position);
        let snapshots = Snapshots::new(options.snapshot_every);
        let run = Loop {
            head: last.0,
            time: last.1,
            cache: Cache::new(options.cached_streams),
            pool: loads,
            feed: Arc::clone(&feed),
            lanes,
            controls,
            backlog: VecDeque::new(),
            calendar: options.calendar,
            clock: options.clock,
            ledger: StreamId::of::<lumbung_domain::Ledger>(id),
            stats: Arc::clone(&stats),
            vault: Arc::clone(&vault),
            snapshots: Arc::clone(&snapshots),
            elsewhere,
            sample_every: options.sample_every,
            sample_events: options.sample_events,
            batch_commands: options.batch_commands.max(1),
            batch_bytes: options.batch_bytes,
        };
        let beside = vec![
            listener,
            upkeep::anchor(pool.clone(), options.anchor_every),
            upkeep::forget_answers(pool.clone(), options.keep_answers_for),
            snapshots::writer(&options.database, Arc::clone(&vault), snapshots, Arc::clone(&stats)),
        ];
        let ledger = Self {
            id,
            lanes: entrances,
            pool: pool.clone(),
            feed,
            vault,
            stats,
            answer_within: options.answer_within,
        };
        let task = LedgerTask { run: tokio::spawn(run.run(appender)), beside, pool };
        Ok((ledger, task))
    }

    /// Carries out a use case for a client.
    ///
    /// # Errors
    /// See [`NoAnswer`]. A business rejection is an answer.
    pub async fn execute<U: UseCase>(&self, use_case: U, call: Call) -> Result<Answer<U::Outcome>, NoAnswer> {
        self.execute_in(Lane::Client, use_case, call).await
    }

    /// Carries out a use case in a lane.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub async fn execute_in<U: UseCase>(
        &self,
        lane: Lane,
        use_case: U,
        call: Call,
    ) -> Result<Answer<U::Outcome>, NoAnswer> {
        let started = Instant::now();
        let told = self.ask(lane, use_case, call).await;
        self.stats.meters.command(U::NAME, Ending::of(&told), started.elapsed());
        told
    }

    async fn ask<U: UseCase>(
        &self,
        lane: Lane,
        use_case: U,
        call: Call,
    ) -> Result<Answer<U::Outcome>, NoAnswer> {
        let (ticket, reply) = Pending::issue(use_case, call);
        self.enter(lane, ticket).await?;
        match tokio::time::timeout(self.answer_within, reply).await {
            Ok(Ok(reply)) => reply,
            // The loop is gone or late; the batch may still be on its way.
            Ok(Err(_)) | Err(_) => Err(NoAnswer::OutcomeUnknown),
        }
    }

    async fn enter(&self, lane: Lane, ticket: Box<dyn Ticket>) -> Result<(), NoAnswer> {
        match lane {
            Lane::Client => self.lanes.clients.try_send(ticket).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => NoAnswer::Overloaded,
                mpsc::error::TrySendError::Closed(_) => NoAnswer::OutcomeUnknown,
            }),
            Lane::Manager => self.lanes.managers.send(ticket).await.map_err(|_| NoAnswer::OutcomeUnknown),
        }
    }

    #[must_use]
    pub fn id(&self) -> LedgerId {
        self.id
    }

    #[must_use]
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    #[must_use]
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Application connections for reading the journal.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Use cases that wait in a lane.
    #[must_use]
    pub fn waiting(&self, lane: Lane) -> usize {
        let entrance = match lane {
            Lane::Client => &self.lanes.clients,
            Lane::Manager => &self.lanes.managers,
        };
        entrance.max_capacity() - entrance.capacity()
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        self.stats.counts()
    }

    /// Where the loop stands; `None` once it is gone.
    pub async fn head(&self) -> Option<Head> {
        let (reply, head) = oneshot::channel();
        self.lanes.controls.send(Control::Head(reply)).await.ok()?;
        head.await.ok()
    }

    /// Compares every cached stream with the log; `None` once the loop is gone. Commands wait meanwhile.
    pub async fn check_cache(&self) -> Option<CacheCheck> {
        let (reply, check) = oneshot::channel();
        self.lanes.controls.send(Control::CheckCache(reply)).await.ok()?;
        check.await.ok()
    }
}

impl LedgerTask {
    /// Waits for the loop to end, then writes a last anchor.
    ///
    /// # Errors
    /// The loop stopped because it must not go on.
    pub async fn finished(self) -> Result<(), LoopFailed> {
        let ended = self.run.await;
        for task in &self.beside {
            task.abort();
        }
        match ended {
            Ok(Ok(())) => {
                if let Err(error) = verify::anchor(&self.pool).await {
                    warn!(error = &error as &dyn std::error::Error, "no anchor at the end");
                }
                Ok(())
            }
            Ok(Err(failed)) => Err(failed),
            Err(_) => Err(LoopFailed(JournalError::Malformed { what: "the loop's task: it panicked" })),
        }
    }
}

/// The clock's time as it is stored.
fn now(clock: &Clock) -> DateTime<Utc> {
    let now = clock();
    now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
}

async fn last_record(pool: &PgPool) -> Result<(Head, DateTime<Utc>), JournalError> {
    let head = read::head(pool).await?;
    let last = read::after(pool, head.position - 1, 1).await?;
    Ok(last.first().map_or((head, DateTime::UNIX_EPOCH), |record| (record.head(), record.recorded_at)))
}

/// How long a read of the loop may take before its connection counts as dead.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// Repeats a read while the database is away. The loop has nothing better to do: without the read it cannot decide.
async fn patiently<T, F>(mut read: impl FnMut() -> F) -> Result<T, JournalError>
where
    F: Future<Output = Result<T, JournalError>>,
{
    let mut pause = Duration::from_millis(20);
    loop {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into();
        match tokio::time::timeout(READ_WITHIN, read()).await.unwrap_or_else(|_| Err(lost())) {
            Err(error) if error.is_transient() => {
                warn!(error = &error as &dyn std::error::Error, "the database is away; reading again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            other => return other,
        }
    }
}
