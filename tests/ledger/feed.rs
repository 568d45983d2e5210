//! Whoever follows the log gets every event once and in order, however far behind.

use lumbung_commands::{Book, Call, Halt, Ledger, UseCase};
use lumbung_journal::feed::RING_FACTS;

use super::odd::Take;
use crate::support::cluster::database;
use crate::support::ledger::{Node, furnish, run};
use crate::support::people::{register_customer, top_up};

/// The positions that follow `from`, up to where the node has come, read at most about `limit` at a time.
async fn follow(ledger: &Ledger, from: i64, limit: usize) -> Vec<i64> {
    let (mut position, mut positions) = (from, Vec::new());
    loop {
        let facts = ledger.feed().after(position, limit).await.unwrap();
        if facts.is_empty() {
            return positions;
        }
        positions.extend(facts.iter().flat_map(|batch| batch.iter().map(|fact| fact.position)));
        position = *positions.last().unwrap();
    }
}

#[tokio::test]
async fn a_follower_on_each_node_gets_what_both_wrote() {
    let database = database().await;
    let (one, other) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&one).await;
    let customer = register_customer(&one).await;
    for turn in 0..40 {
        run(if turn % 2 == 0 { &one } else { &other }, top_up(customer, 1)).await;
    }
    let end = other.head().await.unwrap().position;
    // Told by notification, without any command of its own.
    one.feed().watch().wait_for(|reached| *reached >= end).await.unwrap();
    let all: Vec<i64> = (1..=end).collect();
    for node in [&one, &other] {
        for limit in [1, 7, 1_000] {
            assert_eq!(follow(node, 0, limit).await, all, "{limit} at a time");
            assert_eq!(follow(node, end - 3, limit).await, all[all.len() - 3..]);
            assert_eq!(follow(node, end, limit).await, Vec::<i64>::new());
        }
    }
    one.close().await;
    other.close().await;
}

/// Many events at once.
struct TakeMany(String, usize);

impl UseCase for TakeMany {
    const NAME: &'static str = "TakeMany";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let names = (0..self.1).map(|n| format!("{}{n}", self.0));
        book.prefetch(names.clone().map(lumbung_domain::StreamId::of::<lumbung_domain::Claim>));
        names.into_iter().try_for_each(|name| Take(name).decide(book))
    }
}

#[tokio::test]
async fn a_follower_far_behind_the_ring_reads_the_log_and_catches_up() {
    let database = database().await;
    let node = Node::open(&database).await;
    let turns = RING_FACTS / 1_000 + 2;
    for turn in 0..turns {
        run(&node, TakeMany(format!("{turn}-"), 1_000)).await;
    }
    let end = node.head().await.unwrap().position;
    assert_eq!(end, 1 + turns as i64 * 1_000);
    assert_eq!(follow(&node, 0, 700).await, (1..=end).collect::<Vec<_>>());
    // A new node's ring is empty.
    let fresh = Node::open(&database).await;
    fresh.execute(Take("one more".to_owned()), Call::default()).await.unwrap().outcome.unwrap();
    assert_eq!(follow(&fresh, 0, 5_000).await, (1..=end + 1).collect::<Vec<_>>());
    fresh.close().await;
    node.close().await;
}
