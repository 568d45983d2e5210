//! The hash chain: what verify proves, and that it names every damage where it is.

use lumbung_journal::verify::{VerifyError, anchor, verify};
use lumbung_journal::{Break, BreakReason};
use sqlx::PgPool;

use crate::support::cluster::{database, superuser};
use crate::support::ledger::{Node, assert_sound, furnish};
use crate::support::people::{register_customer, top_up};

/// A ledger after some use, closed, and superuser connections to its database.
async fn used_ledger() -> (PgPool, i64) {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    for rupiah in 1..=10 {
        node.execute(top_up(customer, rupiah), Default::default()).await.unwrap().outcome.unwrap();
    }
    let end = assert_sound(&node).await.head.position;
    node.assert_cache_equals_log().await;
    node.close().await;
    (superuser(&database).await, end)
}

/// Changes history as only somebody can who owns the database.
async fn tamper(pool: &PgPool, sql: &str) {
    let sql = format!("begin; set local session_replication_role = replica; {sql}; commit");
    sqlx::raw_sql(&sql).execute(pool).await.unwrap();
}

async fn found(pool: &PgPool) -> Break {
    match verify(pool, |_| {}).await {
        Err(VerifyError::Broken(found)) => found,
        other => panic!("verify said {other:?}"),
    }
}

#[tokio::test]
async fn every_edit_of_one_event_is_found_where_it_is() {
    let (pool, end) = used_ledger().await;
    let edits = [
        "payload = (payload::text || ' ')::json",
        r#"payload = '{"WalletCredited":{}}'"#,
        r#"metadata = '{"use_case":"Nothing"}'"#,
        "metadata = replace(metadata::text, ':', ': ')::json",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "recorded_at = recorded_at - interval '1 year'",
        "recorded_at = 'infinity'",
        "recorded_at = '4000-01-01 BC'",
        "event_type = event_type || 'x'",
        "event_version = '2'",
        "aggregate_type = case aggregate_type when 'Wallet' then 'Loan' else 'Wallet' end",
        "aggregate_type = 'Nonsense'",
        "aggregate_id = aggregate_id || '0'",
        "sequence = sequence + 1000",
        "hash = sha256(hash)",
        "hash = substr(hash, 1, 31)",
    ];
    for edit in edits {
        for position in [1, 2, end / 2, end] {
            tamper(
                &pool,
                &format!("create table kept as select * from journal.events where position = {position}"),
            )
            .await;
            tamper(&pool, &format!("update journal.events set {edit} where position = {position}")).await;
            let broken = found(&pool).await;
            assert_eq!(broken.position, position, "{edit} at {position}: {broken}");
            tamper(&pool, &format!("delete from journal.events where position = {position}")).await;
            tamper(&pool, "insert into journal.events select * from kept; drop table kept").await;
        }
    }
    verify(&pool, |_| {}).await.unwrap();
}

#[tokio::test]
async fn an_event_deleted_from_the_middle_is_missed_where_it_was() {
    let (pool, end) = used_ledger().await;
    tamper(&pool, &format!("delete from journal.events where position = {}", end - 3)).await;
    let missing = BreakReason::Missing { found: end - 2 };
    assert_eq!(found(&pool).await, Break { position: end - 3, reason: missing });
}

#[tokio::test]
async fn two_events_that_changed_places_are_found_at_the_first() {
    let (pool, end) = used_ledger().await;
    let (first, second) = (end - 4, end - 2);
    tamper(
        &pool,
        &format!(
            "update journal.events set position = -1 where position = {first};
             update journal.events set position = {first} where position = {second};
             update journal.events set position = {second} where position = -1"
        ),
    )
    .await;
    assert_eq!(found(&pool).await, Break { position: first, reason: BreakReason::HashMismatch });
}

#[tokio::test]
async fn a_closed_up_gap_is_found_where_the_event_was() {
    let (pool, end) = used_ledger().await;
    let gone = end - 5;
    tamper(
        &pool,
        &format!(
            "delete from journal.events where position = {gone};
             update journal.events set position = -position where position > {gone};
             update journal.events set position = -position - 1 where position < 0"
        ),
    )
    .await;
    assert_eq!(found(&pool).await, Break { position: gone, reason: BreakReason::HashMismatch });
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_found_by_an_anchor() {
    let (pool, end) = used_ledger().await;
    // The clean stop wrote it.
    assert_eq!(verify(&pool, |_| {}).await.unwrap().anchors, 1);
    tamper(&pool, &format!("delete from journal.events where position > {}", end - 2)).await;
    let reason = BreakReason::TailMissing { end: end - 2 };
    assert_eq!(found(&pool).await, Break { position: end - 1, reason });
    tamper(&pool, "delete from journal.events").await;
    assert_eq!(found(&pool).await, Break { position: 1, reason: BreakReason::TailMissing { end: 0 } });
}

#[tokio::test]
async fn a_rewritten_history_is_found_by_an_anchor() {
    let (pool, end) = used_ledger().await;
    tamper(&pool, "update journal.anchors set hash = sha256(hash)").await;
    assert_eq!(found(&pool).await, Break { position: end, reason: BreakReason::AnchorMismatch });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_is_being_written_and_anchored_verifies() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    let ledger = node.ledger.clone();
    let writer = tokio::spawn(async move {
        loop {
            ledger.execute(top_up(customer, 1), Default::default()).await.unwrap().outcome.unwrap();
            anchor(ledger.pool()).await.unwrap();
        }
    });
    for _ in 0..100 {
        assert_sound(&node).await;
    }
    writer.abort();
    let _ = writer.await;
    node.close().await;
}
