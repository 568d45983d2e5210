//! Closes the days of all loans up to the business date: a process manager.
//!
//! It finds the loans that have days to close in the read models, which may be behind, and asks the ledger to close them. Which days
//! are still to be closed is decided there, on the loan itself, each (loan, day) once for ever. So it keeps nothing: a node
//! that dies in the middle leaves loans that are closed and loans that are not, and the next look finds the latter, however many
//! days were missed. A business date that jumps ahead means many days, one that goes back means none.
//!
//! Bounds: one node works at a time, for economy alone (a lease); no more days are asked for at once, in the managers' lane, than
//! customers can bear ([`pace`]); [`resting::MOST`] loans that cannot be closed are remembered, to be tried again later and later.

mod pace;
mod progress;
mod resting;
mod round;

use std::sync::Arc;
use std::time::Duration;

use lumbung_commands::ledger::Calendar;
use lumbung_commands::{Ledger, NoAnswer};
use lumbung_journal::{JournalError, Lease, process};
use lumbung_projections::{AccessView, Freshness, ReadError, Stopper};
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{error, info, warn};

pub use progress::{DailyRunCounts, DailyRunProgress, DailyRunState, Failing, Run};

use crate::business_date::BusinessDay;
use crate::config::Config;
use crate::node::Node;
use resting::Resting;

/// What its lease is called and its events name it by.
pub const PROCESS: &str = "daily-run";

/// How often one looks whether it is another day: a look-up in memory.
const DAY_LOOK: Duration = Duration::from_millis(100);
/// After trouble with the database or the ledger.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Settings {
    /// The pause between two looks for loans on the same day.
    pub look_every: Duration,
    /// The most days of loans that are asked for at once; a loan that alone has more is asked for alone.
    pub days_at_once: u64,
    /// The pause after a loan's first failure; it doubles with each further one.
    pub retry: Duration,
}

impl Settings {
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            look_every: Duration::from_secs(config.limits.daily_run_look_s),
            days_at_once: config.limits.daily_run_days_at_once,
            retry: Duration::from_millis(config.limits.daily_run_retry_ms),
        }
    }
}

/// A round was broken off; the next one goes on.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("the business date could not be read")]
    Journal(#[from] JournalError),
    #[error("the loans with days to close could not be read")]
    Read(#[from] ReadError),
    #[error("the ledger gave no answer")]
    Ledger(#[from] NoAnswer),
}

/// Closes the days of loans.
pub struct DailyRun {
    database: PgConnectOptions,
    ledger: Ledger,
    access: Arc<AccessView>,
    freshness: Freshness,
    calendar: Calendar,
    progress: DailyRunProgress,
    settings: Settings,
}

/// The running task of a node.
pub struct Running {
    task: JoinHandle<()>,
    stopper: Stopper,
}

impl DailyRun {
    #[must_use]
    pub fn new(node: &Node, settings: Settings) -> Self {
        Self {
            database: node.database.clone(),
            ledger: node.ledger.clone(),
            access: Arc::clone(&node.access),
            freshness: node.reader.freshness(),
            calendar: Arc::clone(&node.calendar),
            progress: node.daily_run.clone(),
            settings,
        }
    }

    /// Starts with a round, so whatever was missed while nobody ran is done first.
    #[must_use]
    pub fn start(self) -> Running {
        let (stopper, stop) = Stopper::new();
        let progress = self.progress.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = stop.raised() => {}
                () = self.work() => {}
            }
            progress.standby();
        });
        Running { task, stopper }
    }

    /// Works whenever it is this node's turn.
    async fn work(&self) {
        let mut attempt = 0;
        loop {
            let ended = match Lease::wait(&self.database, PROCESS).await {
                Ok(mut lease) => {
                    info!("closing the days of loans");
                    let ended = self.hold(&mut lease, &mut attempt).await;
                    lease.give_back().await;
                    ended
                }
                Err(error) => error.into(),
            };
            self.progress.standby();
            warn!(error = &ended as &dyn std::error::Error, "the daily run was interrupted; trying again");
            attempt += 1;
            tokio::time::sleep(process::pause(SHORTEST_PAUSE, attempt, LONGEST_PAUSE)).await;
        }
    }

    /// Goes on for as long as nothing is amiss. Answers what was.
    async fn hold(&self, lease: &mut Lease, attempt: &mut u32) -> Interrupted {
        let mut resting = Resting::new(self.settings.retry);
        loop {
            let looked = async {
                lease.check().await?;
                let day = self.today().await?;
                Ok((day, self.round(day, lease, &mut resting).await?))
            };
            let (day, position) = match looked.await {
                Ok(looked) => looked,
                Err(interrupted) => return interrupted,
            };
            *attempt = 0;
            self.progress.idle();
            if let Err(error) = self.rest(day, position, &resting).await {
                return error.into();
            }
        }
    }

    async fn today(&self) -> Result<BusinessDay, JournalError> {
        BusinessDay::now(&self.access, self.ledger.id(), &self.calendar).await
    }

    /// Until it is another day, or time to look again. What was closed must not be found again, so for that the read models have to
    /// show it, however long they take.
    async fn rest(&self, day: BusinessDay, position: i64, resting: &Resting) -> Result<(), JournalError> {
        let next_look = Instant::now() + self.settings.look_every;
        let look_at = resting.next_at().map_or(next_look, |next| next.min(next_look));
        loop {
            let now = Instant::now();
            let is_time = now >= look_at && self.freshness.projected() >= position;
            if is_time || self.today().await? != day {
                return Ok(());
            }
            let pause = if now < look_at { DAY_LOOK.min(look_at - now) } else { DAY_LOOK };
            tokio::time::sleep(pause).await;
        }
    }
}

impl Running {
    /// Ends the task where it stands, as the end of its process would.
    pub fn abandon(self) {
        self.task.abort();
    }

    /// Ends the task. Days that were asked for are still closed.
    pub async fn stopped(self) {
        self.stopper.stop();
        if let Err(panic) = self.task.await {
            error!(error = &panic as &dyn std::error::Error, "the daily run did not end well");
        }
    }
}
