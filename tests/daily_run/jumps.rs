//! A clock that jumps: ahead, back, over ends of months and the 29th of February.

use super::town::{Town, assert_each_day_once, close_days, closed_through, day};
use crate::rest_smoke::Server;
use crate::support::cluster::database;
use crate::support::ledger::{assert_sound, events, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_day_of_each_loan_is_closed_once_however_the_date_jumps() {
    let server = Server::start_on(options(&database().await)).await;
    let (node, ledger) = (server.node(), &server.node().ledger);
    let town = Town::settle(ledger).await;
    let running = close_days(node);
    let mut furthest = day("2027-10-31");
    town.set_date(ledger, furthest).await;
    town.lend(ledger, 12).await;
    for date in [
        "2027-11-01",
        "2027-11-30",
        "2027-11-29",
        "2027-12-31",
        "2027-12-01",
        "2028-01-31",
        "2028-02-28",
        "2028-02-29",
        "2028-03-01",
        "2028-02-29",
        "2028-03-31",
        "2028-03-01",
        "2028-05-31",
        "2027-10-31",
        "2028-06-01",
    ] {
        let date = day(date);
        town.set_date(ledger, date).await;
        // Lent on whatever day it is, and already behind if the date went back.
        town.lend(ledger, 6).await;
        closed_through(node, date).await;
        furthest = furthest.max(date);
    }
    // Faster than anybody can follow.
    for date in ["2028-06-30", "2028-02-29", "2028-09-30", "2028-07-01", "2028-08-31"] {
        town.set_date(ledger, day(date)).await;
    }
    furthest = day("2028-12-31");
    town.set_date(ledger, furthest).await;
    closed_through(node, furthest).await;
    let closed = assert_each_day_once(ledger.pool(), furthest).await;
    assert_eq!(closed as i64, events(ledger, "LoanDayClosed").await);
    assert_eq!(events(ledger, "LoanScheduled").await, 16);
    let counts = node.daily_run.counts();
    assert_eq!((counts.days, counts.failures), (closed as u64, 0));
    running.stopped().await;
    assert_sound(ledger).await;
}
