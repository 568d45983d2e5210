//! Money that moved in every way there is: through the real endpoints and use cases, with transfers that ended in every way.

use std::time::Duration;

use lumbung_commands::transfer::{ParkTransfer, RetryTransfer};
use lumbung_commands::{Actor, Expected, Ledger, settlement};
use lumbung_domain::{BranchId, RoleId, StreamId, Transfer, TransferId};
use lumbung_journal::{Lease, read};
use serde_json::{Value, json};

use crate::golden::town::{Person, Town};
use crate::rest_smoke::Server;
use crate::support::cluster::database;
use crate::support::ledger::{options, run};

/// What the tests ask about.
pub(super) struct Mixture {
    pub(super) sender: Person,
    pub(super) receiver: Person,
    pub(super) settled: TransferId,
    pub(super) parked: TransferId,
    pub(super) loan: i64,
}

async fn wallet(server: &Server, person: &Person, path: &str, body: Value) -> Value {
    let answer = server.post(path, &person.token, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["result"].clone()
}

async fn send(server: &Server, from: &Person, to: &Person, amount: i64) -> TransferId {
    let body = json!({"target_user": to.user, "amount": amount});
    let told = wallet(server, from, "/transfer", body).await;
    told["transfer_id"].as_str().unwrap().parse().unwrap()
}

/// Waits for an event of the transfer.
async fn until(ledger: &Ledger, transfer: TransferId, event_type: &str) {
    let mut news = ledger.feed().watch();
    let waiting = async {
        loop {
            news.mark_unchanged();
            let stream = StreamId::of::<Transfer>(transfer);
            let (_, records) = read::streams(ledger.pool(), &[stream]).await.unwrap();
            if records.iter().any(|record| &*record.event_type == event_type) {
                return;
            }
            news.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it never came to that");
}

impl Mixture {
    pub(super) async fn make() -> (Server, Self) {
        let database = database().await;
        // Nothing is settled before everything was sent.
        let lease = Lease::wait(&database, settlement::PROCESS).await.unwrap();
        let server = Server::start_on(options(&database)).await;
        let mixture = Self::of(&server, lease).await;
        (server, mixture)
    }

    async fn of(server: &Server, lease: Lease) -> Self {
        let town = Town::of(server);
        let ledger = &server.node().ledger;
        let [sender, receiver, gone] = [town.borrower().await, town.borrower().await, town.customer().await];
        let loan = disbursed(server, &town, &sender).await;
        // An application is no money.
        town.loan(&receiver, 1).await;
        for amount in [700_000, 1, 50_000] {
            wallet(server, &sender, "/topup", json!({"amount": amount})).await;
            wallet(server, &receiver, "/topup", json!({"amount": amount + 7})).await;
            wallet(server, &sender, "/pay", json!({"amount": 10_000, "remarks": "Pulsa"})).await;
        }
        let settled = send(server, &sender, &receiver, 30_000).await;
        let returned = send(server, &sender, &gone, 5_000).await;
        let parked = send(server, &receiver, &sender, 6_000).await;
        let retried = send(server, &receiver, &sender, 8_000).await;
        let operator = town.staff(RoleId::OPERATOR, None).await;
        let actor = Actor { user: operator.user, session: operator.session };
        for transfer in [parked, retried] {
            run(ledger, ParkTransfer { actor, transfer, expected: Expected::default() }).await;
        }
        run(ledger, RetryTransfer { actor, transfer: retried, expected: Expected::default() }).await;
        town.deactivate(&gone).await;
        lease.give_back().await;
        until(ledger, settled, "TransferSettled").await;
        until(ledger, returned, "TransferReturned").await;
        until(ledger, retried, "TransferSettled").await;
        wallet(server, &receiver, "/pay", json!({"amount": 1_000})).await;
        Self { sender, receiver, settled, parked, loan }
    }
}

async fn disbursed(server: &Server, town: &Town<'_>, customer: &Person) -> i64 {
    let branch = Some(BranchId(1));
    let loan = town.loan(customer, 1).await;
    for (role, branch) in
        [(RoleId::MARKETING, branch), (RoleId::BRANCH_MANAGER, branch), (RoleId::BACKOFFICE, None)]
    {
        let officer = town.staff(role, branch).await;
        server.post(&format!("/api/approval/{loan}/approve"), &officer.token, json!({})).await.ok(200);
    }
    loan
}
