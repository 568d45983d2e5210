//! The transaction of an import: all of it is committed, or nothing was there. When the answer to the commit is lost, the
//! database is asked which.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use super::import::ImportError;
use super::numbers::Highest;
use crate::database::owner_options;
use crate::error::{JournalError, is_transient};
use crate::head::{Hash, Head};
use crate::read;
use crate::record::Record;
use crate::verify::{check_anchors, check_sequences};

/// After these pauses the database is asked what became of a commit.
const ASKED_AFTER: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Rows are collected up to this number, and events up to this size, before they are inserted.
const ROWS: usize = 2_000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Whatever is in one of these tables belongs to a ledger that is there already.
const OCCUPIED: &str = "select name from (
        select 'events' as name, exists (select from journal.events) as taken
        union all select 'keys of the ledger', exists (select from journal.ledger_keys)
        union all select 'keys of people', exists (select from journal.person_keys)
        union all select 'anchors', exists (select from journal.anchors)
        union all select 'answers to Idempotency-Keys', exists (select from journal.idempotency)
    ) found where taken limit 1";

/// An open transaction on an empty journal that nobody else writes to.
pub(super) struct Intake {
    owner: PgConnection,
    events: Vec<Record>,
    event_bytes: usize,
    people: People,
    anchors: Anchors,
}

#[derive(Default)]
struct People {
    persons: Vec<Uuid>,
    wrapped: Vec<Vec<u8>>,
    created_at: Vec<DateTime<Utc>>,
}

#[derive(Default)]
struct Anchors {
    positions: Vec<i64>,
    hashes: Vec<Vec<u8>>,
    anchored_at: Vec<DateTime<Utc>>,
}

