//! The outbox: takes messages from the log to a provider.
//!
//! One node delivers at a time, by an advisory lock; the others stand by. Delivery is at least once: what became of an
//! attempt is noted after it, so a process that dies between the two sends once more and loses nothing.
//!
//! Bounds: [`AT_ONCE`] messages under way, each for at most [`SEND_WITHIN`]; so many attempts per message, further and
//! further apart, then it is parked for an operator. A message whose time is over is dropped and not sent.

mod transport;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use lumbung_commands::ledger::Lane;
use lumbung_commands::message::{Delivery, SettleMessage};
use lumbung_commands::{Answer, Call, Ledger};
use lumbung_domain::{DeliveryFailure, Dropped};
use lumbung_journal::process::pause;
use lumbung_journal::{JournalError, KeyError, Lease, Stop, Stopper};
use lumbung_projections::outbox::{self, Due};
use lumbung_projections::{Behind, Freshness, ReadError};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{error, info, warn};

use crate::app::App;
use crate::config::Config;
pub use transport::Transport;

/// What its lease is called, and its events name it by.
const PROCESS: &str = "outbox";

const AT_ONCE: u32 = 8;
const SEND_WITHIN: Duration = Duration::from_secs(30);
/// How often the outbox is looked at when nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a node that stands by asks for the lock, and the pause after trouble.
const STANDBY: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// How long the reads may take to show what was noted last.
const PROJECTED_WITHIN: Duration = Duration::from_secs(10);
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The running task.
pub struct Outbox {
    task: JoinHandle<()>,
    stopper: Stopper,
}

/// Trouble that passes; the messages stay where they are.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("the read models")]
    Read(#[from] ReadError),
    #[error("the reads are behind")]
    Behind(#[from] Behind),
    #[error("the database")]
    Database(#[from] sqlx::Error),
}

struct Shift {
    database: PgConnectOptions,
    desk: Desk,
    freshness: Freshness,
    bell: Arc<Notify>,
    stop: Stop,
}

/// What one delivery needs.
#[derive(Clone)]
struct Desk {
    ledger: Ledger,
    transport: Transport,
    attempts: u64,
    first_pause: Duration,
}

impl Outbox {
    /// Starts the task. `None` if messages get nowhere: production without a mail server.
    ///
    /// # Errors
    /// The settings of the mail server make no sense to its client.
    pub fn start(
        config: &Config,
        database: &PgConnectOptions,
        app: &App,
    ) -> Result<Option<Self>, lettre::transport::smtp::Error> {
        let Some(transport) = Transport::of(config)? else { return Ok(None) };
        let (stopper, stop) = Stopper::new();
        let desk = Desk {
            ledger: app.ledger.clone(),
            transport,
            attempts: config.limits.mail_attempts,
            first_pause: Duration::from_millis(config.limits.mail_retry_ms),
        };
        let shift = Shift {
            database: database.clone(),
            desk,
            freshness: app.freshness.clone(),
            bell: Arc::clone(&app.outbox_bell),
            stop,
        };
        Ok(Some(Self { task: tokio::spawn(shift.work()), stopper }))
    }

    /// Lets the messages under way be settled, for at most five seconds.
    pub async fn stop(self) {
        self.stopper.stop();
        let task = self.task.abort_handle();
        if tokio::time::timeout(STOP_WITHIN, self.task).await.is_err() {
            task.abort();
            warn!("the outbox did not end in time; what it had begun is sent again");
        }
    }
}

impl Shift {
    async fn work(self) {
        while !self.stop.is_raised() {
            match Lease::take(&self.database, PROCESS).await {
                Ok(Some(mut lease)) => {
                    info!("delivering messages");
                    if let Err(error) = self.deliver(&mut lease).await {
                        warn!(
                            error = &error as &dyn std::error::Error,
                            "delivering messages was interrupted"
                        );
                    }
                    lease.give_back().await;
                }
                Ok(None) => {}
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "the outbox waits for the database");
                }
            }
            self.rest(STANDBY).await;
        }
    }

    /// Until the task is told to stop, or something is amiss.
    async fn deliver(&self, lease: &mut Lease) -> Result<(), Interrupted> {
        let mut shown = self.desk.ledger.feed().reached();
        while !self.stop.is_raised() {
            // A read that does not show what was settled would have it sent again.
            let read = self.freshness.wait_for(shown, PROJECTED_WITHIN).await?.schema;
            lease.check().await?;
            let due = outbox::due(&read, Utc::now(), AT_ONCE).await?;
            if due.is_empty() {
                tokio::select! {
                    () = self.bell.notified() => shown = self.desk.ledger.feed().reached(),
                    () = self.rest(LOOK_EVERY) => {}
                }
                continue;
            }
            let mut under_way = JoinSet::new();
            for message in due {
                let (desk, stop) = (self.desk.clone(), self.stop.clone());
                under_way.spawn(async move { desk.handle(message, &stop).await });
            }
            let mut all_settled = true;
            while let Some(settled) = under_way.join_next().await {
                // A panic leaves the message where it was.
                let position = settled.ok().flatten();
                all_settled &= position.is_some();
                shown = shown.max(position.unwrap_or(shown));
            }
            if !all_settled {
                self.rest(STANDBY).await;
            }
        }
        Ok(())
    }

    async fn rest(&self, pause: Duration) {
        let _ = tokio::time::timeout(pause, self.stop.raised()).await;
    }
}

