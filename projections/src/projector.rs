//! The projector: one task per node that folds committed events into the live read schema.
//!
//! Bounds: [`BATCH_FACTS`] events per transaction, about; one projector per schema writes, the others stand by and
//! take over when its connection ends. Order: by position, without gaps; rows, checkpoint and notification are one
//! transaction. What the database refuses for good halts the projector, loudly, and never the write side; what is
//! transient is tried again with growing pauses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lumbung_journal::{Facts, Feed, JournalError};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::checkpoint::SchemaWriter;
use crate::error::{ProjectionError, chain};
use crate::freshness::Demand;
use crate::reader::Reader;
use crate::schema::SchemaName;
use lumbung_journal::Stop;

/// How many events a transaction takes, about: whole batches of the ledger loop.
pub const BATCH_FACTS: usize = 4_096;

/// While nobody on this node waits for a position, transactions begin at least so far apart: a few large ones take far less of
/// the database than many small ones. Readers on other nodes see events later by so much.
const PACE: Duration = Duration::from_millis(10);
/// With so many events at hand nothing is gained by waiting for more.
const ENOUGH_FACTS: usize = 1_024;

/// How often a standby asks for the lock.
const STANDBY_PAUSE: Duration = Duration::from_millis(500);
/// How often an idle projector makes sure that it still holds the lock.
const IDLE_CHECK: Duration = Duration::from_secs(1);
/// How long the batch at hand may take once the task was asked to end.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long a halted projector waits before it looks whether someone has acted.
const HALTED_PAUSE: Duration = Duration::from_secs(30);
/// How long one transaction may take; a batch takes milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a node's projector does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectorState {
    /// Another process feeds the schema, or the database is away.
    Standby,
    /// It feeds the schema and has projected `position`.
    Running { position: i64 },
    /// The event at `position` cannot be projected; an operator must act. It is tried again every half
    /// minute, and at once after a flip to another schema.
    Halted { position: i64, reason: String },
}

/// The running task.
pub struct Projector {
    task: JoinHandle<()>,
    state: watch::Receiver<ProjectorState>,
}

impl Projector {
    /// Starts the task. It follows `feed` and writes the schema that `reader` says, until `stop` is raised.
    #[must_use]
    pub fn start(options: PgConnectOptions, feed: Arc<Feed>, reader: Arc<Reader>, stop: Stop) -> Self {
        let (sender, state) = watch::channel(ProjectorState::Standby);
        let (target, demand) = (reader.target(), reader.demand());
        let shift = Shift { options, feed, reader, demand, target, state: sender, stop };
        Self { task: tokio::spawn(shift.work()), state }
    }

    /// Its state, for health and metrics.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ProjectorState> {
        self.state.clone()
    }

    /// Waits for the task to end after its stop was raised: when its batch is committed, or 5 seconds later.
    pub async fn stopped(self) {
        if let Err(panic) = self.task.await {
            error!(error = &panic as &dyn std::error::Error, "the projector did not end well");
        }
    }
}

/// Why the task leaves a schema.
enum Leave {
    Stop,
    Moved,
}

/// The event that cannot be projected, if it is one, and why.
struct Failure {
    position: Option<i64>,
    error: ProjectionError,
}

impl From<ProjectionError> for Failure {
    fn from(error: ProjectionError) -> Self {
        let position = match &error {
            ProjectionError::Journal(JournalError::Undecodable(event)) => Some(event.position),
            _ => None,
        };
        Self { position, error }
    }
}

struct Shift {
    options: PgConnectOptions,
    feed: Arc<Feed>,
    reader: Arc<Reader>,
    demand: Arc<Demand>,
    target: watch::Receiver<SchemaName>,
    state: watch::Sender<ProjectorState>,
    stop: Stop,
}