impl Intake {
    pub(super) async fn begin(database: &PgConnectOptions) -> Result<Self, ImportError> {
        let mut owner = PgConnection::connect_with(&owner_options(database)).await?;
        owner.execute("begin; set local synchronous_commit = on; set local lock_timeout = '10s'").await?;
        match owner.execute("select pg_advisory_xact_lock(5492307)").await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => {
                return Err(ImportError::Busy);
            }
            other => other?,
        };
        // A statement of its own behind the lock sees what its last holder committed.
        let taken: Option<String> = sqlx::query_scalar(OCCUPIED).fetch_optional(&mut owner).await?;
        if let Some(found) = taken {
            return Err(ImportError::NotEmpty { found });
        }
        Ok(Self {
            owner,
            events: Vec::new(),
            event_bytes: 0,
            people: People::default(),
            anchors: Anchors::default(),
        })
    }

    pub(super) async fn index_key(&mut self, wrapped: &[u8]) -> Result<(), ImportError> {
        sqlx::query("insert into journal.ledger_keys (name, wrapped) values ('index', $1)")
            .bind(wrapped)
            .execute(&mut self.owner)
            .await?;
        Ok(())
    }

    pub(super) async fn person_key(
        &mut self,
        person: Uuid,
        wrapped: Vec<u8>,
        created_at: DateTime<Utc>,
    ) -> Result<(), ImportError> {
        self.people.persons.push(person);
        self.people.wrapped.push(wrapped);
        self.people.created_at.push(created_at);
        if self.people.persons.len() >= ROWS { self.write_people().await } else { Ok(()) }
    }

    pub(super) async fn event(&mut self, record: Record) -> Result<(), ImportError> {
        self.event_bytes += record.payload.len() + record.metadata.len();
        self.events.push(record);
        if self.events.len() >= ROWS || self.event_bytes >= BATCH_BYTES {
            self.write_events().await?;
        }
        Ok(())
    }

    pub(super) async fn anchor(
        &mut self,
        position: i64,
        hash: Hash,
        anchored_at: DateTime<Utc>,
    ) -> Result<(), ImportError> {
        self.anchors.positions.push(position);
        self.anchors.hashes.push(hash.0.to_vec());
        self.anchors.anchored_at.push(anchored_at);
        if self.anchors.positions.len() >= ROWS { self.write_anchors().await } else { Ok(()) }
    }

    /// Checks what only the whole log can show, sets the sequences behind it, and commits.
    pub(super) async fn commit(
        mut self,
        database: &PgConnectOptions,
        head: Head,
        numbers: &Highest,
    ) -> Result<(), ImportError> {
        self.write_people().await?;
        self.write_events().await?;
        self.write_anchors().await?;
        check_sequences(&mut self.owner).await?;
        check_anchors(&mut self.owner, head).await?;
        numbers.pass_over(&mut self.owner).await?;
        // Without it the first plans would be those for an empty table.
        self.owner.execute("analyze journal.events, journal.person_keys").await?;
        match self.owner.execute("commit").await {
            Ok(_) => {
                // It is committed, whatever becomes of the farewell.
                let _ = self.owner.close().await;
                Ok(())
            }
            Err(lost) if is_transient(&lost) => found_out(database, head, lost).await,
            Err(refused) => Err(refused.into()),
        }
    }

    async fn write_people(&mut self) -> Result<(), ImportError> {
        let People { persons, wrapped, created_at } = std::mem::take(&mut self.people);
        if persons.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "insert into journal.person_keys (person, wrapped, created_at)
             select * from unnest($1::uuid[], $2::bytea[], $3::timestamptz[])",
        )
        .bind(persons)
        .bind(wrapped)
        .bind(created_at)
        .execute(&mut self.owner)
        .await?;
        Ok(())
    }

    async fn write_events(&mut self) -> Result<(), ImportError> {
        let events = std::mem::take(&mut self.events);
        self.event_bytes = 0;
        if events.is_empty() {
            return Ok(());
        }
        let column = |text: fn(&Record) -> &str| events.iter().map(text).collect::<Vec<&str>>();
        sqlx::query(
            "insert into journal.events (position, aggregate_type, aggregate_id, sequence, event_type, event_version,
                 payload, metadata, recorded_at, hash)
             select position, aggregate_type, aggregate_id, sequence, event_type, event_version,
                 payload::json, metadata::json, recorded_at, hash
             from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                 $8::text[], $9::timestamptz[], $10::bytea[])
                 as e (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                     recorded_at, hash)
             order by position",
        )
        .bind(events.iter().map(|event| event.position).collect::<Vec<_>>())
        .bind(column(|event| event.stream.kind.as_str()))
        .bind(column(|event| &event.stream.id))
        .bind(events.iter().map(|event| event.sequence).collect::<Vec<_>>())
        .bind(column(|event| &event.event_type))
        .bind(column(|event| &event.event_version))
        .bind(column(|event| &event.payload))
        .bind(column(|event| &event.metadata))
        .bind(events.iter().map(|event| event.recorded_at).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.hash.0.to_vec()).collect::<Vec<_>>())
        .execute(&mut self.owner)
        .await?;
        Ok(())
    }

    async fn write_anchors(&mut self) -> Result<(), ImportError> {
        let Anchors { positions, hashes, anchored_at } = std::mem::take(&mut self.anchors);
        if positions.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "insert into journal.anchors (position, hash, anchored_at)
             select * from unnest($1::bigint[], $2::bytea[], $3::timestamptz[])",
        )
        .bind(positions)
        .bind(hashes)
        .bind(anchored_at)
        .execute(&mut self.owner)
        .await?;
        Ok(())
    }
}

/// What became of a commit whose answer was lost.
async fn found_out(database: &PgConnectOptions, head: Head, lost: sqlx::Error) -> Result<(), ImportError> {
    for pause in ASKED_AFTER {
        tokio::time::sleep(pause).await;
        match holds(database, head).await {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(lost.into()),
            Err(_) => {}
        }
    }
    Err(ImportError::Unknown { head, source: lost })
}

/// Whether the log holds what was to be committed. Behind the lock that the lost transaction held: it has ended.
async fn holds(database: &PgConnectOptions, head: Head) -> Result<bool, JournalError> {
    let mut owner = PgConnection::connect_with(&owner_options(database)).await?;
    owner.execute("begin; set local lock_timeout = '10s'").await?;
    owner.execute("select pg_advisory_xact_lock(5492307)").await?;
    let found = read::after(&mut owner, head.position - 1, 1).await?;
    // Nothing is open that could be lost with the connection.
    let _ = owner.close().await;
    Ok(found.first().is_some_and(|last| last.head() == head))
}
