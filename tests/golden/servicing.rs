//! CONTRACT §6 "Servicing" and issue 5: what is owed, what is paid, what is corrected, and the rules of the law.

use lumbung_domain::RoleId;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::rest_smoke::{Server, send};
use super::messages::Golden;
use super::town::{Person, Town};
use super::walk::{Officers, application};

/// Who asks.
struct Cast {
    customer: Person,
    other: Person,
    officers: Officers,
    admin: String,
}

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let town = Town::of(&server);
    let cast = Cast {
        customer: town.borrower().await,
        other: town.borrower().await,
        officers: Officers::of_jakarta(&server).await,
        admin: town.staff(RoleId::SUPERADMIN, None).await.token,
    };
    let loan = cast.officers.disburse(&server, &cast.customer.token, 1_000_000).await;
    let pending = town.loan(&cast.other, 1).await;
    reads(golden, &server, &cast, loan, pending).await;
    repayments(golden, &server, &cast, loan, pending).await;
    corrections(golden, &server, &cast, loan).await;
    rules(golden, &server, &cast).await;
}

async fn reads(golden: &mut Golden, server: &Server, cast: &Cast, loan: i64, pending: i64) {
    let simulate = async |question: &str| {
        send(server.request(Method::GET, &format!("/api/loans/simulate?{question}"))).await
    };
    golden.row("SERVICING_SIMULATE", &simulate("amount=3000000&tenor=6&interestRate=12.0").await);
    golden.row("SERVICING_SIMULATE_AMOUNT", &simulate("tenor=6&interestRate=12.0").await);
    golden.row("SERVICING_SIMULATE_PRODUCT", &simulate("amount=3000000&tenor=6&productId=5").await);
    let (mine, theirs) = (&cast.customer.token, &cast.other.token);
    let path = |below: &str| format!("/api/loans/{loan}{below}");
    for (id, path, token) in [
        ("SERVICING_SHOW", path(""), mine),
        ("SERVICING_SHOW_AS_OF", path("?asOf=2025"), mine),
        ("SERVICING_SCHEDULE", path("/schedule"), mine),
        ("SERVICING_SCHEDULE_STAFF", path("/schedule"), &cast.officers.marketing),
        ("SERVICING_SCHEDULE_OTHER", path("/schedule"), theirs),
        ("SERVICING_SCHEDULE_MISSING", "/api/loans/999999/schedule".to_owned(), mine),
        ("SERVICING_SCHEDULE_PENDING", format!("/api/loans/{pending}/schedule"), theirs),
        ("SERVICING_BILLS", path("/bills"), mine),
        ("SERVICING_BILLS_OTHER", path("/bills"), theirs),
        ("SERVICING_QUOTE", path("/payoff-quote"), mine),
        ("SERVICING_QUOTE_OTHER", path("/payoff-quote"), theirs),
        ("SERVICING_TRANSACTIONS_OTHER", path("/transactions"), theirs),
    ] {
        golden.row(id, &server.get(&path, token).await);
    }
}

async fn repayments(golden: &mut Golden, server: &Server, cast: &Cast, loan: i64, pending: i64) {
    let (mine, theirs, officer) = (&cast.customer.token, &cast.other.token, &cast.officers.backoffice);
    let repay = async |loan: i64, token: &str, body: Value| {
        server.post(&format!("/api/loans/{loan}/repayments"), token, body).await
    };
    let today = server.get(&format!("/api/loans/{loan}/schedule"), mine).await.ok(200)["asOf"].clone();
    let dated = |confirm: bool| json!({"amount": 1_000, "paidOn": today, "confirm": confirm});
    for (id, of, token, body) in [
        ("SERVICING_REPAY_ABOVE", loan, mine, json!({"amount": 1_000_001})),
        ("SERVICING_REPAY_AMOUNT", loan, mine, json!({"amount": 0})),
        ("SERVICING_REPAY_SOURCE", loan, mine, json!({"amount": 1_000, "source": "CASH"})),
        ("SERVICING_REPAY_OTHER", loan, theirs, json!({"amount": 1_000})),
        ("SERVICING_REPAY_PENDING", pending, theirs, json!({"amount": 1_000})),
        ("SERVICING_BACKDATE", loan, officer, dated(false)),
        ("SERVICING_BACKDATE_CONFIRMED", loan, officer, dated(true)),
        ("SERVICING_BACKDATE_CUSTOMER", loan, mine, dated(true)),
        ("SERVICING_BACKDATE_OFFICER", loan, officer, json!({"amount": 1_000})),
        ("SERVICING_REPAY", loan, mine, json!({"amount": 1_000})),
        ("SERVICING_REPAY_GATEWAY", loan, mine, json!({"amount": 1_000, "source": "GATEWAY"})),
    ] {
        golden.row(id, &repay(of, token, body).await);
    }
    let told = server.get(&format!("/api/loans/{loan}/transactions"), mine).await;
    golden.row("SERVICING_TRANSACTIONS", &told);
}

