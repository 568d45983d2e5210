//! What is decided on a batch that is still on its way counts only if that batch gets in as it was.

use std::time::Duration;

use lumbung_commands::Call;
use sqlx::{Connection, Executor, PgConnection};
use tokio::task::JoinSet;

use crate::support::cluster::database;
use crate::support::ledger::{Node, assert_sound, furnish, run};
use crate::support::people::{register_customer, top_up};

/// The lock behind which all appends stand.
const LEDGER: &str = "begin; select pg_advisory_xact_lock(5492307)";

/// How many appends to this database wait for the lock.
async fn waiting(connection: &mut PgConnection) -> i64 {
    let sql = "select count(*) from pg_locks where locktype = 'advisory' and not granted and objid = 5492307
               and database = (select oid from pg_database where datname = current_database())";
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

async fn wait_for(connection: &mut PgConnection, appends: i64) {
    let wait = async {
        while waiting(connection).await < appends {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap();
}

#[tokio::test]
async fn a_batch_on_top_of_one_that_lost_the_race_is_decided_again() {
    let database = database().await;
    let (winner, loser) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&winner).await;
    let customer = register_customer(&winner).await;
    // Both hold the wallet in memory.
    run(&winner, top_up(customer, 1)).await;
    assert_eq!(run(&loser, top_up(customer, 1)).await.balance_after_rupiah.get(), 2);
    run(&winner, top_up(customer, 1)).await;

    let mut blocker = PgConnection::connect_with(&database).await.unwrap();
    let mut watcher = PgConnection::connect_with(&database).await.unwrap();
    blocker.execute(LEDGER).await.unwrap();
    let ledger = winner.ledger.clone();
    let first = tokio::spawn(async move { run(&ledger, top_up(customer, 10)).await });
    wait_for(&mut watcher, 1).await;
    let mut behind = JoinSet::new();
    let ledger = loser.ledger.clone();
    behind.spawn(async move { ledger.execute(top_up(customer, 100), Call::default()).await.unwrap() });
    wait_for(&mut watcher, 2).await;
    for _ in 0..5 {
        let ledger = loser.ledger.clone();
        behind.spawn(async move { ledger.execute(top_up(customer, 1_000), Call::default()).await.unwrap() });
    }
    for _ in 0..100 {
        // The loop takes them and decides them on the batch that waits.
        tokio::task::yield_now().await;
    }
    blocker.execute("commit").await.unwrap();

    assert_eq!(first.await.unwrap().balance_after_rupiah.get(), 13);
    let mut balances: Vec<i64> = behind
        .join_all()
        .await
        .into_iter()
        .map(|answer| answer.outcome.unwrap().balance_after_rupiah.get())
        .collect();
    balances.sort_unstable();
    assert_eq!(balances, [113, 1_113, 2_113, 3_113, 4_113, 5_113]);
    assert!(loser.counts().moved > 0, "{:?}", loser.counts());
    assert_sound(&winner).await;
    for node in [winner, loser] {
        node.assert_cache_equals_log().await;
        node.close().await;
    }
}

#[tokio::test]
async fn what_came_while_a_batch_was_on_its_way_goes_in_together_behind_it() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    run(&node, top_up(customer, 1)).await;
    let mut blocker = PgConnection::connect_with(&database).await.unwrap();
    let mut watcher = PgConnection::connect_with(&database).await.unwrap();
    blocker.execute(LEDGER).await.unwrap();
    let before = node.counts();
    let mut callers = JoinSet::new();
    for caller in 0..21 {
        let ledger = node.ledger.clone();
        callers.spawn(async move { run(&ledger, top_up(customer, 1)).await.balance_after_rupiah.get() });
        if caller == 0 {
            wait_for(&mut watcher, 1).await;
        }
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.counts(), before, "answered before the commit");
    blocker.execute("commit").await.unwrap();
    let mut balances = callers.join_all().await;
    balances.sort_unstable();
    assert_eq!(balances, (2..=22).collect::<Vec<_>>());
    assert_eq!(node.counts().batches - before.batches, 2);
    assert_sound(&node).await;
    node.assert_cache_equals_log().await;
    node.close().await;
}
