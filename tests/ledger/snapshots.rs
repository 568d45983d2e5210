//! Snapshots of long streams: an economy that never changes an answer.

mod edited;
mod in_good_faith;

use std::time::Duration;

use lumbung_commands::ledger::Options;
use lumbung_commands::{Actor, Ledger};
use lumbung_domain::AggregateType;
use lumbung_journal::verify::verify;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;

use crate::support::cluster::{database, superuser};
use crate::support::ledger::{Node, assert_sound, furnish, options, run};
use crate::support::people::{register_customer, top_up};

fn every(database: &PgConnectOptions, events: u32) -> Options {
    Options { snapshot_every: events, ..options(database) }
}

async fn tamper(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

/// Waits until the snapshot of a wallet stands at `sequence` or later.
pub(super) async fn kept_at(pool: &PgPool, owner: Actor, sequence: i64) {
    let kept = async {
        loop {
            let found: Option<i64> = sqlx::query_scalar(
                "select sequence from journal.snapshots where aggregate_type = 'Wallet' and aggregate_id = $1",
            )
            .bind(owner.user.to_string())
            .fetch_optional(pool)
            .await
            .unwrap();
            if found.is_some_and(|found| found >= sequence) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), kept).await.expect("no snapshot was written");
}

async fn balance_after(ledger: &Ledger, owner: Actor, rupiah: i64) -> i64 {
    run(ledger, top_up(owner, rupiah)).await.balance_after_rupiah.get()
}

/// A customer whose wallet has `events` events, each but the first a rupiah, and a snapshot at the last of them.
async fn long_wallet(database: &PgConnectOptions, events: i64) -> (PgPool, Actor) {
    let node = Node::open_with(Options { sample_every: 0, ..every(database, 10) }).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    for _ in 2..events {
        run(&node, top_up(customer, 1)).await;
    }
    let pool = superuser(database).await;
    // The first command brings two events.
    run(&node, top_up(customer, 1)).await;
    kept_at(&pool, customer, events / 10 * 10).await;
    node.close().await;
    (pool, customer)
}

#[tokio::test]
async fn a_long_stream_opens_from_its_snapshot_and_the_events_behind_it() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 401).await;
    let verified = verify(&pool, |_| {}).await.unwrap();
    assert!(verified.snapshots.compared >= 1 && !verified.snapshots.macs_checked, "{verified:?}");
    let node = Node::open_with(every(&database, 10)).await;
    assert_eq!(balance_after(&node, customer, 5).await, 405);
    let counts = node.counts();
    assert_eq!((counts.snapshots_used, counts.snapshots_rejected), (1, 0), "{counts:?}");
    // Ten events to see that it is long, at most ten behind the snapshot, its owner and their session, and the comparison
    // after the batch, which folds everything.
    assert!(counts.loaded_events < 401 + 60, "{counts:?}");
    node.assert_cache_equals_log().await;
    node.close().await;
    let unwatched = Options { sample_every: 0, ..every(&database, 10) };
    let node = Node::open_with(unwatched).await;
    assert_eq!(balance_after(&node, customer, 5).await, 410);
    assert!(node.counts().loaded_events < 50, "{:?}", node.counts());
    node.close().await;
}

#[tokio::test]
async fn without_snapshots_everything_is_the_same() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 61).await;
    tamper(&pool, "delete from journal.snapshots").await;
    for every_events in [0, 10] {
        let node = Node::open_with(every(&database, every_events)).await;
        balance_after(&node, customer, 1).await;
        let counts = node.counts();
        assert_eq!((counts.snapshots_used, counts.snapshots_rejected), (0, 0), "{counts:?}");
        node.assert_cache_equals_log().await;
        if every_events == 0 {
            node.close().await;
            let written: i64 =
                sqlx::query_scalar("select count(*) from journal.snapshots").fetch_one(&pool).await.unwrap();
            assert_eq!(written, 0);
        } else {
            // Read in full, it is written down at once, though no ten events were added.
            kept_at(&pool, customer, 62).await;
            assert_eq!(balance_after(&node, customer, 1).await, 63);
            node.close().await;
        }
    }
}

#[tokio::test]
async fn an_erased_person_is_erased_from_snapshots_too() {
    let database = database().await;
    let node = Node::open_with(every(&database, 1)).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    run(&node, top_up(customer, 1)).await;
    kept_at(node.pool(), customer, 2).await;
    let pool = superuser(&database).await;
    let states =
        "select state::text from journal.snapshots where aggregate_type = 'User' and aggregate_id = $1";
    let state = async {
        loop {
            let found: Option<String> = sqlx::query_scalar(states)
                .bind(customer.user.to_string())
                .fetch_optional(&pool)
                .await
                .unwrap();
            if let Some(found) = found {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let state = tokio::time::timeout(Duration::from_secs(30), state).await.unwrap();
    for clear in ["Person", "@example.com", "Sudirman", "1990"] {
        assert!(!state.contains(clear), "{clear} in {state}");
    }
    node.close().await;
    let forget = format!("delete from journal.person_keys where person = '{}'", customer.user);
    tamper(&pool, &forget).await;
    let node = Node::open_with(every(&database, 1)).await;
    assert_eq!(balance_after(&node, customer, 1).await, 2);
    assert!(node.counts().snapshots_used > 0);
    assert!(node.vault().sealer(customer.user.0).await.is_err());
    node.assert_cache_equals_log().await;
    assert_sound(&node).await;
    node.close().await;
}

/// Two nodes whose caches hold nearly nothing, so that nearly every command begins with a snapshot, its own node's or the
/// other's, which may be ahead of the head that the loop knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_every_three_events_on_two_racing_nodes_change_no_answer() {
    let database = database().await;
    let tight = || Options { cached_streams: 1, batch_commands: 8, ..every(&database, 3) };
    let (one, other) = (Node::open_with(tight()).await, Node::open_with(tight()).await);
    furnish(&one).await;
    let mut owners = Vec::new();
    for _ in 0..4 {
        owners.push(register_customer(&one).await);
    }
    let mut tasks = JoinSet::new();
    for task in 0..24 {
        let nodes = [one.ledger.clone(), other.ledger.clone()];
        let owner = owners[task % owners.len()];
        tasks.spawn(async move {
            for step in 0..25 {
                let topped = run(&nodes[(task + step) % 2], top_up(owner, 7)).await;
                assert_eq!(topped.balance_after_rupiah.get(), topped.balance_before_rupiah.get() + 7);
            }
        });
    }
    // Meanwhile the log is proven and refolded again and again: every snapshot is true the moment it is written.
    while !tasks.is_empty() {
        tokio::select! {
            Some(done) = tasks.join_next() => done.unwrap(),
            _ = assert_sound(&one) => {}
        }
    }
    for owner in &owners {
        assert_eq!(balance_after(&one, *owner, 1).await, 24 / 4 * 25 * 7 + 1);
    }
    for node in [&one, &other] {
        let counts = node.counts();
        assert!(counts.snapshots_used > 0 && counts.snapshots_written > 0 && counts.moved > 0, "{counts:?}");
        assert_eq!(counts.snapshots_rejected, 0, "{counts:?}");
        node.assert_cache_equals_log().await;
    }
    assert_sound(&one).await;
    let kinds: Vec<String> = sqlx::query_scalar("select distinct aggregate_type from journal.snapshots")
        .fetch_all(one.pool())
        .await
        .unwrap();
    assert!(kinds.iter().any(|kind| *kind == AggregateType::Wallet.as_str()), "{kinds:?}");
    one.close().await;
    other.close().await;
}
