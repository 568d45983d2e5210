//! `tests/example_data.ndjson`: an example ledger with its keys, to look into and to begin with. Its passphrase is no secret:
//! `a granary for everybody`. `LUMBUNG_UPDATE=1` lives it through once more and writes the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Days;
use lumbung_commands::ledger::Options;
use lumbung_commands::loan::ExpireLoan;
use lumbung_commands::settlement;
use lumbung_domain::LoanNumber;
use lumbung_journal::verify::{anchor, verify};
use lumbung_journal::{Lease, MasterKey};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{OTHER_MASTER_KEY, export_of, import_to, passphrase};
use crate::rest_smoke::{Server, send};
use crate::support::cluster::database;
use crate::support::ledger::{options, run};

const PASSPHRASE: &str = "a granary for everybody";
/// Of its customers, as of the demo accounts.
const PASSWORD: &str = "customer123";
/// Business days that pass before the last application expires.
const LAPSE: u64 = 40;

/// The customers with an application, and what became of it.
const BORROWERS: [(&str, &str, &str); 9] = [
    ("Siti Rahayu", "siti.rahayu@email.com", "EXPIRED"),
    ("Budi Santoso", "budi.santoso@email.com", "SUBMITTED"),
    ("Dewi Lestari", "dewi.lestari@email.com", "MARKETING_APPROVED"),
    ("Agus Wijaya", "agus.wijaya@email.com", "MARKETING_REJECTED"),
    ("Rina Marlina", "rina.marlina@email.com", "BRANCH_MANAGER_APPROVED"),
    ("Hendra Gunawan", "hendra.gunawan@email.com", "BM_REJECTED"),
    ("Putri Anggraini", "putri.anggraini@email.com", "DISBURSED"),
    ("Joko Susilo", "joko.susilo@email.com", "REJECTED"),
    ("Maya Sari", "maya.sari@email.com", "CANCELLED"),
];

pub(super) fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/example_data.ndjson")
}