async fn corrections(golden: &mut Golden, server: &Server, cast: &Cast, loan: i64) {
    let (mine, theirs, officer) = (&cast.customer.token, &cast.other.token, &cast.officers.backoffice);
    let post = async |below: &str, token: &str, body: Value| {
        server.post(&format!("/api/loans/{loan}{below}"), token, body).await
    };
    let paid = post("/repayments", mine, json!({"amount": 1_000})).await.ok(201);
    let reverse = format!("/repayments/{}/reverse", paid["repaymentId"].as_str().unwrap());
    let unknown = "/repayments/00000000-0000-4000-8000-000000000000/reverse";
    let note = json!({"note": "By mistake"});
    for (id, below, token, body) in [
        ("SERVICING_REVERSE_NOTE", &*reverse, officer, json!({})),
        ("SERVICING_REVERSE_CUSTOMER", &reverse, mine, note.clone()),
        ("SERVICING_REVERSE", &reverse, officer, note.clone()),
        ("SERVICING_REVERSE_AGAIN", &reverse, officer, note.clone()),
        ("SERVICING_REVERSE_MISSING", unknown, officer, note.clone()),
        ("SERVICING_REVERSE_ID", "/repayments/7/reverse", officer, note.clone()),
        ("SERVICING_PAYOFF_OTHER", "/payoff", theirs, json!({})),
        ("SERVICING_PAYOFF_OFFICER", "/payoff", officer, json!({})),
    ] {
        golden.row(id, &post(below, token, body).await);
    }
    // Everything that the wallet holds is spent, so that nothing pays for the loan.
    let wallet = server.get("/api/customer/wallet", mine).await.ok(200);
    server.post("/pay", mine, json!({"amount": wallet["balance"]})).await;
    golden.row("SERVICING_REPAY_BALANCE", &post("/repayments", mine, json!({"amount": 1_000})).await);
    let gateway = json!({"source": "GATEWAY"});
    golden.row("SERVICING_PAYOFF", &post("/payoff", mine, gateway).await);
    golden.row("SERVICING_REPAY_PAID_OFF", &post("/repayments", mine, json!({"amount": 1})).await);

    let bad = cast.officers.disburse(server, mine, 1_000_000).await;
    let write_off = async |token: &str, body: Value| {
        server.post(&format!("/api/loans/{bad}/write-off"), token, body).await
    };
    golden.row("SERVICING_WRITE_OFF_NOTE", &write_off(officer, json!({})).await);
    golden.row("SERVICING_WRITE_OFF_CUSTOMER", &write_off(mine, note.clone()).await);
    golden.row("SERVICING_WRITE_OFF", &write_off(officer, note.clone()).await);
    golden.row("SERVICING_WRITE_OFF_AGAIN", &write_off(officer, note).await);
}

async fn rules(golden: &mut Golden, server: &Server, cast: &Cast) {
    let path = "/api/admin/lending-rules";
    golden.row("SERVICING_RULES", &server.get(path, &cast.admin).await);
    golden.row("SERVICING_RULES_OFFICER", &server.get(path, &cast.officers.backoffice).await);
    let mut edition = json!({
        "effectiveOn": "2020-01-01", "citation": "Circular 1/2026", "collectibility": [0, 90, 120, 180],
        "caps": {"dailyCostPercent": 0.01, "dailyPenaltyPercent": 0.05, "totalCostPercent": 50},
    });
    golden.row("SERVICING_RULES_ADOPT", &server.post(path, &cast.admin, edition.clone()).await);
    edition["caps"]["totalCostPercent"] = Value::Null;
    golden.row("SERVICING_RULES_CAPS", &server.post(path, &cast.admin, edition).await);
    let refused = server.post("/api/loans", &cast.customer.token, application(1_000_000)).await;
    golden.row("SERVICING_RULES_CAP", &refused);
}
