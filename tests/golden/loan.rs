//! §5 "Loan Application Flow": submitting, looking, cancelling.

use serde_json::{Value, json};

use super::super::rest_smoke::Server;
use super::messages::Golden;
use super::walk::{Officers, application, decide};

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let officers = Officers::of_jakarta(&server).await;
    server.upload_all(&john).await.ok(200);

    refusals(golden, &server, &john, &jane, &officers).await;
    let submitted = server.post("/api/loans", &john, full(3_000_000)).await;
    golden.row("LOAN_SUBMIT", &submitted);
    let loan = submitted.json["data"]["id"].as_i64().unwrap();
    golden.row("LOAN_SUBMIT_PENDING", &server.post("/api/loans", &john, full(1_000_000)).await);

    reads(golden, &server, loan, [&john, &jane, &officers.marketing]).await;
    cancels(golden, &server, loan, [&john, &jane], &officers).await;
}

fn full(amount: i64) -> Value {
    json!({"branchId": 1, "amount": amount, "tenor": 6, "interestRate": 12.0})
}

/// Everything that is refused before there is a loan.
async fn refusals(golden: &mut Golden, server: &Server, john: &str, jane: &str, officers: &Officers) {
    let submit = async |who: &str, body: Value| server.post("/api/loans", who, body).await;
    golden.row("LOAN_SUBMIT_PROFILE", &submit(jane, full(3_000_000)).await);
    golden.row("LOAN_SUBMIT_NO_PLAFOND", &submit(john, full(3_000_000)).await);
    golden.row("LOAN_SUBMIT_STAFF", &submit(&officers.marketing, full(3_000_000)).await);
    server.post("/api/customer/plafond", john, json!({"productId": 1})).await.ok(200);
    let changed = |field: &str, value: Value| {
        let mut body = full(3_000_000);
        body[field] = value;
        body
    };
    for (id, body) in [
        ("LOAN_SUBMIT_BRANCH", changed("branchId", json!(99))),
        ("LOAN_SUBMIT_ONLINE", changed("branchId", json!(0))),
        ("LOAN_SUBMIT_EXCEEDED", changed("amount", json!(5_000_001))),
        ("LOAN_SUBMIT_TENOR", changed("tenor", json!(13))),
        ("LOAN_SUBMIT_RATE", changed("interestRate", json!(11.9))),
    ] {
        golden.row(id, &submit(john, body).await);
    }
    // The order of the checks: branch, amount, tenor, rate.
    let all = json!({"branchId": 99, "amount": 5_000_001, "tenor": 13, "interestRate": 1.0});
    golden.row("LOAN_SUBMIT_BRANCH", &submit(john, all.clone()).await);
    let mut but_branch = all;
    but_branch["branchId"] = json!(1);
    golden.row("LOAN_SUBMIT_EXCEEDED", &submit(john, but_branch.clone()).await);
    but_branch["amount"] = json!(1);
    golden.row("LOAN_SUBMIT_TENOR", &submit(john, but_branch).await);
}

/// `who`: the owner, another customer, an officer of the branch.
async fn reads(golden: &mut Golden, server: &Server, loan: i64, who: [&str; 3]) {
    let [john, jane, marketing] = who;
    let elsewhere = server.login("marketing.sby@loan.com", "marketing123").await;
    let auditor = server.login("auditor@loan.com", "auditor123").await;
    let (path, history) = (format!("/api/loans/{loan}"), format!("/api/loans/{loan}/history"));
    for (id, path, token) in [
        ("LOAN_LIST", "/api/loans", john),
        ("LOAN_LIST_BRANCH", "/api/loans", marketing),
        ("LOAN_LIST_STRANGER", "/api/loans", &auditor),
        ("LOAN_SHOW", &path, john),
        ("LOAN_SHOW_STAFF", &path, marketing),
        ("LOAN_SHOW_OTHER", &path, jane),
        ("LOAN_SHOW_OTHER_BRANCH", &path, &elsewhere),
        ("LOAN_SHOW_MISSING", "/api/loans/999999", john),
        ("LOAN_SHOW_NO_NUMBER", "/api/loans/first", john),
        ("LOAN_HISTORY_OTHER", &history, jane),
    ] {
        golden.row(id, &server.get(path, token).await);
    }
    decide(server, marketing, loan, "approve").await.ok(200);
    let told = server.get(&history, john).await;
    golden.row("LOAN_HISTORY", &told);
    let first = &told.json["data"][0];
    golden.also("LOAN_HISTORY", "the first note", &first["note"], &json!("Loan application submitted"));
    golden.also(
        "LOAN_HISTORY",
        "the second role",
        &told.json["data"][1]["approvedByRole"],
        &json!("MARKETING"),
    );
}

/// `who`: the owner, another customer.
async fn cancels(golden: &mut Golden, server: &Server, loan: i64, who: [&str; 2], officers: &Officers) {
    let [john, jane] = who;
    let cancel = async |loan: i64, token: &str| {
        server.post(&format!("/api/loans/{loan}/cancel"), token, json!({"note": "Found another"})).await
    };
    golden.row("LOAN_CANCEL_OTHER", &cancel(loan, jane).await);
    golden.row("LOAN_CANCEL_MISSING", &cancel(999_999, john).await);
    let cancelled = cancel(loan, john).await;
    golden.row("LOAN_CANCEL", &cancelled);
    golden.also("LOAN_CANCEL", "status", &cancelled.json["data"]["status"], &json!("CANCELLED"));
    golden.row("LOAN_CANCEL_LATE", &cancel(loan, john).await);

    // It released its reservation, so the whole plafond is there again.
    let again = server.post("/api/loans", john, application(5_000_000)).await;
    golden.row("LOAN_SUBMIT_RATE_LEFT_OUT", &again);
    golden.also("LOAN_SUBMIT_RATE_LEFT_OUT", "rate", &again.json["data"]["interestRate"], &json!(12.0));
    let again = again.json["data"]["id"].as_i64().unwrap();
    decide(server, &officers.marketing, again, "reject").await.ok(200);
    officers.disburse(server, john, 3_000_000).await;
    golden.row("LOAN_SUBMIT_EXCEEDED_LATER", &server.post("/api/loans", john, full(3_000_000)).await);
}
