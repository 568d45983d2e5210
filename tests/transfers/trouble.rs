//! What the manager does when the ledger cannot, or does not, answer.

use std::time::Duration;

use lumbung_commands::Expected;
use lumbung_commands::settlement::SettlementState;
use lumbung_commands::transfer::RetryTransfer;
use lumbung_domain::{RoleId, TransferStatus};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Executor, Pool, Postgres};

use super::start::{balance, doubled, settle, start, story, until};
use crate::support::cluster::{database, superuser};
use crate::support::ledger::{Node, furnish, options, run};
use crate::support::people::{register_customer, register_staff, top_up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_that_fails_again_and_again_is_parked_and_the_others_go_on() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let operator = register_staff(&node, RoleId::OPERATOR, None).await;
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(register_customer(&node).await);
    }
    let (from, cursed, to) = (people[0], people[1], people[2]);
    run(&node, top_up(from, 1_000)).await;
    let pool = superuser(&database).await;
    let curse = format!(
        "alter table journal.events add constraint cursed
         check (aggregate_id <> '{}' or event_type <> 'WalletCredited') not valid",
        cursed.user
    );
    pool.execute(curse.as_str()).await.unwrap();
    let settlement = settle(&database, &node);
    let failing = start(&node, from, cursed, 10).await;
    let good = start(&node, from, to, 10).await;
    until(&node, good, TransferStatus::Success).await;
    until(&node, failing, TransferStatus::Parked).await;
    let because: String = sqlx::query_scalar(
        "select payload -> 'TransferParked' ->> 'because' from journal.events where event_type = 'TransferParked'",
    )
    .fetch_one(node.pool())
    .await
    .unwrap();
    assert_eq!(because, "FAILING");
    pool.execute("alter table journal.events drop constraint cursed").await.unwrap();
    run(&node, RetryTransfer { actor: operator, transfer: failing, expected: Expected::Anything }).await;
    until(&node, failing, TransferStatus::Success).await;
    let told = ["TransferStarted", "TransferParked", "TransferRetried", "TransferSettled"];
    assert_eq!(story(&node, failing).await, told);
    assert_eq!((balance(&node, from).await, balance(&node, cursed).await), (980, 10));
    let progress = settlement.progress();
    settlement.stopped().await;
    let counts = progress.counts();
    assert_eq!((counts.settled, counts.retried, counts.parked), (2, 5, 1));
    node.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_is_away_is_waited_for_and_nothing_is_parked() {
    let database = database().await;
    let mut options = options(&database);
    options.answer_within = Duration::from_millis(100);
    let settling = Node::open_with(options).await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (from, to) = (register_customer(&node).await, register_customer(&node).await);
    run(&node, top_up(from, 1_000)).await;
    let transfer = start(&node, from, to, 10).await;
    let mut connection = superuser(&database).await.acquire().await.unwrap();
    connection.execute("begin; lock table journal.events in exclusive mode").await.unwrap();
    let settlement = settle(&database, &settling);
    let progress = settlement.progress();
    let waiting = async {
        // More often than a command may fail.
        while progress.counts().retried < 8 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it gave up");
    connection.execute("rollback").await.unwrap();
    until(&node, transfer, TransferStatus::Success).await;
    assert_eq!(story(&node, transfer).await, ["TransferStarted", "TransferSettled"]);
    assert_eq!((balance(&node, to).await, doubled(&node).await), (10, 0));
    settlement.stopped().await;
    settling.close().await;
    node.close().await;
}

/// A node with a transfer behind its ring, as one has that starts on a log that is there, and a lock on a table.
async fn behind_a_lock(
    database: &PgConnectOptions,
    table: &str,
) -> (Node, Pool<Postgres>, PoolConnection<Postgres>) {
    let before = Node::open(database).await;
    furnish(&before).await;
    let (from, to) = (register_customer(&before).await, register_customer(&before).await);
    run(&before, top_up(from, 1_000)).await;
    start(&before, from, to, 10).await;
    before.close().await;
    let node = Node::open(database).await;
    let pool = superuser(database).await;
    let mut lock = pool.acquire().await.unwrap();
    lock.execute(format!("begin; lock table {table} in access exclusive mode").as_str()).await.unwrap();
    (node, pool, lock)
}

/// The server process of the lease, once it is another one than `last`.
async fn holder(pool: &Pool<Postgres>, last: Option<i32>) -> i32 {
    let sql =
        "select pid from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory' and granted
         and application_name = 'lumbung-settlement' and datname = current_database()";
    soon(async || {
        let found: Option<i32> = sqlx::query_scalar(sql).fetch_optional(pool).await.unwrap();
        found.filter(|pid| Some(*pid) != last)
    })
    .await
}

/// What is so in the end.
async fn soon<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.expect("it never was so")
}

/// However long the log is that it reads on from its checkpoint, it is seen to work, to lose its lease and to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_that_still_reads_is_under_watch() {
    let database = database().await;
    let (node, pool, mut lock) = behind_a_lock(&database, "journal.events").await;
    let settlement = settle(&database, &node);
    let progress = settlement.progress();
    let works = progress.until(|state| matches!(state, SettlementState::Running { .. }));
    assert!(tokio::time::timeout(Duration::from_secs(60), works).await.expect("nobody sees it work"));
    let first = holder(&pool, None).await;
    sqlx::query("select pg_terminate_backend($1)").bind(first).execute(&pool).await.unwrap();
    holder(&pool, Some(first)).await;
    tokio::time::timeout(Duration::from_secs(60), settlement.stopped()).await.expect("it never ends");
    assert_eq!(progress.state(), SettlementState::Standby);
    lock.execute("rollback").await.unwrap();
    node.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_that_waits_for_the_database_ends_all_the_same() {
    let database = database().await;
    let (node, pool, mut lock) = behind_a_lock(&database, "journal.process_checkpoints").await;
    let settlement = settle(&database, &node);
    let waiting =
        "select pid from pg_locks where not granted and relation = 'journal.process_checkpoints'::regclass";
    soon(async || sqlx::query(waiting).fetch_optional(&pool).await.unwrap()).await;
    tokio::time::timeout(Duration::from_secs(60), settlement.stopped()).await.expect("it never ends");
    lock.execute("rollback").await.unwrap();
    node.close().await;
}

/// It would have every transfer wait for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_beyond_the_log_is_not_believed() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (from, to) = (register_customer(&node).await, register_customer(&node).await);
    run(&node, top_up(from, 1_000)).await;
    let pool = superuser(&database).await;
    pool.execute(
        "insert into journal.process_checkpoints (process, position) values ('settlement', 9000000000)",
    )
    .await
    .unwrap();
    let settlement = settle(&database, &node);
    let transfer = start(&node, from, to, 10).await;
    until(&node, transfer, TransferStatus::Success).await;
    settlement.stopped().await;
    node.close().await;
}
