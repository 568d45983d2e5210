//! Applications that nobody decides on for thirty days are given up. The clock is a calendar that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, Utc};
use lumbung::expiry::{Expiry, Settings};
use lumbung_commands::ledger::{Calendar, Options};
use serde_json::json;

use super::{Cast, someone_applies};
use crate::rest_smoke::Server;
use crate::served::{self, Folder, Http};
use crate::support::cluster::database;
use crate::support::ledger::{events, options};

/// Days that the business date is ahead of the clock.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicU64>);

impl Ahead {
    fn set(&self, days: u64) {
        self.0.store(days, Ordering::SeqCst);
    }

    fn calendar(&self) -> Calendar {
        let ahead = Arc::clone(&self.0);
        Arc::new(move |at: DateTime<Utc>| at.date_naive() + Days::new(ahead.load(Ordering::SeqCst)))
    }

    fn expiry(&self, server: &Server) -> Expiry {
        let settings =
            Settings { after_days: 30, look_every: Duration::from_millis(5), calendar: self.calendar() };
        Expiry::new(server.node(), settings)
    }
}

async fn on(ahead: &Ahead) -> Options {
    Options { calendar: ahead.calendar(), ..options(&database().await) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_thirty_days_without_a_decision() {
    let ahead = Ahead::default();
    let server = Server::start_on(on(&ahead).await).await;
    let cast = Cast::log_in(&server).await;
    let expiry = ahead.expiry(&server);
    cast.select(&server, 1).await.ok(200);
    let loan = cast.borrow(&server, 3_000_000).await;
    ahead.set(30);
    assert_eq!(expiry.round().await.unwrap(), 0);
    // A decision on the last day begins the wait anew.
    cast.approve(&server, loan, 1).await;
    ahead.set(60);
    server.get("/api/loans", &cast.john).await.ok(200);
    assert_eq!(expiry.round().await.unwrap(), 0);
    ahead.set(61);
    assert_eq!(expiry.round().await.unwrap(), 1);
    server.get("/api/loans", &cast.john).await.ok(200);
    assert_eq!(expiry.round().await.unwrap(), 0);

    let shown = server.get(&format!("/api/loans/{loan}"), &cast.john).await;
    assert_eq!(shown.headers["etag"], "\"3\"");
    assert_eq!(shown.ok(200)["status"], "EXPIRED");
    let history = cast.history(&server, loan).await;
    assert_eq!(history.as_array().unwrap().len(), 3);
    let last = &history[2];
    assert_eq!((&last["status"], &last["approvedBy"]), (&json!("EXPIRED"), &json!("System")));
    assert_eq!((&last["approvedByRole"], &last["approvedByBranchName"]), (&json!("SYSTEM"), &json!(null)));
    assert_eq!(last["note"], "Nobody decided on the loan application in time");
    for officer in &cast.officers {
        assert_eq!(server.get("/api/approval/pending", officer).await.ok(200), json!([]));
    }
    let late = server.post(&format!("/api/approval/{loan}/approve"), &cast.officers[1], json!({})).await;
    assert_eq!(late.error().1, "LOAN_WRONG_STATUS");
    let cancel = server.post(&format!("/api/loans/{loan}/cancel"), &cast.john, json!({})).await;
    assert_eq!(cancel.error().1, "LOAN_NOT_PENDING");
    // The whole plafond may be asked for again.
    cast.borrow(&server, 5_000_000).await;
}

/// More than one page, looked through by two nodes at once while officers decide: every loan ends once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_once_however_many_nodes_look() {
    let ahead = Ahead::default();
    let options = on(&ahead).await;
    let servers = [Server::start_on(options.clone()).await, Server::start_on(options).await];
    let ledger = &servers[0].node().ledger;
    let mut loans = Vec::new();
    for _ in 0..150 {
        loans.push(someone_applies(ledger).await);
    }
    let cast = Cast::log_in(&servers[1]).await;
    ahead.set(31);
    let head = ledger.head().await.unwrap().position;
    for server in &servers {
        let freshness = server.node().reader.freshness();
        freshness.wait_for(head, Duration::from_secs(60)).await.unwrap();
    }
    let decide = async {
        let mut decided = 0;
        for loan in loans.iter().rev() {
            let path = format!("/api/approval/{loan}/approve");
            let answer = servers[1].post(&path, &cast.officers[0], json!({})).await;
            if answer.status == 200 {
                decided += 1;
            } else {
                assert_eq!(answer.error().1, "LOAN_WRONG_STATUS");
            }
        }
        decided
    };
    let [one, other] = [ahead.expiry(&servers[0]), ahead.expiry(&servers[1])];
    let look = async { one.round().await.unwrap() + other.round().await.unwrap() };
    let both = async { one.round().await.unwrap() };
    let (decided, expired, more) = tokio::join!(decide, look, both);
    let expired = expired + more;
    assert_eq!(decided + expired, 150, "{decided} decided, {expired} expired");
    assert!(expired > 0);
    let of = |kind: &'static str| events(ledger, kind);
    assert_eq!(of("LoanExpired").await, i64::try_from(expired).unwrap());
    assert_eq!(of("PlafondReleased").await, i64::try_from(expired).unwrap());
    assert_eq!(of("LoanApproved").await, i64::try_from(decided).unwrap());
}

/// The task of a node that was away finds what is due by itself, and ends when told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_late_does_what_is_due() {
    let ahead = Ahead::default();
    let server = Server::start_on(on(&ahead).await).await;
    let cast = Cast::log_in(&server).await;
    cast.select(&server, 1).await.ok(200);
    let loan = cast.borrow(&server, 3_000_000).await;
    let running = ahead.expiry(&server).start();
    let before = server.node().ledger.feed().reached();
    ahead.set(31);
    // Two events: of the loan and of the plafond.
    let freshness = server.node().reader.freshness();
    freshness.wait_for(before + 2, Duration::from_secs(60)).await.unwrap();
    assert_eq!(server.get(&format!("/api/loans/{loan}"), &cast.john).await.ok(200)["status"], "EXPIRED");
    running.stopped().await;
}

/// The real server, with an application of forty days ago.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_does_it_also_after_a_kill() {
    let folder = Folder::new();
    let server = served::Server::start(&folder).await;
    let attached = folder.attach().await;
    let long_ago: Calendar = Arc::new(|at: DateTime<Utc>| at.date_naive() - Days::new(40));
    let (ledger, task) = attached.ledger_on(long_ago).await;
    let loan = someone_applies(&ledger).await;
    let position = ledger.head().await.unwrap().position;
    drop(ledger);
    task.finished().await.unwrap();
    attached.leave().await;
    let http = Http::new();
    let officer = http.login(server.address(), "backoffice@loan.com", "backoffice123").await;
    let status = async |server: &served::Server, at_least: i64| {
        let path = format!("/api/loans/{loan}");
        let told = http.get(server.address(), &path, Some(&officer)).await.unwrap();
        let shows: i64 = told.header("Ledger-Position").map_or(0, |position| position.parse().unwrap());
        (shows >= at_least).then(|| told.data()["status"].as_str().unwrap().to_owned())
    };
    while status(&server, position).await.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill().await;
    let server = served::Server::start(&folder).await;
    let started = Instant::now();
    while status(&server, position).await.as_deref() != Some("EXPIRED") {
        assert!(started.elapsed() < Duration::from_secs(60), "the server said:\n{}", server.said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(server.stop().await.success());
}
