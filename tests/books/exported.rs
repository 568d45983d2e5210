//! Balances worked out from an export alone are those of the read models, to the rupiah.

use std::collections::BTreeMap;
use std::time::Duration;

use lumbung_domain::UserId;
use lumbung_journal::portable::export;
use lumbung_projections::wallets;
use serde_json::Value;

use super::fold::Books;
use super::mixture::Mixture;
use crate::rest_smoke::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fold_of_the_exported_lines_is_what_the_read_models_show() {
    let (server, mixture) = Mixture::make().await;
    let mut file = Vec::new();
    let exported = export(server.node().ledger.pool(), &mut file, None, |_, _| {}).await.unwrap();
    let books = fold(std::str::from_utf8(&file).unwrap());
    assert_eq!(books.accounts.len(), 5);
    assert_eq!(shown(&server).await, books.accounts);

    let freshness = server.node().reader.freshness();
    let head = exported.head.position;
    let read = freshness.wait_for(head, Duration::from_secs(60)).await.unwrap().schema;
    let mut compared = 0;
    for (owner, owed) in books.parts_of("CUSTOMER_WALLETS") {
        let owner: UserId = owner.parse().unwrap();
        let wallet = wallets::of(&read, owner).await.unwrap().unwrap();
        assert_eq!(wallet.balance_rupiah.get(), -owed, "wallet of {owner}");
        let mine = [&mixture.sender, &mixture.receiver].into_iter().find(|person| person.user == owner);
        let told = server.get("/api/customer/wallet", &mine.unwrap().token).await.ok(200);
        assert_eq!(told["balance"], -owed);
        compared += 1;
    }
    assert_eq!(compared, 2);
}

fn fold(lines: &str) -> Books {
    let mut books = Books::default();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let Some(event) = line.get("event") else { continue };
        let text = |name: &str| event[name].as_str().unwrap();
        books.take(text("eventType"), text("aggregateId"), &event["payload"]);
    }
    books
}

/// The accounts as an auditor is told of them.
async fn shown(server: &Server) -> BTreeMap<&'static str, (i128, i128)> {
    let auditor = server.login("auditor@loan.com", "auditor123").await;
    let chart = server.get("/api/ledger/accounts", &auditor).await.ok(200);
    let total = |account: &Value, side: &str| i128::from(account[side].as_i64().unwrap());
    let totals = chart.as_array().unwrap().iter().map(|account| {
        let name = lumbung_domain::Account::from_code(account["code"].as_i64().unwrap()).unwrap().as_str();
        (name, (total(account, "debitTotal"), total(account, "creditTotal")))
    });
    totals.filter(|(_, totals)| *totals != (0, 0)).collect()
}
