//! The ledger's clock: what it says is when an event was recorded, but never before the one in front of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use chrono::{DateTime, Utc};
use lumbung_commands::ledger::Options;
use lumbung_commands::reference::DefineReferenceData;
use lumbung_journal::read;

use crate::support::cluster::database;
use crate::support::ledger::{Node, options, run};
use crate::support::people::{register_customer, top_up};

/// In 2001, with more digits than are stored.
const THEN: i64 = 1_000_000_000;

#[tokio::test]
async fn the_clock_says_when_and_time_never_goes_back() {
    let seconds = Arc::new(AtomicI64::new(THEN));
    let hands = Arc::clone(&seconds);
    let clock = Arc::new(move || DateTime::from_timestamp(hands.load(SeqCst), 123_456_789).unwrap());
    let node = Node::open_with(Options { clock, ..options(&database().await) }).await;
    let at = |seconds| DateTime::from_timestamp(seconds, 123_456_000).unwrap();
    run(&node, DefineReferenceData).await;
    let customer = register_customer(&node).await;
    assert!(recorded(&node).await.iter().all(|recorded| *recorded == at(THEN)), "from the first event on");
    for (set, expected) in [(THEN - 86_400, THEN), (THEN + 60, THEN + 60), (THEN + 30, THEN + 60)] {
        seconds.store(set, SeqCst);
        let answer = node.execute(top_up(customer, 1), Default::default()).await.unwrap();
        answer.outcome.unwrap();
        assert_eq!(answer.answered_at, at(expected));
        assert_eq!(recorded(&node).await.last(), Some(&at(expected)));
    }
    node.close().await;
}

async fn recorded(node: &Node) -> Vec<DateTime<Utc>> {
    let records = read::after(node.pool(), 0, 10_000).await.unwrap();
    records.iter().map(|record| record.recorded_at).collect()
}
