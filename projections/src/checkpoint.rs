//! How far a read schema has come: the one connection that may write it, and the checkpoint in it.
//!
//! Bounds: one writer per schema, by a session advisory lock on the very connection that writes; whoever loses
//! the connection loses both. The checkpoint advances by compare, in the transaction of the rows it stands for:
//! batches are committed asynchronously, and PostgreSQL may have lost the last of them in a crash. Then nothing
//! matches, and the writer loads the checkpoint and starts over. Its rows are only ever inserted, and pruned
//! behind: a row updated per batch rots under any long snapshot.

use std::io::ErrorKind;
use std::time::Duration;

use lumbung_journal::{Fact, app_options, read};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row};

use crate::error::ProjectionError;
use crate::read_models::Fold;
use crate::schema::SchemaName;

pub(crate) const DDL: &str = "
create table checkpoint (
    position    bigint      not null primary key,
    recorded_at timestamptz not null
);
insert into checkpoint (position, recorded_at) values (0, 'epoch');";
pub(crate) const STATEMENTS: &[&str] = &[LOAD, ADVANCE, PRUNE];

const LOAD: &str = "select coalesce(max(position), 0) as position from checkpoint";

const ADVANCE: &str = "
insert into checkpoint (position, recorded_at)
select $2, $3 where (select coalesce(max(position), 0) from checkpoint) = $1
returning pg_notify('lumbung_projected', $4)::text";

const PRUNE: &str = "delete from checkpoint where position < $1";

/// The channel on which a writer says `schema position`.
pub(crate) const PROJECTED: &str = "lumbung_projected";

const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// After how many batches the old checkpoints are deleted.
const PRUNE_EVERY: u32 = 512;

/// The connection that writes one read schema.
pub(crate) struct SchemaWriter {
    connection: PgConnection,
    schema: SchemaName,
    position: i64,
    written: u32,
    prune_below: i64,
}

impl SchemaWriter {
    /// Connects and takes the schema's lock; `None` while another process holds it.
    pub(crate) async fn open(
        options: &PgConnectOptions,
        schema: &SchemaName,
    ) -> Result<Option<Self>, ProjectionError> {
        let options = writer_options(options, schema);
        let connecting = tokio::time::timeout(CONNECT_WITHIN, PgConnection::connect_with(&options)).await;
        let mut connection = connecting.map_err(|_| sqlx::Error::Io(ErrorKind::TimedOut.into()))??;
        let row = sqlx::query("select pg_try_advisory_lock($1) as locked")
            .bind(lock_key(schema))
            .fetch_one(&mut connection)
            .await?;
        if !row.try_get::<bool, _>("locked")? {
            connection.close().await?;
            return Ok(None);
        }
        let mut writer = Self { connection, schema: schema.clone(), position: 0, written: 0, prune_below: 0 };
        writer.load().await?;
        Ok(Some(writer))
    }

    /// The position that was projected last.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    /// Reads the checkpoint. It must not be ahead of the log.
    async fn load(&mut self) -> Result<(), ProjectionError> {
        let row = sqlx::query(LOAD).fetch_one(&mut self.connection).await?;
        self.position = row.try_get("position")?;
        self.prune_below = self.position;
        let head = read::head(&mut self.connection).await?.position;
        if self.position > head {
            return Err(ProjectionError::AheadOfLog { checkpoint: self.position, head });
        }
        Ok(())
    }

    /// Projects facts that follow the position, in one transaction.
    pub(crate) async fn write<'a>(
        &mut self,
        facts: impl IntoIterator<Item = &'a Fact>,
    ) -> Result<(), ProjectionError> {
        let mut fold = Fold::default();
        let mut reached = self.position;
        let mut recorded_at = None;
        for fact in facts {
            if fact.position != reached + 1 {
                return Err(ProjectionError::Gap { after: reached, found: fact.position });
            }
            fold.apply(fact)?;
            reached = fact.position;
            recorded_at = Some(fact.recorded_at);
        }
        let Some(recorded_at) = recorded_at else { return Ok(()) };
        let prune = self.written.is_multiple_of(PRUNE_EVERY);

        let mut transaction = self.connection.begin().await?;
        fold.write(&mut transaction).await?;
        let advanced = sqlx::query(ADVANCE)
            .bind(self.position)
            .bind(reached)
            .bind(recorded_at)
            .bind(format!("{} {reached}", self.schema))
            .execute(&mut *transaction)
            .await?;
        if advanced.rows_affected() != 1 {
            let schema = self.schema.to_string();
            return Err(ProjectionError::CheckpointMoved { schema, expected: self.position });
        }
        if prune {
            sqlx::query(PRUNE).bind(self.prune_below).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;

        self.position = reached;
        self.written = self.written.wrapping_add(1);
        if prune {
            self.prune_below = reached;
        }
        Ok(())
    }

    /// Whether the connection, and with it the lock, still stands.
    pub(crate) async fn ping(&mut self) -> Result<(), ProjectionError> {
        Ok(self.connection.ping().await?)
    }

    /// Gives the lock back.
    pub(crate) async fn close(self) {
        // A connection that fails to close is closed all the same.
        drop(self.connection.close().await);
    }
}

fn writer_options(options: &PgConnectOptions, schema: &SchemaName) -> PgConnectOptions {
    app_options(options).application_name("lumbung-projector").options([
        ("search_path", schema.as_str()),
        // What is lost in a crash is projected again.
        ("synchronous_commit", "off"),
        // A writer looks everything up by its key. A plan made while a table was empty would read all of it for every
        // batch, until somebody analyses it.
        ("enable_seqscan", "off"),
        // A writer whose machine is gone must not hold the lock for hours.
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ])
}

/// Advisory locks are per database, so two ledgers of one cluster do not meet.
fn lock_key(schema: &SchemaName) -> i64 {
    let hash = Sha256::digest(format!("lumbung-read-schema/{schema}"));
    let mut key = [0; 8];
    key.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(key)
}
