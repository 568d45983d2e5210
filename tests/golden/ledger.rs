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
    assert_eq!(server.post("/topup", &john, json!({"amount": 500_000})).await.status, 200);

    golden.row("LEDGER_ACCOUNTS", &server.get("/api/ledger/accounts", &auditor).await);
    golden.row("LEDGER_ENTRIES", &server.get("/api/ledger/entries", &auditor).await);
    let trial = server.get("/api/ledger/trial-balance?asOf=2999-12-31", &auditor).await;
    golden.row("LEDGER_TRIAL_BALANCE", &trial);
    golden.also("LEDGER_TRIAL_BALANCE", "difference", &trial.json["data"]["difference"], &json!(0));
    golden.row("LEDGER_CUSTOMER", &server.get("/api/ledger/trial-balance", &john).await);
    golden.row("LEDGER_OFFICER", &server.get("/api/ledger/entries", &marketing).await);
    golden.row("LEDGER_ANONYMOUS", &send(server.request(Method::GET, "/api/ledger/accounts")).await);
    for (id, question) in [
        ("LEDGER_ENTRIES_ACCOUNT", "entries?account=2011"),
        ("LEDGER_ENTRIES_SUBJECT", "entries?subject=john"),
        ("LEDGER_ENTRIES_FROM", "entries?from=2025-02-30"),
        ("LEDGER_ENTRIES_TO", "entries?from=2025-12-31&to=2025-12-30"),
        ("LEDGER_ENTRIES_OTHER", "entries?wallet=1"),
        ("LEDGER_TRIAL_BALANCE_AS_OF", "trial-balance?asOf=31-12-2025"),
        ("LEDGER_TRIAL_BALANCE_POSITION", "trial-balance?asOfPosition=-1"),
        ("LEDGER_TRIAL_BALANCE_OTHER", "trial-balance?asof=2025-12-31"),
        ("LEDGER_TRIAL_BALANCE_BEHIND", "trial-balance?asOfPosition=999999999"),
    ] {
        golden.row(id, &server.get(&format!("/api/ledger/{question}"), &auditor).await);
    }
}
