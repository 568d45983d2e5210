//! What process managers share: the lease that says whose turn it is, how far they have finished, and how they wait.
//!
//! None of it is needed to be right. Two nodes that hold a lease at once, or a checkpoint that is behind, mean that something
//! is asked for twice; the ledger does it once.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool, Row};

use crate::database::app_options;

/// A node that stands by asks for the lease soon, and then twice a second.
const SOON: Duration = Duration::from_millis(20);
const STANDBY: Duration = Duration::from_millis(500);
/// A holder's connection that says nothing for so long is dead.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Advisory locks are per database, so two ledgers of one cluster do not meet.
const LOCK: &str = "select pg_try_advisory_lock(hashtextextended('lumbung-' || $1, 0)) as locked";

/// The right to do a process manager's work, while its connection stands. A node that dies gives it back.
pub struct Lease(PgConnection);

impl Lease {
    /// `None` while another node has it.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn take(options: &PgConnectOptions, process: &str) -> Result<Option<Self>, sqlx::Error> {
        let mut connection = connect(options, process).await?;
        if locked(&mut connection, process).await? {
            return Ok(Some(Self(connection)));
        }
        connection.close().await?;
        Ok(None)
    }

    /// Stands by until it is had, asking twice a second on one connection in the end.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn wait(options: &PgConnectOptions, process: &str) -> Result<Self, sqlx::Error> {
        let mut connection = connect(options, process).await?;
        // Asked for again and again: a statement that blocks would hold a snapshot, and with it the vacuum.
        let mut pause = SOON;
        while !in_time(locked(&mut connection, process)).await? {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(STANDBY);
        }
        Ok(Self(connection))
    }

    /// # Errors
    /// The connection is gone, and the lease with it.
    pub async fn check(&mut self) -> Result<(), sqlx::Error> {
        in_time(self.0.ping()).await
    }

    pub async fn give_back(self) {
        // A connection that fails to close is closed all the same.
        drop(in_time(self.0.close()).await);
    }
}

async fn connect(options: &PgConnectOptions, process: &str) -> Result<PgConnection, sqlx::Error> {
    let options = app_options(options).application_name(&format!("lumbung-{process}")).options([
        // A node whose machine is gone must not hold the lock for hours.
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ]);
    PgConnection::connect_with(&options).await
}

async fn locked(connection: &mut PgConnection, process: &str) -> Result<bool, sqlx::Error> {
    sqlx::query(LOCK).bind(process).fetch_one(connection).await?.try_get("locked")
}

async fn in_time<T>(asking: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let silent = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(ANSWERS_WITHIN, asking).await.unwrap_or_else(|_| Err(silent()))
}

/// Up to where a process manager has finished everything. One that never noted anything begins at 0, and from then on what
/// it is answered is kept for it.
///
/// # Errors
/// The database fails.
pub async fn checkpoint(pool: &PgPool, process: &str) -> Result<i64, sqlx::Error> {
    sqlx::query(
        "insert into journal.process_checkpoints (process, position) values ($1, 0) on conflict do nothing",
    )
    .bind(process)
    .execute(pool)
    .await?;
    sqlx::query("select max(position) as position from journal.process_checkpoints where process = $1")
        .bind(process)
        .fetch_one(pool)
        .await?
        .try_get("position")
}

/// Up to where a process manager has noted that it finished everything; 0 if it never did. Notes nothing.
///
/// # Errors
/// The database fails.
pub async fn noted(pool: &PgPool, process: &str) -> Result<i64, sqlx::Error> {
    sqlx::query(
        "select coalesce(max(position), 0) as position from journal.process_checkpoints where process = $1",
    )
    .bind(process)
    .fetch_one(pool)
    .await?
    .try_get("position")
}

/// Notes that a process manager has finished everything up to `position`. A note that falls behind another one is of no account.
///
/// # Errors
/// The database fails.
pub async fn note_checkpoint(pool: &PgPool, process: &str, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into journal.process_checkpoints (process, position) values ($1, $2) on conflict do nothing",
    )
    .bind(process)
    .bind(position)
    .execute(pool)
    .await?;
    // The one at 0 stays: whoever comes first puts it there again.
    sqlx::query(
        "delete from journal.process_checkpoints where process = $1 and position > 0 and position < (
             select max(position) from journal.process_checkpoints where process = $1)",
    )
    .bind(process)
    .execute(pool)
    .await?;
    Ok(())
}

/// How long to wait after the `attempt`th failure in a row, counted from 1: twice as long each time, up to `longest`, and by
/// chance up to a half longer, so that what failed together does not come back together.
#[must_use]
pub fn pause(first: Duration, attempt: u32, longest: Duration) -> Duration {
    let pause = first.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(longest);
    let mut chance = [0; 1];
    // Without random numbers they come back together.
    let _ = getrandom::fill(&mut chance);
    pause + pause / 2 * u32::from(chance[0]) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest() {
        let (first, longest) = (Duration::from_secs(5), Duration::from_secs(900));
        for (attempt, seconds) in [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (100, 900)] {
            for _ in 0..50 {
                let pause = pause(first, attempt, longest);
                let shortest = Duration::from_secs(seconds);
                assert!(pause >= shortest && pause <= shortest * 3 / 2, "{attempt}: {pause:?}");
            }
        }
    }
}
