//! The one way into the log: a batch, appended by one call, resent until the answer is definite.
//!
//! Bounds: one batch at a time, on a connection of its own; the caller bounds the batch. Order: the batch names the
//! head it stands on, and the database refuses it on any other. A lost answer is no answer: the identical bytes
//! go out again on a new connection, and the function says `already` if they had come through.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Row};
use tracing::{info, warn};
use uuid::Uuid;

use crate::database::append_options;
use crate::error::{JournalError, is_transient};
use crate::head::{Hash, Head};
use crate::read;
use crate::record::Record;

/// A batch ready to be sent; its bytes never change once it was encoded.
#[derive(Debug)]
pub struct Batch {
    /// The head it stands on.
    pub expected: Head,
    /// The head it makes: the last record's, or `expected` if it has no records.
    pub last: Head,
    /// The instant of every record in it.
    pub recorded_at: DateTime<Utc>,
    pub records: Vec<Record>,
    pub answers: Vec<KeyedAnswer>,
    pub person_keys: Vec<WrappedPersonKey>,
}

/// What a client will be told again when it repeats its Idempotency-Key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedAnswer {
    /// Keyed hash of actor, route and key.
    pub key: [u8; 32],
    /// Keyed hash of the body.
    pub body: [u8; 32],
    /// The typed outcome; personal values in it are sealed.
    pub outcome: Vec<u8>,
}

/// A person's data key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedPersonKey {
    pub person: Uuid,
    pub wrapped: Vec<u8>,
}

/// The database's definite answer to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The batch is in, now or since an earlier sending of the same bytes.
    Appended,
    /// Another node wrote; the log ends there.
    Moved(Head),
    /// An Idempotency-Key of the batch is answered already; nothing was written.
    Replayed,
}

/// Why a batch can never be appended as it is.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A value in it is one the database refuses. Splitting the batch finds the culprit.
    #[error("the database refuses the batch")]
    Data(#[source] sqlx::Error),
    /// The rights, the schema or the server are not what they must be.
    #[error("the append failed for good")]
    Fatal(#[source] JournalError),
}

/// Sends batches on a connection of its own.
pub struct Appender {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    patience: Duration,
    resends: u64,
}

const APPEND: &str = "select verdict, head_position, head_hash from journal.append(\
     $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

/// Short time-outs: whoever holds the lock holds up every node.
const LOCK: &str = "begin; set local lock_timeout = '2s'; set local idle_in_transaction_session_timeout = '2s'; \
     set local statement_timeout = '5s'; select pg_advisory_xact_lock(5492307)";

/// Between two attempts to reach the database.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl Appender {
    /// `patience` is how long one sending may take before its answer counts as lost.
    #[must_use]
    pub fn new(options: PgConnectOptions, patience: Duration) -> Self {
        Self { options: append_options(&options), connection: None, patience, resends: 0 }
    }

    /// How often a batch had to be sent again.
    #[must_use]
    pub fn resends(&self) -> u64 {
        self.resends
    }

    /// Appends the batch. Returns only with a definite answer, however long the database is away; whoever waits
    /// for it bounds their own wait.
    ///
    /// # Errors
    /// See [`AppendError`]; nothing of the batch is in the log then.
    pub async fn append(&mut self, batch: &Batch) -> Result<Verdict, AppendError> {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let attempt = tokio::time::timeout(self.patience, self.attempt(batch)).await;
            let error = match attempt {
                Ok(Ok(verdict)) => return Ok(verdict),
                Ok(Err(error)) => error,
                Err(_) => lost(),
            };
            match sort(error)? {
                Definite::Replayed => return Ok(Verdict::Replayed),
                Definite::Not(error) => {
                    // The old connection may still be carrying the batch: never use it for anything else.
                    self.connection = None;
                    self.resends += 1;
                    warn!(
                        error = &error as &dyn std::error::Error,
                        last_position = batch.last.position,
                        "no definite answer to an append; sending the same bytes again"
                    );
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One sending.
    async fn attempt(&mut self, batch: &Batch) -> Result<Verdict, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => {
                info!("opening the append connection");
                empty.insert(PgConnection::connect_with(&self.options).await?)
            }
        };
        call(connection, batch).await
    }

    /// A connection that holds the ledger's lock until its transaction ends, for a node that lost the race twice.
    ///
    /// # Errors
    /// The database cannot be reached, or the lock is not had in time.
    pub async fn lock(&self) -> Result<LockedLedger, JournalError> {
        let locking = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            connection.execute(LOCK).await?;
            Ok(LockedLedger { connection, patience: self.patience })
        };
        tokio::time::timeout(self.patience, locking).await.unwrap_or_else(|_| Err(lost().into()))
    }
}

