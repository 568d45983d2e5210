//! The process manager dies, comes back, and is two at once.

use std::time::Duration;

use lumbung_commands::settlement::{PROCESS, SettlementState};
use lumbung_domain::TransferStatus;
use lumbung_journal::process;
use tokio::task::JoinSet;

use super::start::{balance, doubled, sending, settle, start, story, until};
use crate::support::cluster::database;
use crate::support::ledger::{Node, assert_sound, events, furnish, run};
use crate::support::people::{register_customer, top_up};

fn running(state: &SettlementState) -> bool {
    matches!(state, SettlementState::Running { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_takes_over_what_one_has_seen() {
    let database = database().await;
    let (one, two) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&one).await;
    let (from, to) = (register_customer(&one).await, register_customer(&one).await);
    run(&one, top_up(from, 1_000)).await;
    let first = settle(&database, &one);
    assert!(first.progress().until(running).await);
    let second = settle(&database, &two);
    // Wherever it is started.
    for node in [&one, &two] {
        let transfer = start(node, from, to, 10).await;
        until(node, transfer, TransferStatus::Success).await;
    }
    assert_eq!(second.progress().state(), SettlementState::Standby);
    first.abandon();
    let transfer = start(&one, from, to, 10).await;
    until(&one, transfer, TransferStatus::Success).await;
    assert!(running(&second.progress().state()));
    second.stopped().await;
    assert_eq!((balance(&two, to).await, doubled(&one).await), (30, 0));
    for node in [one, two] {
        node.close().await;
    }
}

/// Wherever it was when it ended, the next one goes on; and what they began together they do once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_ends_anywhere_settle_everything_once() {
    const TRANSFERS: i64 = 3_000;
    let database = database().await;
    let (one, two) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&one).await;
    let (from, to) = (register_customer(&one).await, register_customer(&one).await);
    run(&one, top_up(from, TRANSFERS)).await;
    let mut senders = JoinSet::new();
    for number in 0..10 {
        let ledger = if number % 2 == 0 { one.ledger.clone() } else { two.ledger.clone() };
        senders.spawn(async move {
            for _ in 0..TRANSFERS / 10 {
                run(&ledger, sending(from, to, 1)).await;
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        });
    }
    for end in 0..200_u64 {
        let settlement = settle(&database, if end % 3 == 0 { &two } else { &one });
        if end % 4 > 0 {
            let progress = settlement.progress();
            let works = tokio::time::timeout(Duration::from_secs(60), progress.until(running)).await;
            assert!(works.expect("it never came to work"), "it is gone");
        }
        // Primes, so that the ends fall everywhere between its steps.
        tokio::time::sleep(Duration::from_micros(end * 7_919 % 30_011)).await;
        settlement.abandon();
    }
    senders.join_all().await;
    let last = settle(&database, &one);
    let finished = async {
        while events(&one, "TransferSettled").await < TRANSFERS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), finished).await.expect("some are left");
    last.stopped().await;
    assert_eq!((doubled(&one).await, balance(&two, to).await, balance(&two, from).await), (0, TRANSFERS, 0));
    let noted = process::checkpoint(one.pool(), PROCESS).await.unwrap();
    assert!(noted > 0 && noted <= one.feed().reached());
    assert_sound(&one).await;
    for node in [one, two] {
        node.assert_cache_equals_log().await;
        node.close().await;
    }
}

/// A checkpoint that is far behind costs time and changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_was_lost_doubles_nothing() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (from, to) = (register_customer(&node).await, register_customer(&node).await);
    run(&node, top_up(from, 1_000)).await;
    let settlement = settle(&database, &node);
    let mut transfers = Vec::new();
    for _ in 0..100 {
        transfers.push(start(&node, from, to, 1).await);
    }
    for transfer in &transfers {
        until(&node, *transfer, TransferStatus::Success).await;
    }
    settlement.stopped().await;
    assert!(process::checkpoint(node.pool(), PROCESS).await.unwrap() > 0);
    sqlx::query("delete from journal.process_checkpoints").execute(node.pool()).await.unwrap();
    let settlement = settle(&database, &node);
    let last = start(&node, from, to, 1).await;
    until(&node, last, TransferStatus::Success).await;
    let progress = settlement.progress();
    settlement.stopped().await;
    // It found in the log that the others were over, and asked for none of them.
    assert_eq!(progress.counts().settled, 1);
    assert_eq!((doubled(&node).await, balance(&node, to).await), (0, 101));
    assert_eq!(story(&node, transfers[0]).await.len(), 2);
    node.close().await;
}
