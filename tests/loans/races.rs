//! Many clients at once: never two open applications of one customer, never past the limit, one decision each.
//!
//! `LUMBUNG_SUBMISSIONS` (200) applications go over `LUMBUNG_CONNECTIONS` (16) connections, and `LUMBUNG_RACES` (60) decisions
//! are raced for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use lumbung_domain::{AnyEvent, LoanEvent, LoanNumber, LoanStatus, Permission, PlafondEvent, RoleId};
use lumbung_journal::{codec, read};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Cast;
use super::order::Allow;
use crate::crash::setting;
use crate::rest_smoke::Server;
use crate::served::{Http, Request};
use crate::support::ledger::{assert_sound, run};

/// How often an application that was refused is handed in again.
const AGAIN: usize = 4;
/// At least so many are accepted: each way to end comes four times.
const ENOUGH: u64 = 16;
/// A slow machine gets so many times the applications to accept enough.
const PATIENCE: u64 = 50;
/// Of PLATINUM.
const LIMIT: i64 = 50_000_000;
const LEAST: i64 = 1_000_000;

struct Crowd {
    address: String,
    connections: u64,
    cast: Cast,
    submissions: u64,
    /// Applications handed in.
    handed_in: AtomicU64,
    accepted: AtomicU64,
    replayed: AtomicU64,
    /// The application that was accepted last.
    open: AtomicI64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_customer_at_many_counters() {
    let submissions = setting("LUMBUNG_SUBMISSIONS").unwrap_or(200);
    let connections = setting("LUMBUNG_CONNECTIONS").unwrap_or(16);
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    cast.select(&server, 4).await.ok(200);
    let crowd = Arc::new(Crowd {
        address: server.address().to_owned(),
        connections,
        cast,
        submissions,
        handed_in: AtomicU64::new(0),
        accepted: AtomicU64::new(0),
        replayed: AtomicU64::new(0),
        open: AtomicI64::new(0),
    });
    let mut running = JoinSet::new();
    for _ in 0..connections {
        let crowd = Arc::clone(&crowd);
        // A client of its own has a connection of its own.
        running.spawn(async move { crowd.stand_in_line(&Http::new()).await });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    let accepted = crowd.accepted.load(Ordering::Relaxed);
    let found = Found::read(&server).await;
    let handed_in = crowd.handed_in.load(Ordering::Relaxed);
    println!(
        "{handed_in} applications, {accepted} accepted, {} replayed: {found:?}",
        crowd.replayed.load(Ordering::Relaxed)
    );
    assert_eq!(found.submitted, accepted, "applications in the log, and acknowledged");
    assert!(accepted >= ENOUGH, "too few were accepted to tell anything");
    assert!(found.ended.len() >= 3, "they did not end in every way");
    assert!(crowd.replayed.load(Ordering::Relaxed) > 0);
    assert_sound(&server.node().ledger).await;
}

impl Crowd {
    async fn stand_in_line(&self, http: &Http) {
        while let Some(ticket) = self.ticket() {
            // Sizes that fit alone but not together, and every third under a key, twice.
            let amount = 1_000_000 * (1 + i64::try_from(ticket).unwrap() * 7 % 50);
            match self.apply(http, ticket, amount).await {
                Some(loan) => {
                    let accepted = self.accepted.fetch_add(1, Ordering::Relaxed);
                    self.open.store(loan, Ordering::Relaxed);
                    self.end(http, loan, accepted).await;
                }
                // Who is in the way of the next one is sent home, if nobody was faster.
                None if ticket.is_multiple_of(2 * self.connections) => {
                    let open = self.open.load(Ordering::Relaxed);
                    self.post(http, &format!("/api/loans/{open}/cancel"), &self.cast.john, json!({})).await;
                }
                None => {}
            }
        }
    }

    /// The number of the next application: until all are handed in, and enough accepted.
    fn ticket(&self) -> Option<u64> {
        let ticket = self.handed_in.load(Ordering::Relaxed);
        let wanted = ticket < self.submissions
            || (self.accepted.load(Ordering::Relaxed) < ENOUGH && ticket < PATIENCE * self.submissions);
        wanted.then(|| self.handed_in.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether it was done; if not, somebody ended the application before.
    async fn post(&self, http: &Http, path: &str, token: &str, body: Value) -> bool {
        let told = http.post(&self.address, path, Some(token), body).await.unwrap();
        match (told.status, told.json()["code"].as_str()) {
            (200, _) => true,
            (400, Some("LOAN_WRONG_STATUS" | "LOAN_NOT_PENDING")) | (404, Some("LOAN_NOT_FOUND")) => false,
            (status, code) => panic!("{path}: {status} {code:?}"),
        }
    }

    /// The number of the loan, if this application was accepted.
    async fn apply(&self, http: &Http, ticket: u64, amount: i64) -> Option<i64> {
        let request = |amount: i64| {
            let body = json!({"branchId": 1, "amount": amount, "tenor": 6});
            Request::post("/api/loans", Some(&self.cast.john), body)
        };
        let told = if ticket.is_multiple_of(3) {
            let request = request(amount).keyed(&format!("application-{ticket}"));
            let (one, two) =
                tokio::join!(http.send(&self.address, &request), http.send(&self.address, &request));
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_eq!((one.status, &one.bytes), (two.status, &two.bytes), "copies of one request");
            assert!(one.replayed() != two.replayed(), "one of two copies does it");
            self.replayed.fetch_add(1, Ordering::Relaxed);
            one
        } else {
            // Without a key each of these is an application of its own.
            let mut told = http.send(&self.address, &request(amount)).await.unwrap();
            for _ in 0..AGAIN {
                // Who wants too much takes the least, so that a limit does not stay nearly used up.
                let amount = match (told.status, told.json()["code"].as_str()) {
                    (201, _) => break,
                    (_, Some("PLAFOND_EXCEEDED")) => LEAST,
                    _ => amount,
                };
                told = http.send(&self.address, &request(amount)).await.unwrap();
            }
            told
        };
        let json = told.json();
        match (told.status, json["code"].as_str()) {
            (201, _) => return json["data"]["id"].as_i64(),
            (400, Some("LOAN_ALREADY_PENDING" | "PLAFOND_EXCEEDED" | "PLAFOND_REQUIRED")) => {}
            (status, code) => panic!("{status} {code:?}: {json}"),
        }
        None
    }

    /// Lends or rejects; with what is used up, a new plafond is selected.
    async fn end(&self, http: &Http, loan: i64, accepted: u64) {
        let [marketing, manager, backoffice] = &self.cast.officers;
        let decide = |verb: &str| format!("/api/approval/{loan}/{verb}");
        let no = || json!({"note": "No"});
        match accepted % 4 {
            0 => {
                self.post(http, &decide("reject"), marketing, no()).await;
            }
            1 => {
                if self.post(http, &decide("approve"), marketing, json!({})).await {
                    self.post(http, &decide("reject"), manager, no()).await;
                }
            }
            _ => {
                for officer in [marketing, manager, backoffice] {
                    if !self.post(http, &decide("approve"), officer, json!({})).await {
                        return;
                    }
                }
                let (select, john) = (json!({"productId": 4}), Some(self.cast.john.as_str()));
                let told = http.post(&self.address, "/api/customer/plafond", john, select).await;
                assert!(matches!(told.unwrap().status, 200 | 400));
            }
        }
    }
}

/// What the log says of one customer's applications, event by event.
#[derive(Debug, Default)]
struct Found {
    submitted: u64,
    ended: BTreeMap<&'static str, u64>,
    open: Option<(LoanNumber, i64)>,
    /// Lent since the plafond was selected.
    lent: i64,
}

impl Found {
    async fn read(server: &Server) -> Self {
        let mut found = Self::default();
        let mut position = 0;
        loop {
            let records = read::after(server.node().ledger.pool(), position, 5_000).await.unwrap();
            let Some(last) = records.last() else { break };
            position = last.position;
            for record in &records {
                match codec::decode(record).unwrap() {
                    AnyEvent::Loan(event) => found.take(record.stream.id.parse().unwrap(), &event),
                    AnyEvent::Plafond(PlafondEvent::PlafondSelected { .. }) => found.lent = 0,
                    _ => {}
                }
            }
        }
        found
    }

    fn take(&mut self, loan: LoanNumber, event: &LoanEvent) {
        match event {
            LoanEvent::LoanSubmitted(submission) => {
                assert_eq!(self.open, None, "two open applications");
                let amount = submission.amount_rupiah.get();
                assert!(self.lent + amount <= LIMIT, "{} and {amount} pass the limit", self.lent);
                self.open = Some((loan, amount));
                self.submitted += 1;
            }
            LoanEvent::LoanApproved { .. } => assert_eq!(self.open.map(|open| open.0), Some(loan)),
            LoanEvent::LoanDisbursed { .. } => self.lent += self.end(loan, LoanStatus::Disbursed),
            LoanEvent::LoanRejected { stage, .. } => drop(self.end(loan, stage.rejected())),
            LoanEvent::LoanCancelled { .. } => drop(self.end(loan, LoanStatus::Cancelled)),
            LoanEvent::LoanExpired { .. } => panic!("too early"),
            LoanEvent::LoanScheduled { .. }
            | LoanEvent::LoanDayClosed { .. }
            | LoanEvent::RepaymentReceived(_)
            | LoanEvent::RepaymentReversed(_)
            | LoanEvent::LoanWrittenOff { .. } => assert_eq!(self.open, None, "a debt that is open"),
        }
    }

    /// The amount that the open application gives up.
    fn end(&mut self, loan: LoanNumber, status: LoanStatus) -> i64 {
        let (open, amount) = self.open.take().expect("a second end");
        assert_eq!(open, loan);
        *self.ended.entry(status.as_str()).or_default() += 1;
        amount
    }
}

/// Two officers of a stage, one who rejects, and the customer who cancels: one of them is in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_who_decide_at_once_one_does() {
    let races = setting("LUMBUNG_RACES").unwrap_or(60);
    let server = Server::start().await;
    let cast = Cast::log_in(&server).await;
    let (http, address) = (Http::new(), server.address());
    // At Jakarta the manager may do the marketing's part, and the marketing the manager's.
    let both =
        &[Permission::LoanApproveMarketing, Permission::LoanApproveBranchManager, Permission::LoanReject];
    for role in [RoleId::MARKETING, RoleId::BRANCH_MANAGER] {
        run(&server.node().ledger, Allow(role, both)).await;
    }
    cast.select(&server, 4).await.ok(200);
    let mut won: BTreeMap<&str, u64> = BTreeMap::new();
    for race in 0..races {
        let loan = cast.borrow(&server, LIMIT).await;
        let [marketing, manager, _] = &cast.officers;
        let send = async |path: String, token: &str, body: Value| {
            http.post(address, &path, Some(token), body).await.unwrap()
        };
        let decide = |verb: &str| format!("/api/approval/{loan}/{verb}");
        let note = || json!({"note": "No"});
        let (rejecting, approving) = if race % 2 == 0 { (marketing, manager) } else { (manager, marketing) };
        let tries = tokio::join!(
            send(decide("reject"), rejecting, note()),
            send(decide("approve"), approving, json!({})),
            send(format!("/api/loans/{loan}/cancel"), &cast.john, json!({})),
        );
        // An approval leaves the loan pending: then one of the others may follow it.
        let ways = ["rejected", "approved", "cancelled"];
        let tries = [&tries.0, &tries.1, &tries.2];
        let mut in_time: Vec<&str> = Vec::new();
        for (way, told) in ways.iter().zip(tries) {
            match (told.status, told.json()["code"].as_str()) {
                (200, _) => in_time.push(way),
                (400, Some("LOAN_WRONG_STATUS" | "LOAN_NOT_PENDING")) => {}
                (status, code) => panic!("{way}: {status} {code:?}"),
            }
        }
        let ends = in_time.iter().filter(|way| **way != "approved").count();
        assert_eq!(ends, 1, "race {race}: {in_time:?}");
        for way in in_time {
            *won.entry(way).or_default() += 1;
        }
        assert_eq!(cast.remaining(&server).await, LIMIT);
    }
    println!("{won:?}");
    let found = Found::read(&server).await;
    assert_eq!((found.submitted, found.open, found.lent), (races, None, 0));
    assert_eq!(found.ended.values().sum::<u64>(), races);
    assert_sound(&server.node().ledger).await;
}
