//! Old loans after a restart: each is read from its snapshot and the few events behind it.

use std::time::Duration;

use lumbung_commands::ledger::Options;
use lumbung_commands::loan::servicing::CloseLoanDays;

use super::town::{Town, day};
use crate::support::cluster::database;
use crate::support::ledger::{Node, assert_sound, furnish, options, run};

const LOANS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_loans_are_opened_from_their_snapshots_and_what_is_behind_them() {
    let database = database().await;
    let production = || Options { sample_every: 0, snapshot_every: 500, ..options(&database) };
    let node = Node::open_with(production()).await;
    furnish(&node).await;
    let town = Town::settle(&node).await;
    town.set_date(&node, day("2028-01-31")).await;
    let mut loans = Vec::new();
    for _ in 0..LOANS {
        loans.push(town.lend(&node, 6).await.loan);
    }
    // Sixty days at once are written down at once, ten more are not.
    for date in ["2028-03-31", "2028-04-10"] {
        town.set_date(&node, day(date)).await;
        for loan in &loans {
            run(&node, CloseLoanDays { loan: *loan }).await;
        }
        let kept = async {
            let sql = "select count(*) from journal.snapshots where aggregate_type = 'Loan'";
            while sqlx::query_scalar::<_, i64>(sql).fetch_one(node.pool()).await.unwrap() < LOANS as i64 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), kept).await.expect("they were not written down");
    }
    node.close().await;
    let node = Node::open_with(production()).await;
    town.set_date(&node, day("2028-04-11")).await;
    let before = node.counts();
    for loan in &loans {
        assert_eq!(run(&node, CloseLoanDays { loan: *loan }).await.days, 1);
    }
    let counts = node.counts();
    assert_eq!((counts.snapshots_used, counts.snapshots_rejected), (LOANS as u64, 0), "{counts:?}");
    // Ten days each; and once the rules.
    let read = counts.loaded_events - before.loaded_events;
    assert!((LOANS as u64 * 10..LOANS as u64 * 10 + 5).contains(&read), "{read} events read");
    node.assert_cache_equals_log().await;
    assert_sound(&node).await;
    node.close().await;
}
