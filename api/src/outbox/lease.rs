//! Which node delivers: the one that holds the lock. It goes with the connection, so a node that dies gives it back.

use lumbung_journal::app_options;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row};

/// Advisory locks are per database, so two ledgers of one cluster do not meet.
const LOCK: &str = "select pg_try_advisory_lock(hashtextextended('lumbung-outbox', 0)) as locked";

/// The lock, while its connection stands.
pub(super) struct Lease(PgConnection);

impl Lease {
    /// `None` while another node delivers.
    pub(super) async fn take(options: &PgConnectOptions) -> Result<Option<Self>, sqlx::Error> {
        let options = app_options(options).application_name("lumbung-outbox").options([
            // A node whose machine is gone must not hold the lock for hours.
            ("tcp_keepalives_idle", "5"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
        ]);
        let mut connection = PgConnection::connect_with(&options).await?;
        let row = sqlx::query(LOCK).fetch_one(&mut connection).await?;
        if row.try_get::<bool, _>("locked")? {
            return Ok(Some(Self(connection)));
        }
        connection.close().await?;
        Ok(None)
    }

    /// # Errors
    /// The connection is gone, and the lock with it.
    pub(super) async fn check(&mut self) -> Result<(), sqlx::Error> {
        self.0.ping().await
    }

    pub(super) async fn give_back(self) {
        // A connection that fails to close is closed all the same.
        drop(self.0.close().await);
    }
}
