//! How a transfer ends.

use lumbung_domain::TransferStatus;

use super::start::{Deactivate, Fill, balance, doubled, hold_back, settle, start, status, story, until};
use crate::support::cluster::database;
use crate::support::ledger::{Node, assert_sound, furnish, run};
use crate::support::people::{register_customer, top_up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_gets_the_money() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (from, to) = (register_customer(&node).await, register_customer(&node).await);
    run(&node, top_up(from, 1_000)).await;
    let settlement = settle(&database, &node);
    for _ in 0..20 {
        let transfer = start(&node, from, to, 10).await;
        until(&node, transfer, TransferStatus::Success).await;
        assert_eq!(story(&node, transfer).await, ["TransferStarted", "TransferSettled"]);
    }
    assert_eq!((balance(&node, from).await, balance(&node, to).await), (800, 200));
    settlement.stopped().await;
    assert_sound(&node).await;
    node.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sender_gets_it_back_when_the_receiver_cannot_take_it() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(register_customer(&node).await);
    }
    let (from, gone, full, fits) = (people[0], people[1], people[2], people[3]);
    run(&node, top_up(from, 1_000)).await;
    let held = hold_back(&database).await;
    let settlement = settle(&database, &node);
    let [to_gone, to_full, to_fits] = [
        start(&node, from, gone, 300).await,
        start(&node, from, full, 301).await,
        start(&node, from, fits, 300).await,
    ];
    run(&node, Deactivate(gone.user)).await;
    run(&node, Fill { owner: full.user, room: 300 }).await;
    run(&node, Fill { owner: fits.user, room: 300 }).await;
    for transfer in [to_gone, to_full, to_fits] {
        assert_eq!(status(&node, transfer).await, TransferStatus::Pending);
    }
    held.give_back().await;
    until(&node, to_gone, TransferStatus::Returned).await;
    until(&node, to_full, TransferStatus::Returned).await;
    until(&node, to_fits, TransferStatus::Success).await;
    assert_eq!((balance(&node, from).await, balance(&node, gone).await), (700, 0));
    let reasons: Vec<String> = sqlx::query_scalar(
        "select payload -> 'TransferReturned' ->> 'because' from journal.events
         where event_type = 'TransferReturned' order by 1",
    )
    .fetch_all(node.pool())
    .await
    .unwrap();
    // Settled side by side, in either order.
    assert_eq!(reasons, ["TARGET_BALANCE_TOO_LARGE", "TARGET_NOT_ACTIVE"]);
    assert_eq!(doubled(&node).await, 0);
    settlement.stopped().await;
    assert_sound(&node).await;
    node.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_nobody_can_take_waits_for_an_operator() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (from, to) = (register_customer(&node).await, register_customer(&node).await);
    run(&node, top_up(from, 300)).await;
    let held = hold_back(&database).await;
    let settlement = settle(&database, &node);
    let transfer = start(&node, from, to, 300).await;
    run(&node, Deactivate(to.user)).await;
    run(&node, Fill { owner: from.user, room: 299 }).await;
    held.give_back().await;
    until(&node, transfer, TransferStatus::Parked).await;
    assert_eq!(story(&node, transfer).await, ["TransferStarted", "TransferParked"]);
    let progress = settlement.progress();
    // The log tells of it before the manager has its answer.
    settlement.stopped().await;
    let counts = progress.counts();
    assert_eq!((counts.settled, counts.returned, counts.parked), (0, 0, 1));
    assert_sound(&node).await;
    node.close().await;
}
