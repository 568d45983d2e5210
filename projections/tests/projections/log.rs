//! Writes a log as the ledger loop does: decides on the state in memory, chains, appends, publishes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lumbung_domain::{Aggregate, AnyAggregate, AnyEvent, LedgerCommand, LedgerId, Rejection, StreamId};
use lumbung_journal::{Appender, Batch, Fact, Feed, Head, Record, Verdict, app_pool, codec};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use crate::cluster;

pub(crate) struct Log {
    pub(crate) options: PgConnectOptions,
    pub(crate) pool: PgPool,
    pub(crate) feed: Arc<Feed>,
    appender: Appender,
    head: Head,
    /// Of decided events, appended or not.
    chained: Head,
    pub(crate) streams: HashMap<StreamId, (AnyAggregate, i64)>,
    open: Vec<(Record, AnyEvent)>,
}

impl Log {
    /// A log in a database of its own, with its first event.
    pub(crate) async fn new() -> Self {
        let options = cluster::database().await;
        let pool = app_pool(&options, 4).await.unwrap();
        let mut log = Self {
            feed: Feed::new(pool.clone(), 0),
            appender: Appender::new(options.clone(), Duration::from_secs(10)),
            pool,
            options,
            head: Head::EMPTY,
            chained: Head::EMPTY,
            streams: HashMap::new(),
            open: Vec::new(),
        };
        let ledger_id = LedgerId(Uuid::from_u128(1));
        log.run::<lumbung_domain::Ledger>("ledger", LedgerCommand::Open { ledger_id }).unwrap();
        log.commit().await;
        log
    }

    pub(crate) fn position(&self) -> i64 {
        self.head.position
    }

    pub(crate) fn state<A: Aggregate>(&self, id: impl Into<Arc<str>>) -> (A, i64) {
        match self.streams.get(&StreamId::of::<A>(id)) {
            Some((state, version)) => (A::of(state).unwrap().as_ref().clone(), *version),
            None => (A::default(), 0),
        }
    }

    /// Decides a command and takes its events into the open batch.
    pub(crate) fn run<A: Aggregate>(
        &mut self,
        id: impl Into<Arc<str>>,
        command: A::Command,
    ) -> Result<(), Rejection> {
        let stream = StreamId::of::<A>(id);
        let events = self.state::<A>(Arc::clone(&stream.id)).0.decide(command)?;
        for event in events {
            self.take(&stream, A::event_into_any(event));
        }
        Ok(())
    }

    /// Takes an event into the open batch, whether the rules would make it or not.
    pub(crate) fn take(&mut self, stream: &StreamId, event: AnyEvent) {
        let (state, version) =
            self.streams.entry(stream.clone()).or_insert_with(|| (AnyAggregate::unborn(stream.kind), 0));
        state.evolve(&event).unwrap();
        *version += 1;
        let mut record = Record {
            position: self.chained.position + 1,
            stream: stream.clone(),
            sequence: *version,
            event_type: event.event_type().into(),
            event_version: event.event_version().into(),
            payload: codec::encode(&event).unwrap(),
            metadata: "{}".to_owned(),
            recorded_at: instant(self.head.position + 1),
            hash: self.chained.hash,
        };
        record.hash = record.expected_hash(self.chained.hash);
        self.chained = record.head();
        self.open.push((record, event));
    }

    /// Appends the open batch without telling the feed; answers its facts.
    pub(crate) async fn append(&mut self) -> Arc<[Fact]> {
        let (records, events): (Vec<_>, Vec<_>) = self.open.drain(..).unzip();
        let recorded_at = records[0].recorded_at;
        let batch = Batch {
            expected: self.head,
            last: self.chained,
            recorded_at,
            records,
            answers: Vec::new(),
            person_keys: Vec::new(),
        };
        assert_eq!(self.appender.append(&batch).await.unwrap(), Verdict::Appended);
        self.head = self.chained;
        let facts = batch.records.into_iter().zip(events).map(|(record, event)| Fact {
            position: record.position,
            stream: record.stream,
            sequence: record.sequence,
            recorded_at,
            event,
        });
        facts.collect()
    }

    /// Appends the open batch and publishes it; answers the position.
    pub(crate) async fn commit(&mut self) -> i64 {
        let facts = self.append().await;
        self.feed.publish(facts);
        self.position()
    }
}

/// When the batch that begins at a position is recorded.
pub(crate) fn instant(position: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(position)
}
