//! When the log is not what a node has seen of it, the node stops; it neither guesses nor writes on.

use std::borrow::Cow;
use std::error::Error;

use lumbung_commands::{Actor, Call, NoAnswer};
use lumbung_domain::{AggregateType, StreamId};
use lumbung_journal::{BreakReason, Hash, Head, JournalError, Record, read};
use sqlx::PgPool;

use crate::support::cluster::{database, superuser};
use crate::support::ledger::{Node, assert_sound, furnish, run};
use crate::support::people::{register_customer, top_up};

/// A node that has written something, and superuser connections to damage it.
async fn node() -> (Node, Actor, PgPool) {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    run(&node, top_up(customer, 1)).await;
    (node, customer, superuser(&database).await)
}

async fn tamper(pool: &PgPool, sql: &str) {
    let sql = format!("begin; set local session_replication_role = replica; {sql}; commit");
    sqlx::raw_sql(&sql).execute(pool).await.unwrap();
}

/// Asks for one more thing, which must not be acknowledged, and hands out why the loop ended.
async fn assert_stops(node: Node, customer: Actor, expected: impl Fn(&JournalError) -> bool) {
    let answer = node.execute(top_up(customer, 1), Call::default()).await;
    assert_eq!(answer, Err(NoAnswer::OutcomeUnknown));
    let stopped = node.ended().await.expect_err("the loop went on");
    let cause = stopped.source().and_then(|cause| cause.downcast_ref::<JournalError>()).unwrap();
    assert!(expected(cause), "{cause:?}");
}

#[tokio::test]
async fn a_node_stops_when_the_log_has_lost_its_tail() {
    let (node, customer, pool) = node().await;
    let known = node.head().await.unwrap();
    tamper(&pool, &format!("delete from journal.events where position = {}", known.position)).await;
    let end = read::head(&pool).await.unwrap();
    assert_stops(node, customer, |cause| {
        matches!(cause, JournalError::WentBack { known: told, found } if (*told, *found) == (known, end))
    })
    .await;
    assert_eq!(read::head(&pool).await.unwrap(), end, "it wrote on");
}

#[tokio::test]
async fn a_node_stops_when_another_event_stands_where_it_knows_one() {
    let (node, customer, pool) = node().await;
    let position = node.head().await.unwrap().position;
    tamper(&pool, &format!("update journal.events set hash = sha256(hash) where position = {position}"))
        .await;
    assert_stops(
        node,
        customer,
        |cause| matches!(cause, JournalError::WentBack { known, found } if known.position == found.position),
    )
    .await;
}

#[tokio::test]
async fn a_node_stops_when_the_log_goes_on_from_another_event_than_it_knows() {
    let (node, customer, pool) = node().await;
    let foreign = Head { hash: Hash([7; 32]), ..node.head().await.unwrap() };
    write(&pool, next(foreign, "SessionEnded", r#"{"SessionEnded":{}}"#)).await;
    assert_stops(node, customer, |cause| {
        matches!(cause, JournalError::Broken(found) if found.reason == BreakReason::HashMismatch
            && found.position == foreign.position + 1)
    })
    .await;
}

#[tokio::test]
async fn a_node_stops_at_a_gap_in_what_another_node_wrote() {
    let (node, customer, pool) = node().await;
    let head = node.head().await.unwrap();
    let ahead = Head { position: head.position + 1, ..head };
    write(&pool, next(ahead, "SessionEnded", r#"{"SessionEnded":{}}"#)).await;
    assert_stops(node, customer, |cause| {
        matches!(cause, JournalError::Broken(found) if found.position == head.position + 1
            && matches!(found.reason, BreakReason::Missing { .. }))
    })
    .await;
}

#[tokio::test]
async fn a_node_stops_at_an_event_of_newer_software() {
    for (event_type, version) in [("SessionForgotten", "1"), ("SessionEnded", "2")] {
        let (node, customer, pool) = node().await;
        let head = node.head().await.unwrap();
        let mut record = next(head, event_type, &format!(r#"{{"{event_type}":{{}}}}"#));
        record.event_version = Cow::Borrowed(version);
        record.hash = record.expected_hash(head.hash);
        write(&pool, record).await;
        assert_stops(node, customer, |cause| matches!(cause, JournalError::Undecodable(_))).await;
    }
}

#[tokio::test]
async fn a_node_takes_over_what_another_node_wrote_well() {
    let (node, customer, pool) = node().await;
    let head = node.head().await.unwrap();
    write(&pool, next(head, "SessionOpened", OPENED)).await;
    run(&node, top_up(customer, 1)).await;
    assert_eq!(node.head().await.unwrap().position, head.position + 2);
    node.assert_cache_equals_log().await;
    node.close().await;
}

#[tokio::test]
async fn time_does_not_fall_although_the_clock_of_another_node_is_ahead() {
    let (node, customer, pool) = node().await;
    let head = node.head().await.unwrap();
    let mut record = next(head, "SessionOpened", OPENED);
    let ahead = record.recorded_at + chrono::TimeDelta::hours(1);
    record.recorded_at = ahead;
    record.hash = record.expected_hash(head.hash);
    write(&pool, record).await;
    let answer = node.execute(top_up(customer, 1), Call::default()).await.unwrap();
    assert_eq!(answer.answered_at, ahead);
    assert_sound(&node).await;
    node.close().await;
}

const OPENED: &str = r#"{"SessionOpened":{"session_id":"00000000-0000-0000-0000-000000000001","user":"00000000-0000-0000-0000-000000000002"}}"#;

/// A record that follows `head` in the chain.
fn next(head: Head, event_type: &'static str, payload: &str) -> Record {
    let mut record = Record {
        position: head.position + 1,
        stream: StreamId::new(AggregateType::Session, "another node's"),
        sequence: 1,
        event_type: Cow::Borrowed(event_type),
        event_version: Cow::Borrowed("1"),
        payload: payload.to_owned(),
        metadata: "{}".to_owned(),
        recorded_at: chrono::DateTime::from_timestamp_micros(chrono::Utc::now().timestamp_micros()).unwrap(),
        hash: Hash::GENESIS,
    };
    record.hash = record.expected_hash(head.hash);
    record
}

async fn write(pool: &PgPool, record: Record) {
    sqlx::query("insert into journal.events values ($1, $2, $3, $4, $5, $6, $7::json, $8::json, $9, $10)")
        .bind(record.position)
        .bind(record.stream.kind.as_str())
        .bind(&*record.stream.id)
        .bind(record.sequence)
        .bind(&*record.event_type)
        .bind(&*record.event_version)
        .bind(&record.payload)
        .bind(&record.metadata)
        .bind(record.recorded_at)
        .bind(&record.hash.0[..])
        .execute(pool)
        .await
        .unwrap();
}
