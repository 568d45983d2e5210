//! A server on a history: every list has something to show, and the documents' own people are as they were.

use lumbung::demo_history::Story;
use lumbung::node::calendar;
use serde_json::{Value, json};

use super::{ZONE, history_options};
use crate::rest_smoke::Server;
use crate::support::cluster::database;
use crate::support::ledger::options;

#[tokio::test]
async fn every_list_has_something_to_show() {
    let database = database().await;
    let story = Story::small(chrono::Utc::now().with_timezone(&ZONE).date_naive(), ZONE).unwrap();
    let told = lumbung::demo_history::tell(history_options(&database), story, |_| {}).await.unwrap();
    let server = Server::start_on(lumbung_commands::ledger::Options {
        calendar: calendar(ZONE),
        ..options(&database)
    })
    .await;
    let mut queued = 0;
    for (officer, password) in [
        ("marketing.jkt@loan.com", "marketing123"),
        ("bm.sby@loan.com", "bm123"),
        ("backoffice@loan.com", "backoffice123"),
        ("marketing.bdg@loan.com", "marketing123"),
    ] {
        let token = server.login(officer, password).await;
        queued += list(&server, "/api/approval/pending", &token).await.len();
        for path in ["/api/approval/my-history", "/api/loans"] {
            assert!(!list(&server, path, &token).await.is_empty(), "{path} of {officer}");
        }
    }
    let officer = server.login("backoffice@loan.com", "backoffice123").await;
    for by in ["loan", "customer", "branch"] {
        let path = format!("/api/ledger/arrears?by={by}");
        assert!(!list(&server, &path, &officer).await.is_empty(), "nobody is late by {by}");
    }
    let loans = list(&server, "/api/loans?limit=1000", &officer).await;
    for (status, kinds) in [
        ("DISBURSED", ["DISBURSEMENT", "REPAYMENT"]),
        ("PAID_OFF", ["DISBURSEMENT", "REPAYMENT"]),
        ("WRITTEN_OFF", ["DISBURSEMENT", "WRITE_OFF"]),
    ] {
        let mut told = Vec::new();
        for loan in loans.iter().filter(|loan| loan["status"] == status) {
            let path = format!("/api/loans/{}", loan["id"]);
            told.extend(list(&server, &format!("{path}/transactions"), &officer).await);
            let schedule = server.get(&format!("{path}/schedule"), &officer).await;
            assert!(schedule.json["data"]["instalments"].as_array().is_some(), "{}", schedule.text);
        }
        for kind in kinds {
            assert!(told.iter().any(|row| row["kind"] == kind), "no {kind} of any loan that is {status}");
        }
    }
    assert!(queued >= 3, "somebody waits at every stage: {told:?}");
    let late = "select max((payload::jsonb #>> '{LoanDayClosed,after,days_past_due}')::int) from journal.events \
                where event_type = 'LoanDayClosed' and (payload::jsonb #>> '{LoanDayClosed,business_on}')::date = $1";
    let late: i32 =
        sqlx::query_scalar(late).bind(story.ends_on).fetch_one(server.node().ledger.pool()).await.unwrap();
    assert!((1..=180).contains(&late), "{late} days past due is no arrears to show");
    let admin = server.login("admin@loan.com", "admin123").await;
    let users = list(&server, "/api/admin/users?limit=1000", &admin).await;
    let john = users.iter().find(|user| user["email"] == "john.doe@email.com").unwrap();
    assert_eq!(users.first().unwrap()["id"], john["id"], "the document's people come first");
    let customer = users.iter().find_map(|user| {
        user["email"].as_str().filter(|email| email.ends_with("@example.com")).map(str::to_owned)
    });
    let customer = server.login(&customer.unwrap(), "customer123").await;
    let wallet = server.get("/api/customer/wallet", &customer).await;
    assert!(wallet.json["data"]["balance"].as_i64().is_some(), "{}", wallet.text);
    let report = server.get("/transactions", &customer).await;
    assert!(!report.json["result"].as_array().unwrap().is_empty(), "{}", report.text);
    // And the document's customer begins where the document does.
    let john = server.login("john.doe@email.com", "customer123").await;
    assert_eq!(server.get("/api/customer/plafond", &john).await.status, 404);
    assert!(list(&server, "/api/loans", &john).await.is_empty());
    let selected = server.post("/api/customer/plafond", &john, json!({"productId": 1})).await;
    assert_eq!(selected.status, 200, "{}", selected.text);
}

async fn list(server: &Server, path: &str, token: &str) -> Vec<Value> {
    let told = server.get(path, token).await;
    assert_eq!(told.status, 200, "{path}: {}", told.text);
    told.json["data"].as_array().unwrap().clone()
}
