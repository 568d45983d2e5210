//! The books: who may read them, how, and what is no question.

use reqwest::Method;
use serde_json::json;

use super::super::rest_smoke::{Server, send};
use super::messages::Golden;

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let auditor = server.login("auditor@loan.com", "auditor123").await;
    let topped_up = server.post("/topup", &john, json!({"amount": 500_000})).await;
    assert_eq!(topped_up.status, 200);
    let voucher = topped_up.json["result"]["top_up_id"].as_str().unwrap();

    golden.row("LEDGER_ACCOUNTS", &server.get("/api/ledger/accounts", &auditor).await);
    golden.row("LEDGER_ENTRIES", &server.get("/api/ledger/entries", &auditor).await);
    let found = server.get(&format!("/api/ledger/entries?reference={voucher}"), &auditor).await;
    golden.row("LEDGER_ENTRIES_OF_VOUCHER", &found);
    let reference = json!({"type": "TOP_UP", "id": voucher});
    golden.also("LEDGER_ENTRIES_OF_VOUCHER", "reference", &found.json["data"][0]["reference"], &reference);
    let trial = server.get("/api/ledger/trial-balance?asOf=2999-12-31", &auditor).await;
    golden.row("LEDGER_TRIAL_BALANCE", &trial);
    golden.also("LEDGER_TRIAL_BALANCE", "difference", &trial.json["data"]["difference"], &json!(0));
    let subject = found.json["data"][0]["lines"][1]["subject"].as_str().unwrap();
    let path = format!("/api/ledger/accounts?subject={subject}&asOf=2999-12-31");
    golden.row("LEDGER_ACCOUNTS_OF_SUBJECT", &server.get(&path, &auditor).await);
    golden.row("LEDGER_CUSTOMER", &server.get("/api/ledger/trial-balance", &john).await);
    golden.row("LEDGER_OFFICER", &server.get("/api/ledger/entries", &marketing).await);
    golden.row("LEDGER_ANONYMOUS", &send(server.request(Method::GET, "/api/ledger/accounts")).await);
    for (id, question) in [
        ("LEDGER_ENTRIES_ACCOUNT", "entries?account=2011"),
        ("LEDGER_ENTRIES_SUBJECT", "entries?subject=john"),
        ("LEDGER_ENTRIES_REFERENCE", "entries?reference=PAYMENT"),
        ("LEDGER_ENTRIES_FROM", "entries?from=2025-02-30"),
        ("LEDGER_ENTRIES_TO", "entries?from=2025-12-31&to=2025-12-30"),
        ("LEDGER_ENTRIES_OTHER", "entries?wallet=1"),
        ("LEDGER_ENTRIES_AS_OF", "entries?from=2025-12-31&asOf=2025-12-30"),
        ("LEDGER_ACCOUNTS_SUBJECT", "accounts?subject=john"),
        ("LEDGER_ACCOUNTS_AS_OF", "accounts?asOf=2025"),
        ("LEDGER_ACCOUNTS_POSITION", "accounts?asOfPosition=9223372036854775808"),
        ("LEDGER_TRIAL_BALANCE_AS_OF", "trial-balance?asOf=31-12-2025"),
        ("LEDGER_TRIAL_BALANCE_POSITION", "trial-balance?asOfPosition=-1"),
        ("LEDGER_TRIAL_BALANCE_OTHER", "trial-balance?asof=2025-12-31"),
        ("LEDGER_TRIAL_BALANCE_BEHIND", "trial-balance?asOfPosition=999999999"),
    ] {
        golden.row(id, &server.get(&format!("/api/ledger/{question}"), &auditor).await);
    }
}
