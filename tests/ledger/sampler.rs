//! Comparing what is held in memory with the log, while callers wait: so much and no more.

use lumbung_commands::ledger::Options;

use super::snapshots::kept_at;
use crate::support::cluster::database;
use crate::support::ledger::{Node, furnish, options, run};
use crate::support::people::{register_customer, top_up};

#[tokio::test]
async fn a_comparison_folds_no_more_events_than_it_may_and_says_what_it_passed_over() {
    let database = database().await;
    let bounded =
        |sample_events| Options { sample_every: 0, sample_events, snapshot_every: 10, ..options(&database) };
    let node = Node::open_with(bounded(60)).await;
    furnish(&node).await;
    let mut customers = Vec::new();
    for _ in 0..4 {
        customers.push(register_customer(&node).await);
    }
    for customer in &customers {
        for _ in 0..30 {
            run(&node, top_up(*customer, 1)).await;
        }
    }
    let before = node.counts().loaded_events;
    let check = node.check_cache().await.unwrap();
    let read = node.counts().loaded_events - before;
    assert!(read <= 60, "{read} events: {check:?}");
    // At most one of four wallets has room beside the other streams, or two.
    assert!(check.passed_over >= 2 && check.compared > 0, "{check:?}");
    assert_eq!((check.different, check.from_snapshot), (0, 0), "{check:?}");
    for customer in &customers {
        kept_at(node.pool(), *customer, 30).await;
    }
    node.close().await;

    // Longer than a whole sample: some begin with their snapshots, and it says so.
    let node = Node::open_with(bounded(30)).await;
    for customer in &customers {
        run(&node, top_up(*customer, 1)).await;
    }
    let before = node.counts().loaded_events;
    let check = node.check_cache().await.unwrap();
    assert!(node.counts().loaded_events - before <= 30, "{check:?}");
    assert!((1..=2).contains(&check.from_snapshot) && check.passed_over >= 2, "{check:?}");
    assert_eq!(check.different, 0, "{check:?}");
    node.close().await;

    // Without a bound all of it is folded from the first event.
    let node = Node::open_with(bounded(u64::MAX)).await;
    for customer in &customers {
        run(&node, top_up(*customer, 1)).await;
    }
    node.assert_cache_equals_log().await;
    node.close().await;
}
