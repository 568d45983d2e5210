//! Gives up loan applications that nobody decides on: a process manager.
//!
//! It finds them in the read models, which may be behind, and asks the ledger to expire each. Whether one really waited
//! too long is decided there, on the loan itself, so neither a late node nor two at once can expire a decided loan,
//! and one that was missed is found in the next round. Nothing of it is kept, so nothing is lost when a node dies.
//!
//! Bounds: one node works at a time, for economy alone (an advisory lock); [`UNDER_WAY`] use cases wait in the managers'
//! lane; between two rounds there is a pause.

use std::time::Duration;

use chrono::{Days, Utc};
use lumbung_commands::ledger::{Calendar, Lane};
use lumbung_commands::loan::ExpireLoan;
use lumbung_commands::{Call, Ledger, NoAnswer};
use lumbung_domain::LoanNumber;
use lumbung_projections::approval_queue::forgotten;
use lumbung_projections::{Freshness, Limit, ReadError, Stopper};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{debug, error, info, warn};

use crate::config::Config;
use crate::node::{Node, calendar};

/// How many use cases are asked for at once.
const UNDER_WAY: u16 = 64;
const MY_TURN: &str = "select pg_try_advisory_xact_lock(5492311)";

/// When an application is given up, and how often one looks.
#[derive(Clone)]
pub struct Settings {
    /// Whole business days without a decision.
    pub after_days: u32,
    /// The pause between two rounds.
    pub look_every: Duration,
    /// The ledger's own.
    pub calendar: Calendar,
}

impl Settings {
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            after_days: u32::try_from(config.limits.application_expiry_days).unwrap_or(u32::MAX),
            look_every: Duration::from_secs(config.limits.application_expiry_look_s),
            calendar: calendar(config.zone),
        }
    }
}

/// A round was broken off; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("the forgotten applications could not be read")]
    Read(#[from] ReadError),
    #[error("the ledger gave no answer")]
    Ledger(#[from] NoAnswer),
}

/// Looks for forgotten applications and has them expired.
#[derive(Clone)]
pub struct Expiry {
    ledger: Ledger,
    freshness: Freshness,
    settings: Settings,
}

/// The running task of a node.
pub struct Running {
    task: JoinHandle<()>,
    stopper: Stopper,
}

impl Expiry {
    #[must_use]
    pub fn new(node: &Node, settings: Settings) -> Self {
        Self { ledger: node.ledger.clone(), freshness: node.reader.freshness(), settings }
    }

    /// Starts with a round, so whatever was due while nobody ran is done first.
    #[must_use]
    pub fn start(self) -> Running {
        let (stopper, stop) = Stopper::new();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = stop.raised() => {}
                () = self.keep_looking() => {}
            }
        });
        Running { task, stopper }
    }

    async fn keep_looking(&self) {
        loop {
            match self.round().await {
                Ok(0) => {}
                Ok(expired) => info!(expired, "loan applications expired without a decision"),
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "a round of expiry was broken off");
                }
            }
            tokio::time::sleep(self.settings.look_every).await;
        }
    }

    /// Expires whatever is due, unless another node is at it. Answers how many applications this round expired.
    ///
    /// # Errors
    /// Something failed for now; what was expired before stays so.
    pub async fn round(&self) -> Result<u64, RoundError> {
        // The lock lasts as long as the transaction, however the round ends.
        let mut turn = self.ledger.pool().begin().await?;
        if !sqlx::query_scalar::<_, bool>(MY_TURN).fetch_one(&mut *turn).await? {
            return Ok(0);
        }
        let expired = self.expire_all().await;
        turn.rollback().await?;
        expired
    }

    async fn expire_all(&self) -> Result<u64, RoundError> {
        let today = (self.settings.calendar)(Utc::now());
        let Some(day) = today.checked_sub_days(Days::new(self.settings.after_days.into())) else {
            return Ok(0);
        };
        let limit = Limit::new(UNDER_WAY.into()).unwrap_or(Limit::MAX);
        let read = self.freshness.shown().schema;
        let (mut expired, mut after) = (0, None);
        loop {
            let page = forgotten(&read, day, limit, after).await?;
            let mut asked = JoinSet::new();
            for found in &page {
                asked.spawn(self.clone().expire(found.loan));
            }
            while let Some(answer) = asked.join_next().await {
                // A panic is the loop's to catch; what is left is a task that was ended with its runtime.
                expired += u64::from(answer.unwrap_or(Err(NoAnswer::OutcomeUnknown))?);
            }
            after = page.last().copied();
            if page.len() < usize::from(UNDER_WAY) {
                return Ok(expired);
            }
        }
    }

    async fn expire(self, loan: LoanNumber) -> Result<bool, NoAnswer> {
        let use_case = ExpireLoan { loan, after_days: self.settings.after_days };
        let call = Call { metadata: vec![("process", "expiry".to_owned())], key: None };
        let answer = self.ledger.execute_in(Lane::Manager, use_case, call).await?;
        if let Err(rejection) = &answer.outcome {
            debug!(%loan, code = rejection.code(), "an application did not expire after all");
        }
        Ok(answer.outcome.is_ok())
    }
}

impl Running {
    /// Ends the task. A use case that was asked for is still decided.
    pub async fn stopped(self) {
        self.stopper.stop();
        if let Err(panic) = self.task.await {
            error!(error = &panic as &dyn std::error::Error, "the expiry of applications did not end well");
        }
    }
}
