//! What runs beside the loop: hearing of other nodes, anchoring the log's end, forgetting old answers.

use std::time::Duration;

use chrono::Utc;
use lumbung_journal::{JournalError, app_options, idempotency, read, verify};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::warn;

/// Look at the head this often, in case a notification was lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often old answers are looked for, and how many are forgotten in one transaction.
const FORGET_EVERY: Duration = Duration::from_secs(600);
const FORGOTTEN_AT_ONCE: i64 = 10_000;

/// A look that takes longer goes over a dead connection.
const LOOK_WITHIN: Duration = Duration::from_secs(3);

/// The end of the log as it was heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) position: i64,
    /// Read from the log itself, not announced: if it is behind what is known, the log went back.
    pub(super) looked: bool,
}

/// Hears of commits: by notification, and by looking every second of silence.
pub(super) fn listen(database: &PgConnectOptions, position: i64) -> (watch::Receiver<Heard>, JoinHandle<()>) {
    let (told, elsewhere) = watch::channel(Heard { position, looked: false });
    let options = app_options(database);
    let task = tokio::spawn(async move {
        while !told.is_closed() {
            if let Err(error) = hear(&options, &told).await {
                warn!(error = &error as &dyn std::error::Error, "not hearing of other nodes' commits");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    });
    (elsewhere, task)
}

async fn hear(options: &PgConnectOptions, told: &watch::Sender<Heard>) -> Result<(), JournalError> {
    let pool = PgPoolOptions::new().max_connections(2).connect_with(options.clone()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("lumbung_events").await?;
    let tell = |position: i64, looked: bool| {
        told.send_if_modified(|known| {
            let news = position != known.position;
            *known = Heard { position, looked };
            news
        })
    };
    while !told.is_closed() {
        match tokio::time::timeout(LOOK_EVERY, listener.recv()).await {
            Ok(notification) => {
                if let Ok(position) = notification?.payload().parse() {
                    tell(position, false);
                }
            }
            Err(_) => {
                let lost = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
                let head = tokio::time::timeout(LOOK_WITHIN, read::head(&pool)).await.map_err(lost)??;
                tell(head.position, true);
            }
        }
    }
    Ok(())
}

/// Writes down where the log ends, again and again.
pub(super) fn anchor(pool: PgPool, every: Duration) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = verify::anchor(&pool).await {
                warn!(error = &error as &dyn std::error::Error, "the log's end was not anchored");
            }
        }
    })
}

/// Forgets the answers to Idempotency-Keys that are older than `kept_for`.
pub(super) fn forget_answers(pool: PgPool, kept_for: Duration) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let horizon = Utc::now() - kept_for;
            match idempotency::forget_before(&pool, horizon, FORGOTTEN_AT_ONCE).await {
                // There may be more; short transactions leave room for the appends.
                Ok(forgotten) if forgotten == FORGOTTEN_AT_ONCE.unsigned_abs() => continue,
                Ok(_) => {}
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "old answers were not forgotten")
                }
            }
            tokio::time::sleep(FORGET_EVERY).await;
        }
    })
}
