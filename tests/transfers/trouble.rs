//! What the manager does when the ledger cannot, or does not, answer.

use std::time::Duration;

use lumbung_commands::Expected;
use lumbung_commands::transfer::RetryTransfer;
use lumbung_domain::{RoleId, TransferStatus};
use sqlx::Executor;

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