/// The example in a database of its own.
pub(crate) async fn example() -> sqlx::postgres::PgConnectOptions {
    let database = database().await;
    let file = fs::read(file()).unwrap();
    import_to(&database, &file, Some(&passphrase(PASSPHRASE))).await.unwrap();
    database
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_is_taken_in_verified_and_lived_in() {
    if std::env::var_os("LUMBUNG_UPDATE").is_some() {
        fs::write(file(), live().await).unwrap();
    }
    let text = fs::read_to_string(file()).unwrap();
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
    for clear in ["Siti", "Rahayu", "@email.com", PASSWORD, "argon2id$", "Sudirman"] {
        assert!(!text.contains(clear), "{clear} stands in clear");
    }
    let database = example().await;
    let elsewhere = Options { master_key: MasterKey::new(OTHER_MASTER_KEY), ..options(&database) };
    let server = Server::start_on(elsewhere).await;
    let verified = verify(server.node().ledger.pool(), |_| {}).await.unwrap();
    assert!(verified.anchors > 0);

    let siti = server.login(BORROWERS[0].1, PASSWORD).await;
    let profile = server.get("/api/customer/profile", &siti).await.ok(200);
    assert_eq!(profile["name"], "Siti Rahayu", "{profile}");
    let back_office = server.login("backoffice@loan.com", "backoffice123").await;
    let loans = server.get("/api/loans", &back_office).await.ok(200);
    let found: BTreeMap<&str, &str> = loans
        .as_array()
        .unwrap()
        .iter()
        .map(|loan| (loan["customerName"].as_str().unwrap(), loan["status"].as_str().unwrap()))
        .collect();
    assert_eq!(found, BORROWERS.iter().map(|(name, _, status)| (*name, *status)).collect());
    let putri = server.login("putri.anggraini@email.com", PASSWORD).await;
    let told = send(server.request(Method::GET, "/transactions").bearer_auth(&putri)).await;
    let statuses: BTreeSet<&str> =
        told.json["result"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert!(statuses.is_superset(&["RETURNED", "SUCCESS"].into()), "{}", told.text);
}

/// Lives the example through, by the API alone but for the passing of time.
async fn live() -> Vec<u8> {
    let database = database().await;
    let passed = Arc::new(AtomicU64::new(0));
    let days = Arc::clone(&passed);
    let calendar = move |at: chrono::DateTime<chrono::Utc>| {
        at.date_naive() - Days::new(LAPSE - days.load(Ordering::Relaxed))
    };
    let held = Lease::wait(&database, settlement::PROCESS).await.unwrap();
    let server = Server::start_on(Options { calendar: Arc::new(calendar), ..options(&database) }).await;
    let mut officers = Vec::new();
    for (name, password) in
        [("marketing.jkt", "marketing123"), ("bm.jkt", "bm123"), ("backoffice", "backoffice123")]
    {
        officers.push(server.login(&format!("{name}@loan.com"), password).await);
    }
    let town = Town { server, officers };
    let mut tokens = Vec::new();
    for (number, (name, email, status)) in BORROWERS.iter().enumerate() {
        let token = town.join(number, name, email).await;
        town.borrow(&token, status).await;
        if *status == "EXPIRED" {
            passed.store(LAPSE, Ordering::Relaxed);
            run(&town.server.node().ledger, ExpireLoan { loan: LoanNumber(1), after_days: 30 }).await;
        }
        tokens.push(token);
    }
    anchor(town.server.node().ledger.pool()).await.unwrap();
    // One is returned: its receiver is gone before it arrives.
    let maya = tokens.pop().unwrap();
    town.wallet("/topup", &tokens[6], json!({"amount": 250_000})).await;
    town.transfer(&tokens[6], town.user_id(&maya), 75_000).await;
    town.deactivate("Maya Sari").await;
    held.give_back().await;
    town.settled().await;
    town.trade(&tokens).await;
    anchor(town.server.node().ledger.pool()).await.unwrap();
    export_of(&database, Some(&passphrase(PASSPHRASE))).await.0
}

struct Town {
    server: Server,
    /// The tokens of those who decide, in their order.
    officers: Vec<String>,
}

impl Town {
    async fn join(&self, number: usize, name: &str, email: &str) -> String {
        let body = json!({"name": name, "email": email, "password": PASSWORD});
        let told = send(self.server.request(Method::POST, "/api/auth/register").json(&body)).await.ok(201);
        let token = told["token"].as_str().unwrap().to_owned();
        let profile = json!({
            "nik": format!("32012345678901{number:02}"), "birthdate": format!("199{number}-05-15"),
            "phone": format!("0812345678{number:02}"), "address": format!("Jl. Sudirman No. {number}, Jakarta"),
        });
        send(self.server.profile_form(&token, Some(&profile), &[])).await.ok(200);
        token
    }

    /// An application, and what the officers say to it.
    async fn borrow(&self, token: &str, status: &str) {
        let server = &self.server;
        server.post("/api/customer/plafond", token, json!({"productId": 2})).await.ok(200);
        let body = json!({"branchId": 1, "amount": 4_500_000, "tenor": 12});
        let loan = server.post("/api/loans", token, body).await.ok(201);
        let (approvals, refused) = match status {
            "MARKETING_APPROVED" => (1, false),
            "MARKETING_REJECTED" => (0, true),
            "BRANCH_MANAGER_APPROVED" => (2, false),
            "BM_REJECTED" => (1, true),
            "DISBURSED" => (3, false),
            "REJECTED" => (2, true),
            _ => (0, false),
        };
        let decide = async |officer: usize, verb: &str, note: &str| {
            let token = &self.officers[officer];
            let path = format!("/api/approval/{}/{verb}", loan["id"]);
            server.post(&path, token, json!({"note": note})).await.ok(200);
        };
        for officer in 0..approvals {
            decide(officer, "approve", "Documents verified").await;
        }
        if refused {
            decide(approvals, "reject", "Income is not proven").await;
        }
        if status == "CANCELLED" {
            server.post(&format!("/api/loans/{}/cancel", loan["id"]), token, json!({})).await.ok(200);
        }
    }

    fn user_id(&self, token: &str) -> Uuid {
        self.server.app().tokens.verify(token).unwrap().user.0
    }

    async fn wallet(&self, path: &str, token: &str, body: Value) {
        let told = self.server.post(path, token, body).await;
        assert_eq!((told.status.as_u16(), &told.json["status"]), (200, &json!("SUCCESS")), "{}", told.text);
    }

    async fn transfer(&self, token: &str, target: Uuid, amount: i64) {
        let body = json!({"target_user": target, "amount": amount, "remarks": "Hadiah ulang tahun"});
        self.wallet("/transfer", token, body).await;
    }

    /// Everybody tops up, pays, and sends something to the next.
    async fn trade(&self, tokens: &[String]) {
        for (number, token) in tokens.iter().enumerate() {
            let amount = 50_000 * (number as i64 + 1);
            self.wallet("/topup", token, json!({"amount": amount})).await;
            self.wallet("/pay", token, json!({"amount": amount / 5, "remarks": "Pulsa Telkomsel"})).await;
            let next = self.user_id(&tokens[(number + 1) % tokens.len()]);
            self.transfer(token, next, amount / 10).await;
        }
        self.settled().await;
    }

    async fn deactivate(&self, name: &str) {
        let admin = self.server.login("admin@loan.com", "admin123").await;
        let users = self.server.get("/api/admin/users", &admin).await.ok(200);
        let user = users.as_array().unwrap().iter().find(|user| user["name"] == name).unwrap();
        let path = format!("/api/admin/users/{}/status", user["id"]);
        self.server.call(Method::PATCH, &path, &admin, json!({"isActive": false})).await.ok(200);
    }

    /// Waits until every transfer has ended.
    async fn settled(&self) {
        let pool = self.server.node().ledger.pool();
        let waiting = async {
            loop {
                let open: i64 = sqlx::query_scalar(
                    "select count(*) filter (where event_type = 'TransferStarted')
                         - count(*) filter (where event_type in ('TransferSettled', 'TransferReturned'))
                     from journal.events",
                )
                .fetch_one(pool)
                .await
                .unwrap();
                if open == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("a transfer stayed open");
    }
}
