//! An open REPEATABLE READ transaction holds back the removal of dead rows; appends must leave none to trip over.

use std::time::{Duration, Instant};

use lumbung_commands::ledger::Options;
use lumbung_commands::{Actor, Ledger};
use sqlx::{Connection, Executor, PgConnection};
use tokio::task::JoinSet;

use crate::support::cluster::database;
use crate::support::ledger::{Node, assert_sound, furnish, options, run};
use crate::support::people::{register_customer, top_up};

const CHUNK: u32 = 400;

/// The shortest of the times that chunks of appends take, for as long as `within`: the least disturbed by whatever else
/// this machine does.
async fn best_chunk(ledger: &Ledger, customers: &[Actor], within: Duration) -> Duration {
    let end = Instant::now() + within;
    let mut best = Duration::MAX;
    while Instant::now() < end {
        let started = Instant::now();
        let mut callers = JoinSet::new();
        for customer in customers {
            let (ledger, customer) = (ledger.clone(), *customer);
            callers.spawn(async move {
                for _ in 0..CHUNK / 16 {
                    run(&ledger, top_up(customer, 1)).await;
                }
            });
        }
        callers.join_all().await;
        best = best.min(started.elapsed());
    }
    best
}

#[tokio::test]
async fn an_open_snapshot_does_not_slow_appends() {
    let database = database().await;
    let node = Node::open_with(Options { sample_every: 0, ..options(&database) }).await;
    furnish(&node).await;
    let mut customers = Vec::new();
    for _ in 0..16 {
        customers.push(register_customer(&node).await);
    }
    let before = best_chunk(&node, &customers, Duration::from_secs(2)).await;

    let mut reader = PgConnection::connect_with(&database).await.unwrap();
    let open = "begin isolation level repeatable read; select count(*) from journal.events";
    reader.execute(open).await.unwrap();
    best_chunk(&node, &customers, Duration::from_secs(3)).await;
    let under = best_chunk(&node, &customers, Duration::from_secs(2)).await;
    // Generous, for this is no benchmark: a head row that every batch updates is several times slower by now.
    assert!(
        under < before * 2,
        "{CHUNK} appends took {before:?} before and {under:?} under an open snapshot"
    );

    reader.execute("commit").await.unwrap();
    assert_sound(&node).await;
    node.close().await;
}