/// The ledger's lock, held by an open transaction. Dropping it rolls back.
pub struct LockedLedger {
    connection: PgConnection,
    patience: Duration,
}

impl LockedLedger {
    /// Up to `limit` records behind `position`, read behind the lock, where nobody else can write.
    ///
    /// # Errors
    /// The database cannot be asked, or a row is malformed.
    pub async fn after(&mut self, position: i64, limit: i64) -> Result<Vec<Record>, JournalError> {
        let reading = read::after(&mut self.connection, position, limit);
        tokio::time::timeout(self.patience, reading).await.unwrap_or_else(|_| Err(lost().into()))
    }

    /// Appends the batch and commits. After an error the outcome is open: send the same batch through
    /// [`Appender::append`], which finds out.
    ///
    /// # Errors
    /// Whatever the database said.
    pub async fn append(mut self, batch: &Batch) -> Result<Verdict, sqlx::Error> {
        let appending = async {
            let verdict = call(&mut self.connection, batch).await?;
            self.connection.execute("commit").await?;
            Ok(verdict)
        };
        tokio::time::timeout(self.patience, appending).await.unwrap_or_else(|_| Err(lost()))
    }
}

async fn call(connection: &mut PgConnection, batch: &Batch) -> Result<Verdict, sqlx::Error> {
    let records = &batch.records;
    let answers = &batch.answers;
    let keys = &batch.person_keys;
    let row = sqlx::query(APPEND)
        .bind(batch.expected.position)
        .bind(&batch.expected.hash.0[..])
        .bind(batch.last.position)
        .bind(&batch.last.hash.0[..])
        .bind(batch.recorded_at)
        .bind(column(records, |record| record.stream.kind.as_str()))
        .bind(column(records, |record| &*record.stream.id))
        .bind(column(records, |record| record.sequence))
        .bind(column(records, |record| &*record.event_type))
        .bind(column(records, |record| &*record.event_version))
        .bind(column(records, |record| record.payload.as_str()))
        .bind(column(records, |record| record.metadata.as_str()))
        .bind(column(records, |record| &record.hash.0[..]))
        .bind(column(answers, |answer| &answer.key[..]))
        .bind(column(answers, |answer| &answer.body[..]))
        .bind(column(answers, |answer| answer.outcome.as_slice()))
        .bind(column(keys, |key| key.person))
        .bind(column(keys, |key| key.wrapped.as_slice()))
        .fetch_one(connection)
        .await?;
    match row.try_get::<&str, _>("verdict")? {
        "appended" | "already" => Ok(Verdict::Appended),
        "moved" => {
            let hash = Hash::from_slice(row.try_get("head_hash")?)
                .ok_or_else(|| sqlx::Error::Protocol("the head's hash is not 32 bytes".to_owned()))?;
            Ok(Verdict::Moved(Head { position: row.try_get("head_position")?, hash }))
        }
        other => Err(sqlx::Error::Protocol(format!("unknown verdict {other}"))),
    }
}

fn column<'a, R, V>(rows: &'a [R], value: impl Fn(&'a R) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// An answer that did not come in time counts like a connection that broke.
fn lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// The constraint that a repeated Idempotency-Key violates.
const IDEMPOTENCY_KEY: &str = "idempotency_pkey";

fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

enum Definite {
    Replayed,
    /// Sent, and not known whether committed; or not even sent.
    Not(sqlx::Error),
}

/// Sorts an error of a sending into its lane.
fn sort(error: sqlx::Error) -> Result<Definite, AppendError> {
    let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
    match code.as_deref() {
        Some("23505") if violated(&error) == Some(IDEMPOTENCY_KEY) => Ok(Definite::Replayed),
        _ if is_transient(&error) => Ok(Definite::Not(error)),
        Some(code) if ["22", "23", "42", "54"].contains(&code.get(..2).unwrap_or_default()) => {
            Err(AppendError::Data(error))
        }
        _ => Err(AppendError::Fatal(error.into())),
    }
}