impl Desk {
    /// Sends one message and notes what became of it; answers where that stands in the log.
    async fn handle(&self, due: Due, stop: &Stop) -> Option<i64> {
        let delivery = self.attempt(&due).await?;
        loop {
            let settle = SettleMessage { message: due.message, delivery };
            let call = Call { metadata: vec![("process_manager", PROCESS.to_owned())], key: None };
            match self.ledger.execute_in(Lane::Manager, settle, call).await {
                Ok(Answer { position, .. }) => return Some(position),
                Err(why) if !stop.is_raised() => {
                    warn!(
                        error = &why as &dyn std::error::Error,
                        "a delivery could not be noted; trying again"
                    );
                    let _ = tokio::time::timeout(STANDBY, stop.raised()).await;
                }
                Err(_) => return None,
            }
        }
    }

    /// `None` if it is not known whether there is anything to deliver.
    async fn attempt(&self, due: &Due) -> Option<Delivery> {
        if due.expires_at.is_some_and(|end| end <= Utc::now()) {
            return Some(Delivery::Dropped(Dropped::Expired));
        }
        let letter = match self.ledger.vault().opener([due.content.ciphertext()]).await {
            Ok(opener) => opener.open_of(due.recipient.0, &due.content).map_err(JournalError::from),
            Err(error) => Err(error),
        };
        let letter = match letter {
            Ok(letter) => letter,
            Err(JournalError::Keys(KeyError::Erased)) => return Some(Delivery::Dropped(Dropped::Erased)),
            Err(error) if error.is_transient() => return None,
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, id = %due.message, "a message cannot be opened");
                return Some(Delivery::Failed { because: DeliveryFailure::Refused, retry_at: None });
            }
        };
        let sent = tokio::time::timeout(SEND_WITHIN, self.transport.send(&letter, due.message)).await;
        match sent.unwrap_or(Err(DeliveryFailure::Unreachable)) {
            Ok(()) => Some(Delivery::Sent),
            Err(because) => {
                let attempt = due.attempts.saturating_add(1);
                let again = because != DeliveryFailure::Refused && u64::from(attempt) < self.attempts;
                let retry_at = again.then(|| Utc::now() + pause(self.first_pause, attempt, LONGEST_PAUSE));
                let reason: &str = because.into();
                warn!(id = %due.message, attempt, reason, parked = !again, "a message was not delivered");
                Some(Delivery::Failed { because, retry_at })
            }
        }
    }
}
