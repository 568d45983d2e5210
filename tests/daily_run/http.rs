//! What operators, those who read the books, and customers see over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use super::town::{Town, close_days, closed_through, day};
use crate::rest_smoke::{Answer, Server, send};
use crate::served::people::PASSWORD;
use crate::support::cluster::database;
use crate::support::ledger::options;

const DATE: &str = "/api/operations/business-date";
const RUN: &str = "/api/operations/daily-run";

async fn put(server: &Server, token: &str, body: Value) -> Answer {
    send(server.request(Method::PUT, DATE).bearer_auth(token).json(&body)).await
}

async fn start() -> (Server, String) {
    let server = Server::start_on(options(&database().await)).await;
    let operator = server.login("operator@loan.com", "operator123").await;
    (server, operator)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_set_the_date_and_give_it_back() {
    let (server, operator) = start().await;
    let told = server.get(DATE, &operator).await.ok(200);
    assert_eq!(told["set"], false);
    let calendar = told["businessDate"].clone();
    let answer = put(&server, &operator, json!({"businessDate": "2028-02-29"})).await;
    assert_eq!(answer.json["message"], "The business date is set");
    assert_eq!(answer.ok(200), json!({"businessDate": "2028-02-29", "set": true}));
    assert_eq!(server.get(DATE, &operator).await.ok(200), json!({"businessDate": "2028-02-29", "set": true}));
    // It is the ledger's: whatever happens now is of that day.
    let (_, loan) = server.submitted().await;
    let path = format!("/api/ledger/entries?from=2028-02-29&to=2028-02-29&reference={loan}");
    let auditor = server.login("auditor@loan.com", "auditor123").await;
    assert_eq!(server.get(&path, &auditor).await.ok(200), json!([]));
    let answer = put(&server, &operator, json!({"businessDate": null})).await;
    assert_eq!(answer.json["message"], "The business date follows the calendar");
    assert_eq!(answer.ok(200), json!({"businessDate": calendar, "set": false}));
    for (body, fault) in [
        (json!({}), "businessDate: is required"),
        (json!({"date": "2028-02-29"}), "businessDate: is required"),
        (json!({"businessDate": ""}), "businessDate: must be a date like 2025-12-31"),
        (json!({"businessDate": "2027-02-29"}), "businessDate: must be a date like 2025-12-31"),
        (json!({"businessDate": 20280229}), "businessDate: must be a string"),
    ] {
        assert_eq!(put(&server, &operator, body).await.error(), (400, "VALIDATION_FAILED", fault));
    }
    let far = put(&server, &operator, json!({"businessDate": "1999-12-31"})).await;
    assert_eq!((far.error().0, far.error().1), (400, "BUSINESS_DATE_OUT_OF_RANGE"));
    assert_eq!(far.json["errors"][0]["field"], "businessDate");
    for (email, password) in [("john.doe@email.com", "customer123"), ("auditor@loan.com", "auditor123")] {
        let token = server.login(email, password).await;
        assert_eq!(put(&server, &token, json!({"businessDate": null})).await.error().0, 403);
        assert_eq!(server.get(RUN, &token).await.error().0, 403);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_run_is_watched() {
    let (server, operator) = start().await;
    let (node, ledger) = (server.node(), &server.node().ledger);
    let town = Town::settle(ledger).await;
    town.set_date(ledger, day("2028-01-31")).await;
    for _ in 0..5 {
        town.lend(ledger, 6).await;
    }
    town.set_date(ledger, day("2028-03-01")).await;
    closed_through(node, day("2028-01-31")).await;
    let waiting = server.get(RUN, &operator).await.ok(200);
    assert_eq!(
        waiting,
        json!({"businessDate": "2028-03-01", "activeLoans": 5, "closedLoans": 0, "openLoans": 5,
            "oldestOpenSince": "2028-02-01", "running": false, "state": "standby", "runFor": null, "closedThisRun": 0,
            "perSecond": 0.0, "startedAt": null, "failing": 0, "failures": []})
    );
    let running = close_days(node);
    closed_through(node, day("2028-03-01")).await;
    let done = loop {
        let told = server.get(RUN, &operator).await.ok(200);
        if told["running"] == false {
            break told;
        }
    };
    assert_eq!((&done["closedLoans"], &done["openLoans"]), (&json!(5), &json!(0)));
    assert_eq!((&done["state"], &done["runFor"]), (&json!("idle"), &json!("2028-03-01")));
    assert_eq!((&done["closedThisRun"], &done["oldestOpenSince"]), (&json!(5), &Value::Null));
    assert!(done["perSecond"].as_f64().unwrap() > 0.0 && done["startedAt"].is_string(), "{done}");
    let metrics = server.get("/metrics", &operator).await.text;
    for line in ["lumbung_daily_run_active_loans 5", "lumbung_daily_run_open_loans 0"] {
        assert!(metrics.contains(line), "{line}");
    }
    running.stopped().await;
    assert_eq!(server.get(RUN, &operator).await.ok(200)["state"], "standby");
}

async fn rows(server: &Server, token: &str, query: &str) -> Vec<Value> {
    let path = format!("/api/ledger/arrears{query}");
    server.get(&path, token).await.ok(200).as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arrears_are_added_up_by_loan_customer_and_branch() {
    let (server, _) = start().await;
    let (node, ledger) = (server.node(), &server.node().ledger);
    let town = Town::settle(ledger).await;
    let auditor = server.login("auditor@loan.com", "auditor123").await;
    town.set_date(ledger, day("2025-12-22")).await;
    let running = close_days(node);
    let mut lent = Vec::new();
    for _ in 0..3 {
        lent.push(town.lend(ledger, 6).await);
    }
    let date = day("2026-01-22");
    town.set_date(ledger, date).await;
    closed_through(node, date).await;
    // Due today is not late.
    assert!(rows(&server, &auditor, "").await.is_empty());
    town.set_date(ledger, day("2026-01-23")).await;
    closed_through(node, day("2026-01-23")).await;
    town.repay(ledger, &lent[1], 517_645).await;
    let date = day("2026-02-23");
    town.set_date(ledger, date).await;
    closed_through(node, date).await;
    let found = rows(&server, &auditor, "?by=loan").await;
    assert_eq!(found, rows(&server, &auditor, "").await);
    let told: Vec<_> = found
        .iter()
        .map(|row| (row["loanId"].as_i64().unwrap(), &row["daysPastDue"], &row["collectibility"]))
        .collect();
    let (late, once) = (json!(32), json!(1));
    let two = json!(2);
    assert_eq!(
        told,
        [(lent[2].loan.0, &late, &two), (lent[1].loan.0, &once, &two), (lent[0].loan.0, &late, &two)]
    );
    for row in &found {
        assert_eq!((&row["loans"], &row["branchId"], &row["asOf"]), (&once, &once, &json!("2026-02-23")));
        assert!(row["arrears"].as_i64() < row["outstanding"].as_i64(), "{row}");
    }
    // One instalment, and a day's penalty on it at the most.
    let arrears = found[1]["arrears"].as_i64().unwrap();
    assert!((517_645..520_000).contains(&arrears), "{arrears}");
    let sum = |name: &str| found.iter().map(|row| row[name].as_i64().unwrap()).sum::<i64>();
    let branch = json!({"branchId": 1, "outstanding": sum("outstanding"), "arrears": sum("arrears"), "daysPastDue": 32,
        "collectibility": 2, "loans": 3, "asOf": "2026-02-23"});
    assert_eq!(rows(&server, &auditor, "?by=branch").await, [branch]);
    let customers = rows(&server, &auditor, "?by=customer").await;
    assert_eq!(customers.len(), 3);
    assert_eq!(customers[0]["userId"], json!(lent[0].actor.user));
    assert_eq!(customers[0]["arrears"], found[2]["arrears"]);
    for by in ["loan", "customer", "branch"] {
        walk(&server, &auditor, by, if by == "branch" { 1 } else { 3 }).await;
    }
    let wrong = server.get("/api/ledger/arrears?by=month", &auditor).await;
    assert_eq!(wrong.error(), (400, "VALIDATION_FAILED", "by: must be loan, customer or branch"));
    let john = server.login("john.doe@email.com", "customer123").await;
    assert_eq!(server.get("/api/ledger/arrears", &john).await.error().0, 403);
    running.stopped().await;
}

/// Page by page.
async fn walk(server: &Server, token: &str, by: &str, expected: usize) {
    let all = rows(server, token, &format!("?by={by}")).await;
    let (mut path, mut walked) = (Some(format!("/api/ledger/arrears?by={by}&limit=1")), Vec::new());
    while let Some(next) = path.take() {
        let page = server.get(&next, token).await;
        path = page.headers.get("link").map(|link| link.split(['<', '>']).nth(1).unwrap().to_owned());
        walked.extend(page.ok(200).as_array().unwrap().clone());
    }
    assert_eq!((walked.len(), walked), (expected, all));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_sees_everything_in_one_call() {
    let (server, _) = start().await;
    let (node, ledger) = (server.node(), &server.node().ledger);
    let town = Town::settle(ledger).await;
    town.set_date(ledger, day("2025-12-22")).await;
    let (email, borrower) = town.lend_to(ledger, 6).await;
    let token = server.login(&email, PASSWORD).await;
    let dashboard = async || server.get("/api/customer/dashboard", &token).await.ok(200);
    let told = dashboard().await;
    let bill = |number: i64, due: &str, amount: i64| json!({"loanId": borrower.loan, "number": number, "dueOn": due, "amount": amount});
    assert_eq!(told["businessDate"], "2025-12-22");
    assert_eq!((&told["outstanding"], &told["arrears"]), (&json!(3_000_000), &json!(0)));
    assert_eq!(told["nextBill"], bill(1, "2026-01-22", 517_645));
    assert_eq!(told["wallet"], json!({"balance": 3_000_000, "pendingOut": 0}));
    assert_eq!((&told["plafond"]["remainingAmount"], &told["applications"]), (&json!(2_000_000), &json!([])));
    assert_eq!(
        told["loans"],
        json!([{"id": borrower.loan, "status": "DISBURSED", "outstanding": 3_000_000, "payoff": 3_000_000,
            "arrears": 0, "daysPastDue": 0, "nextDueOn": "2026-01-22"}])
    );
    // Nobody has closed the days yet, and still it is today's.
    town.set_date(ledger, day("2026-01-25")).await;
    let open = dashboard().await;
    assert_eq!((&open["daysPastDue"], &open["nextBill"]["number"]), (&json!(3), &json!(1)));
    assert!(open["arrears"].as_i64().unwrap() >= 517_645, "{open}");
    let running = close_days(node);
    closed_through(node, day("2026-01-25")).await;
    assert_eq!(dashboard().await, open);
    town.repay(ledger, &borrower, open["arrears"].as_i64().unwrap()).await;
    let paid = dashboard().await;
    assert_eq!((&paid["arrears"], &paid["daysPastDue"]), (&json!(0), &json!(0)));
    assert_eq!(paid["nextBill"], bill(2, "2026-02-22", 517_645));
    let loan = json!({"branchId": 1, "amount": 1_000_000, "tenor": 6, "interestRate": 12.0});
    let id = server.post("/api/loans", &token, loan).await.ok(201)["id"].clone();
    let applied = dashboard().await;
    assert_eq!(
        (&applied["applications"][0]["id"], &applied["applications"][0]["status"]),
        (&id, &json!("SUBMITTED"))
    );
    running.stopped().await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let empty = server.get("/api/customer/dashboard", &jane).await.ok(200);
    assert_eq!(
        (&empty["nextBill"], &empty["plafond"], &empty["loans"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
    let auditor = server.login("auditor@loan.com", "auditor123").await;
    assert_eq!(server.get("/api/customer/dashboard", &auditor).await.error().0, 403);
}