impl Shift {
    async fn work(mut self) {
        let mut pause = SHORTEST_PAUSE;
        let stop = self.stop.clone();
        loop {
            let schema = self.target.borrow_and_update().clone();
            let served = tokio::select! {
                served = self.serve(&schema, &mut pause) => served,
                // A database that does not answer must not hold up the end; the batch is rolled back and comes again.
                () = end_of_patience(&stop) => return,
            };
            let failure = match served {
                Ok(Leave::Stop) => return,
                Ok(Leave::Moved) => continue,
                Err(failure) => failure,
            };
            let left = if failure.error.is_transient() {
                warn!(error = chain(&failure.error), %schema, "projecting was interrupted; trying again");
                self.state.send_replace(ProjectorState::Standby);
                let left = self.rest(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                left
            } else {
                self.halt(&schema, &failure);
                // Whatever an operator mended is found out without a restart.
                self.rest(HALTED_PAUSE).await
            };
            if matches!(left, Some(Leave::Stop)) {
                return;
            }
        }
    }

    fn halt(&self, schema: &SchemaName, failure: &Failure) {
        let position = failure.position.unwrap_or_else(|| match &*self.state.borrow() {
            ProjectorState::Running { position } => position + 1,
            ProjectorState::Standby | ProjectorState::Halted { .. } => 0,
        });
        let error = &failure.error as &dyn std::error::Error;
        error!(error, position, %schema, "the projector halted; reads stay as they are until someone acts");
        self.state.send_replace(ProjectorState::Halted { position, reason: chain(&failure.error) });
    }

    /// Feeds one schema until it must leave it.
    async fn serve(&mut self, schema: &SchemaName, pause: &mut Duration) -> Result<Leave, Failure> {
        let mut writer = loop {
            if let Some(writer) = in_time(SchemaWriter::open(&self.options, schema)).await? {
                break writer;
            }
            self.state.send_replace(ProjectorState::Standby);
            if let Some(leave) = self.rest(STANDBY_PAUSE).await {
                return Ok(leave);
            }
        };
        info!(%schema, position = writer.position(), "projecting");
        self.reader.loaded(schema, writer.position());
        self.state.send_replace(ProjectorState::Running { position: writer.position() });
        let mut woken = self.feed.watch();
        loop {
            if let Some(leave) = self.must_leave() {
                writer.close().await;
                return Ok(leave);
            }
            woken.mark_unchanged();
            let batches =
                self.feed.after(writer.position(), BATCH_FACTS).await.map_err(ProjectionError::Journal)?;
            if batches.iter().all(|batch| batch.is_empty()) {
                self.idle(&mut writer, &mut woken).await?;
                continue;
            }
            let begun = Instant::now();
            in_time(project(&mut writer, &batches)).await?;
            *pause = SHORTEST_PAUSE;
            self.reader.projected(schema, writer.position());
            self.state.send_replace(ProjectorState::Running { position: writer.position() });
            if batches.iter().map(|batch| batch.len()).sum::<usize>() < ENOUGH_FACTS {
                self.gather(begun + PACE).await;
            }
        }
    }

    /// Lets events come together until then, or until somebody waits.
    async fn gather(&mut self, until: Instant) {
        tokio::select! {
            () = self.demand.arises() => {}
            () = tokio::time::sleep_until(until.into()) => {}
            _ = self.target.changed() => self.target.mark_changed(),
            () = self.stop.raised() => {}
        }
    }

    async fn idle(
        &mut self,
        writer: &mut SchemaWriter,
        woken: &mut watch::Receiver<i64>,
    ) -> Result<(), ProjectionError> {
        tokio::select! {
            // An error means that the feed is gone, and the node with it.
            changed = woken.changed() => if changed.is_err() { self.stop.raised().await },
            _ = self.target.changed() => self.target.mark_changed(),
            () = self.stop.raised() => {}
            () = tokio::time::sleep(IDLE_CHECK) => in_time(writer.ping()).await?,
        }
        Ok(())
    }

    fn must_leave(&self) -> Option<Leave> {
        if self.stop.is_raised() {
            return Some(Leave::Stop);
        }
        self.target.has_changed().unwrap_or(true).then_some(Leave::Moved)
    }

    async fn leave(&mut self) -> Leave {
        tokio::select! {
            () = self.stop.raised() => Leave::Stop,
            _ = self.target.changed() => {
                self.target.mark_changed();
                Leave::Moved
            }
        }
    }

    async fn rest(&mut self, pause: Duration) -> Option<Leave> {
        tokio::time::timeout(pause, self.leave()).await.ok()
    }
}

async fn end_of_patience(stop: &Stop) {
    stop.raised().await;
    tokio::time::sleep(STOP_PATIENCE).await;
}

/// A dead connection says nothing for a quarter of an hour; this is how long its silence is believed to be work.
async fn in_time<T, E: From<ProjectionError>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let silent = || ProjectionError::Database(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    tokio::time::timeout(ANSWER_WITHIN, work).await.unwrap_or_else(|_| Err(silent().into()))
}

/// Projects everything in one transaction. If it cannot be, one event at a time, to find out which one it is.
async fn project(writer: &mut SchemaWriter, batches: &[Facts]) -> Result<(), Failure> {
    let facts = || batches.iter().flat_map(|batch| batch.iter());
    let Err(error) = writer.write(facts()).await else { return Ok(()) };
    if error.is_transient() {
        return Err(error.into());
    }
    for fact in facts() {
        writer.write([fact]).await.map_err(|error| Failure { position: Some(fact.position), error })?;
    }
    Ok(())
}
