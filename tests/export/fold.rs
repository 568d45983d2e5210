//! The books without the product: balances by a fold over the lines of the export that knows nothing but their JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::OTHER_MASTER_KEY;
use super::example::{example, file};
use crate::rest_smoke::Server;
use crate::support::ledger::options;
use lumbung_commands::ledger::Options;
use lumbung_journal::MasterKey;

type Balances = BTreeMap<String, i64>;

/// Wallets by owner, accounts by number (what they owe is negative), remaining plafonds by customer.
fn fold(lines: &str) -> (Balances, Balances, Balances) {
    let (mut wallets, mut accounts, mut plafonds) = (Balances::new(), Balances::new(), Balances::new());
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let event = &line["event"];
        let Some((name, body)) = event["payload"].as_object().and_then(|payload| payload.iter().next())
        else {
            continue;
        };
        let stream = event["aggregateId"].as_str().unwrap().to_owned();
        let amount = body["amount_rupiah"].as_i64().unwrap_or(0);
        let (other, signed) = match (name.as_str(), reason(&body["source"]), reason(&body["purpose"])) {
            ("WalletCredited", "top_up", _) => (1010, amount),
            ("WalletCredited", "disbursement", _) => (1110, amount),
            ("WalletCredited", "transfer" | "return", _) => (2020, amount),
            ("WalletDebited", _, "payment") => (2030, -amount),
            ("WalletDebited", _, "transfer") => (2020, -amount),
            ("PlafondSelected", ..) => {
                plafonds.insert(stream, body["terms"]["amount_rupiah"].as_i64().unwrap());
                continue;
            }
            ("PlafondConverted", ..) => {
                *plafonds.get_mut(&stream).unwrap() -= amount;
                continue;
            }
            _ => continue,
        };
        *wallets.entry(stream).or_default() += signed;
        *accounts.entry("2010".to_owned()).or_default() -= signed;
        *accounts.entry(other.to_string()).or_default() += signed;
    }
    (wallets, accounts, plafonds)
}

/// `{"top_up": {…}}` is a top-up.
fn reason(of: &Value) -> &str {
    of.as_object().and_then(|object| object.keys().next()).map_or("", String::as_str)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balances_folded_from_the_lines_are_those_of_the_read_models() {
    let lines = std::fs::read_to_string(file()).unwrap();
    let (wallets, mut accounts, plafonds) = fold(&lines);
    let database = example().await;
    let master_key = MasterKey::new(OTHER_MASTER_KEY);
    let server = Server::start_on(Options { master_key, ..options(&database) }).await;

    let auditor = server.login("auditor@loan.com", "auditor123").await;
    let trial = server.get("/api/ledger/trial-balance", &auditor).await;
    let shown: Balances = trial.ok(200)["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let net = row["debitBalance"].as_i64().unwrap() - row["creditBalance"].as_i64().unwrap();
            (row["code"].to_string(), net)
        })
        .collect();
    for code in shown.keys() {
        accounts.entry(code.clone()).or_default();
    }
    assert_eq!(accounts, shown);
    assert_eq!(accounts.values().sum::<i64>(), 0);

    let pool = server.node().ledger.pool();
    let schema: String = sqlx::query_scalar("select name from projection.read_schemas where live")
        .fetch_one(pool)
        .await
        .unwrap();
    let of = async |sql: String| -> Balances {
        let rows: Vec<(uuid::Uuid, i64)> = sqlx::query_as(&sql).fetch_all(pool).await.unwrap();
        rows.into_iter().map(|(owner, rupiah)| (owner.to_string(), rupiah)).collect()
    };
    let newest = format!(
        "select distinct on (owner) owner, balance_rupiah from {schema}.transactions order by owner, position desc"
    );
    assert_eq!(of(newest).await, wallets);
    assert!(wallets.len() >= 8 && wallets.values().any(|rupiah| *rupiah > 4_000_000), "{wallets:?}");
    let remaining = format!("select customer, remaining_rupiah from {schema}.plafonds");
    assert_eq!(of(remaining).await, plafonds);
}
