//! Two servers on one ledger under mixed load: of two officers who decide on one loan at the same moment on different
//! nodes, exactly one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lumbung_domain::{BranchId, RoleId};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::books::Books;
use super::dice::{Dice, any_seed};
use super::setting;
use crate::served::people::{PASSWORD, cheap_hash, register_customer, register_staff};
use crate::served::{Folder, Http, Request, Server, Told};

const BORROWERS: usize = 12;
const STATUSES: [&str; 3] = ["MARKETING_APPROVED", "BRANCH_MANAGER_APPROVED", "DISBURSED"];

/// What everybody in the race shares.
struct Track {
    http: Http,
    nodes: [String; 2],
    /// Two officers per stage.
    officers: [[String; 2]; 3],
    /// Races still to be run.
    left: AtomicU64,
    loans: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_officers_on_two_nodes_one_decides() {
    let races = setting("LUMBUNG_RACES").unwrap_or(100);
    let seed = setting("LUMBUNG_CRASH_SEED").unwrap_or_else(any_seed);
    println!("LUMBUNG_CRASH_SEED={seed}, {races} races");
    let folder = Folder::new();
    let servers = [Server::start(&folder).await, Server::start(&folder).await];
    let (track, borrowers) = prepare(&folder, &servers, races).await;
    let mut dice = Dice::new(seed);
    let mut running = JoinSet::new();
    for token in borrowers {
        running.spawn(borrow(Arc::clone(&track), token, dice.split()));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }

    let attached = folder.attach().await;
    let books = Books::read(&attached.pool).await;
    attached.leave().await;
    let loans = track.loans.load(Ordering::Relaxed);
    assert_eq!(books.decided_loans(), loans);
    assert!(loans * 3 >= races);
    for server in servers {
        assert!(server.stop().await.success());
    }
}

async fn prepare(folder: &Folder, servers: &[Server; 2], races: u64) -> (Arc<Track>, Vec<String>) {
    let attached = folder.attach().await;
    let (ledger, task) = attached.ledger().await;
    let hash = cheap_hash();
    let jakarta = Some(BranchId(1));
    for (email, role, branch) in [
        ("marketing.2@example.com", RoleId::MARKETING, jakarta),
        ("manager.2@example.com", RoleId::BRANCH_MANAGER, jakarta),
        ("backoffice.2@example.com", RoleId::BACKOFFICE, None),
    ] {
        register_staff(&ledger, email, &hash, role, branch).await;
    }
    let email = |index: usize| format!("borrower.{index}@example.com");
    for index in 0..BORROWERS {
        register_customer(&ledger, &email(index), &hash).await;
    }
    drop(ledger);
    task.finished().await.unwrap();
    attached.leave().await;

    let http = Http::new();
    let nodes = [servers[0].address().to_owned(), servers[1].address().to_owned()];
    let login = async |email: &str, password: &str| http.login(&nodes[0], email, password).await;
    let officers = [
        [
            login("marketing.jkt@loan.com", "marketing123").await,
            login("marketing.2@example.com", PASSWORD).await,
        ],
        [login("bm.jkt@loan.com", "bm123").await, login("manager.2@example.com", PASSWORD).await],
        [
            login("backoffice@loan.com", "backoffice123").await,
            login("backoffice.2@example.com", PASSWORD).await,
        ],
    ];
    let mut borrowers = Vec::with_capacity(BORROWERS);
    for index in 0..BORROWERS {
        borrowers.push(login(&email(index), PASSWORD).await);
    }
    // A session is known to the other node within 250 ms.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let left = AtomicU64::new(races);
    let track = Track { http: http.clone(), nodes, officers, left, loans: AtomicU64::new(0) };
    (Arc::new(track), borrowers)
}

/// Borrows on either node, loan after loan, and lets two officers race for every decision.
async fn borrow(track: Arc<Track>, token: String, mut dice: Dice) {
    let mut remaining = 0;
    while track
        .left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(3).or((left > 0).then_some(0))
        })
        .is_ok()
    {
        if remaining == 0 {
            let select = Request::post("/api/customer/plafond", Some(&token), json!({"productId": 4}));
            let selected = track.send(dice.below(2), &select).await.expect(200);
            remaining = selected.data()["remainingAmount"].as_i64().unwrap();
        }
        // A fifth each time, and the rest at last, so that plafonds come and go.
        let amount = if remaining > 20_000_000 { remaining / 5 } else { remaining };
        let application = json!({"branchId": 1, "amount": amount, "tenor": 6});
        let submit = Request::post("/api/loans", Some(&token), application);
        let submitted = track.send(dice.below(2), &submit).await.expect(201);
        let loan = submitted.data()["id"].as_i64().unwrap();
        track.loans.fetch_add(1, Ordering::Relaxed);
        for (stage, status) in STATUSES.iter().enumerate() {
            track.race(loan, stage, status, dice.below(2)).await;
        }
        remaining -= amount;
        for node in 0..2 {
            let shown = Request::get("/api/customer/plafond", Some(&token));
            // The other node may not have heard of it yet.
            let shown = track.send(node, &shown).await;
            assert!(matches!(shown.status, 200 | 404), "{shown:?}");
        }
    }
}

impl Track {
    async fn send(&self, node: u64, request: &Request) -> Told {
        self.http.send(&self.nodes[node as usize], request).await.unwrap()
    }

    /// The stage's first officer decides on `node`, the second on the other one.
    async fn race(&self, loan: i64, stage: usize, status: &str, node: u64) {
        let path = format!("/api/approval/{loan}/approve");
        let approve = |officer: usize| {
            let key = format!("race-{loan}-{stage}-{officer}");
            Request::post(&path, Some(&self.officers[stage][officer]), json!({})).keyed(&key)
        };
        let (first, second) = (approve(0), approve(1));
        let (first, second) = tokio::join!(self.send(node, &first), self.send(1 - node, &second));
        let (won, lost) = if first.status == 200 { (first, second) } else { (second, first) };
        assert_eq!((won.status, lost.status), (200, 400), "loan {loan}, stage {stage}: {won:?} {lost:?}");
        assert_eq!(won.data()["status"], Value::from(status));
        assert_eq!(lost.message(), "Loan is not in the correct status for your approval");
    }
}
