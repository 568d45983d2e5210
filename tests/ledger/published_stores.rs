//! What cqrs-es 0.5 and postgres-es 0.5 do that a ledger cannot live with, each shown on tables of their own. A test that
//! fails after an upgrade is good news: see ADR 4.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore, PersistenceError, SerializedEvent};
use cqrs_es::{Aggregate, AggregateError, CqrsFramework, DomainEvent, EventEnvelope, EventStore, Query};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::support::cluster::{database, superuser};
use crate::support::ledger::{Node, furnish};
use crate::support::people::register_customer;

/// Counts its events: whatever is lost or doubled shows.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counter {
    count: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Counted {
    Counted,
}

impl DomainEvent for Counted {
    fn event_type(&self) -> String {
        "Counted".to_owned()
    }
    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Counter {
    const TYPE: &'static str = "Counter";
    /// How many events to write.
    type Command = usize;
    type Event = Counted;
    type Error = std::fmt::Error;
    type Services = ();

    async fn handle(
        &mut self,
        events: usize,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), std::fmt::Error> {
        for _ in 0..events {
            sink.write(Counted::Counted, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, _: Counted) {
        self.count += 1;
    }
}

/// The tables of their documentation.
async fn tables() -> PgPool {
    let pool = superuser(&database().await).await;
    sqlx::raw_sql(
        "create table events (aggregate_type text not null, aggregate_id text not null,
             sequence bigint check (sequence >= 0) not null, event_type text not null, event_version text not null,
             payload json not null, metadata json not null, primary key (aggregate_type, aggregate_id, sequence));
         create table snapshots (aggregate_type text not null, aggregate_id text not null,
             last_sequence bigint check (last_sequence >= 0) not null,
             current_snapshot bigint check (current_snapshot >= 0) not null,
             payload json not null, primary key (aggregate_type, aggregate_id, last_sequence))",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool
}

fn repository(pool: &PgPool) -> PostgresEventRepository {
    PostgresEventRepository::new(pool.clone())
}

type Store = PersistedEventStore<PostgresEventRepository, Counter>;

async fn execute(store: Store, id: &str, events: usize) -> Result<(), AggregateError<std::fmt::Error>> {
    CqrsFramework::new(store, vec![], ()).execute(id, events).await
}

async fn one<T>(pool: &PgPool, sql: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

fn counted(id: &str, sequence: usize) -> SerializedEvent {
    let (payload, metadata) = (serde_json::json!("Counted"), serde_json::json!({}));
    let (kind, name, version) = ("Counter".to_owned(), "Counted".to_owned(), "1".to_owned());
    SerializedEvent::new(id.to_owned(), sequence, kind, name, version, payload, metadata)
}

#[tokio::test]
async fn their_event_store_counts_right() {
    let pool = tables().await;
    for events in [1, 3] {
        execute(Store::new_event_store(repository(&pool)), "a", events).await.unwrap();
    }
    let loaded = Store::new_event_store(repository(&pool)).load_aggregate("a").await.unwrap();
    assert_eq!(loaded.aggregate.count, 4);
}

#[tokio::test]
async fn their_aggregate_store_applies_every_event_twice() {
    let pool = tables().await;
    execute(Store::new_aggregate_store(repository(&pool)), "a", 3).await.unwrap();
    let loaded = Store::new_aggregate_store(repository(&pool)).load_aggregate("a").await.unwrap();
    assert_eq!(loaded.aggregate.count, 6, "three events");
}

#[tokio::test]
async fn their_snapshot_store_applies_events_twice() {
    let pool = tables().await;
    execute(Store::new_snapshot_store(repository(&pool), 2), "a", 2).await.unwrap();
    let loaded = Store::new_snapshot_store(repository(&pool), 2).load_aggregate("a").await.unwrap();
    assert_eq!(loaded.aggregate.count, 4, "two events");
}

#[tokio::test]
async fn their_snapshot_store_stores_a_sequence_that_the_snapshot_has_not_reached() {
    let pool = tables().await;
    let store = Store::new_snapshot_store(repository(&pool), 2);
    let fresh = store.load_aggregate("a").await.unwrap();
    // Committed without their sink, so that nothing is applied twice: the snapshot is taken behind the second event.
    store.commit(vec![Counted::Counted; 3], fresh, HashMap::new()).await.unwrap();
    assert_eq!(one::<i64>(&pool, "select last_sequence from snapshots").await, 3);
    let loaded = store.load_aggregate("a").await.unwrap();
    assert_eq!(loaded.aggregate.count, 2, "three events, and the third is never applied");
}

#[tokio::test]
async fn they_insert_event_by_event_and_we_by_the_batch() {
    const COUNTING: &str = "create table inserts (n int);
         create function counting() returns trigger language plpgsql security definer as
             $$ begin insert into public.inserts values (1); return null; end $$;";
    let pool = tables().await;
    let trigger =
        "create trigger counting after insert on events for each statement execute function counting()";
    sqlx::raw_sql(&format!("{COUNTING} {trigger}")).execute(&pool).await.unwrap();
    execute(Store::new_event_store(repository(&pool)), "a", 7).await.unwrap();
    assert_eq!(one::<i64>(&pool, "select count(*) from inserts").await, 7);

    let database = database().await;
    let (node, pool) = (Node::open(&database).await, superuser(&database).await);
    furnish(&node).await;
    let trigger = "create trigger counting after insert on journal.events for each statement execute function counting()";
    sqlx::raw_sql(&format!("{COUNTING} {trigger}")).execute(&pool).await.unwrap();
    let before = node.head().await.unwrap().position;
    register_customer(&node).await;
    assert!(node.head().await.unwrap().position > before + 3);
    assert_eq!(one::<i64>(&pool, "select count(*) from inserts").await, 1);
    node.close().await;
}

#[tokio::test]
async fn they_read_any_unique_violation_as_a_conflict_of_versions() {
    let pool = tables().await;
    sqlx::raw_sql("create unique index on events (event_type)").execute(&pool).await.unwrap();
    execute(Store::new_event_store(repository(&pool)), "a", 1).await.unwrap();
    let refused = execute(Store::new_event_store(repository(&pool)), "b", 1).await;
    assert!(matches!(refused, Err(AggregateError::AggregateConflict)), "{refused:?}");
}

#[tokio::test]
async fn they_cut_sequences_to_32_bits() {
    let pool = tables().await;
    repository(&pool).persist::<Counter>(&[counted("a", (1 << 32) + 5)], None).await.unwrap();
    assert_eq!(one::<i64>(&pool, "select sequence from events").await, 5);
}

#[tokio::test]
async fn they_report_a_conflict_after_the_commit() {
    let pool = tables().await;
    let no_such_snapshot = Some(("a".to_owned(), serde_json::json!({ "count": 1 }), 2));
    let refused = repository(&pool).persist::<Counter>(&[counted("a", 1)], no_such_snapshot).await;
    assert!(matches!(refused, Err(PersistenceError::OptimisticLockError)), "{refused:?}");
    assert_eq!(one::<i64>(&pool, "select count(*) from events").await, 1, "the refused event is in");
}

/// Three events, the second of which is damaged.
async fn damaged() -> PgPool {
    let pool = tables().await;
    execute(Store::new_event_store(repository(&pool)), "a", 3).await.unwrap();
    sqlx::raw_sql(
        "alter table events alter event_version drop not null;
         update events set event_version = null where sequence = 2",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool
}

#[tokio::test]
async fn their_stream_of_events_ends_early_without_a_word() {
    let pool = damaged().await;
    let mut stream = repository(&pool).stream_events::<Counter>("a").await.unwrap();
    let mut read = 0;
    while let Some(event) = stream.next::<Counter>(&[]).await {
        event.unwrap();
        read += 1;
    }
    assert_eq!(read, 1, "of three, and no error");
}

#[tokio::test]
async fn their_reader_panics_at_a_damaged_row() {
    let pool = damaged().await;
    let reading = tokio::spawn(async move { repository(&pool).get_events::<Counter>("a").await.is_ok() });
    assert!(reading.await.unwrap_err().is_panic());
}

#[tokio::test]
async fn their_stream_of_all_events_is_not_in_the_order_of_what_happened() {
    let pool = tables().await;
    for (id, events) in [("a", 2), ("b", 1)] {
        execute(Store::new_event_store(repository(&pool)), id, events).await.unwrap();
    }
    let mut stream = repository(&pool).stream_all_events::<Counter>().await.unwrap();
    let mut read = Vec::new();
    while let Some(event) = stream.next::<Counter>(&[]).await {
        let event = event.unwrap();
        read.push((event.aggregate_id, event.sequence));
    }
    assert_eq!(read.pop(), Some(("a".to_owned(), 2)), "it was committed before anything of b");
}

/// Sees events, and crashes at the first.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<usize>>>);

impl Query<Counter> for Witness {
    fn dispatch<'a, 'b, 'c, 'd>(
        &'a self,
        _: &'b str,
        events: &'c [EventEnvelope<Counter>],
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'd>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        Box::pin(async move {
            assert_ne!(events[0].sequence, 1, "a crash between the commit and the query");
            self.0.lock().unwrap().extend(events.iter().map(|event| event.sequence));
        })
    }
}

#[tokio::test]
async fn a_crash_between_their_commit_and_their_query_loses_the_event_to_the_query() {
    let pool = tables().await;
    let witness = Witness::default();
    for _ in 0..2 {
        let store = Store::new_event_store(repository(&pool));
        let cqrs = CqrsFramework::new(store, vec![Box::new(witness.clone())], ());
        let _ = tokio::spawn(async move { cqrs.execute("a", 1).await.is_ok() }).await;
    }
    assert_eq!(one::<i64>(&pool, "select count(*) from events").await, 2);
    assert_eq!(*witness.0.lock().unwrap(), [2], "the first is committed and never dispatched");
}
