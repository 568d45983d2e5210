//! `GET /transactions` and `GET /api/customer/wallet`.

use futures_util::future::join_all;
use lumbung_commands::{Actor, settlement};
use lumbung_journal::Lease;
use reqwest::Method;
use serde_json::{Value, json};

use super::Customer;
use crate::golden::town::Town;
use crate::rest_smoke::{Answer, Server, send};
use crate::support::cluster::database;
use crate::support::ledger::{options, run};
use crate::support::people::top_up;

async fn list(server: &Server, customer: &Customer, query: &str) -> Vec<Value> {
    let answer = server.get(&format!("/transactions{query}"), &customer.token).await.result();
    answer.as_array().unwrap().clone()
}

async fn wallet(server: &Server, customer: &Customer) -> Answer {
    server.get("/api/customer/wallet", &customer.token).await
}

/// Waits until nothing of the customer's is on its way.
async fn settled(server: &Server, customer: &Customer) {
    let mut news = server.app().ledger.feed().watch();
    loop {
        news.mark_unchanged();
        if wallet(server, customer).await.ok(200)["pendingOut"] == 0 {
            return;
        }
        news.changed().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_movement_is_listed_newest_first() {
    let database = database().await;
    // No transfer settles while somebody else has the lease.
    let lease = Lease::wait(&database, settlement::PROCESS).await.unwrap();
    let server = Server::start_on(options(&database)).await;
    let (john, jane) = (Customer::john(&server).await, Customer::jane(&server).await);
    let empty = wallet(&server, &john).await;
    assert_eq!(empty.headers["etag"], "\"0\"");
    assert_eq!(empty.ok(200), json!({"balance": 0, "pendingOut": 0, "userId": john.user_id}));
    assert_eq!(list(&server, &john, "").await, Vec::<Value>::new());

    let topped_up = john.top_up(&server, 500_000).await;
    let body = json!({"amount": 100_000, "remarks": "Pulsa Telkomsel 100k"});
    let paid = server.post("/pay", &john.token, body).await.result();
    let sent = john.transfer(&server, jane.user_id, 30_000).await;
    let rows = list(&server, &john, "").await;
    let row = |id: &str, told: &Value, kind: &str, direction: &str, status: &str, remarks: &str| {
        let amount = told.get("amount").unwrap_or(&told["amount_top_up"]);
        json!({
            id: told[id], "status": status, "user_id": john.user_id, "transaction_type": direction, "kind": kind,
            "amount": amount, "remarks": remarks, "balance_before": told["balance_before"],
            "balance_after": told["balance_after"], "created_date": told["created_date"],
        })
    };
    let told = sent.result();
    assert_eq!(
        rows,
        [
            row("transfer_id", &told, "TRANSFER_OUT", "DEBIT", "PENDING", "Hadiah Ultah"),
            row("payment_id", &paid, "PAYMENT", "DEBIT", "SUCCESS", "Pulsa Telkomsel 100k"),
            row("top_up_id", &topped_up, "TOP_UP", "CREDIT", "SUCCESS", ""),
        ]
    );
    let now = wallet(&server, &john).await;
    assert_eq!(now.headers["etag"], sent.headers["etag"]);
    assert_eq!(now.ok(200), json!({"balance": 370_000, "pendingOut": 30_000, "userId": john.user_id}));

    drop(lease);
    settled(&server, &john).await;
    assert_eq!(list(&server, &john, "").await[0]["status"], "SUCCESS");
    let received = list(&server, &jane, "").await;
    let wanted = json!({
        "transfer_id": told["transfer_id"], "status": "SUCCESS", "user_id": jane.user_id,
        "transaction_type": "CREDIT", "kind": "TRANSFER_IN", "amount": 30_000, "remarks": "Hadiah Ultah",
        "balance_before": 0, "balance_after": 30_000, "created_date": received[0]["created_date"],
    });
    assert_eq!(received, [wanted]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_comes_back_is_a_movement_of_its_own() {
    let database = database().await;
    let lease = Lease::wait(&database, settlement::PROCESS).await.unwrap();
    let server = Server::start_on(options(&database)).await;
    let john = Customer::john(&server).await;
    let town = Town::of(&server);
    let target = town.customer().await;
    john.top_up(&server, 100).await;
    let sent = john.transfer(&server, target.user.0, 40).await.result();
    town.deactivate(&target).await;
    drop(lease);
    settled(&server, &john).await;
    let told: Vec<_> = list(&server, &john, "?kind=TRANSFER")
        .await
        .iter()
        .map(|row| {
            assert_eq!(row["transfer_id"], sent["transfer_id"]);
            json!([row["kind"], row["transaction_type"], row["status"], row["amount"], row["balance_after"]])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["TRANSFER_RETURN", "CREDIT", "SUCCESS", 40, 100]),
            json!(["TRANSFER_OUT", "DEBIT", "RETURNED", 40, 60]),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_paged_and_narrowed() {
    let database = database().await;
    let _lease = Lease::wait(&database, settlement::PROCESS).await.unwrap();
    let server = Server::start_on(options(&database)).await;
    let (john, jane) = (Customer::john(&server).await, Customer::jane(&server).await);
    for _ in 0..3 {
        john.top_up(&server, 1_000).await;
        server.post("/pay", &john.token, json!({"amount": 100})).await.result();
        john.transfer(&server, jane.user_id, 10).await.result();
    }
    let all = list(&server, &john, "").await;
    assert_eq!(all.len(), 9);
    let mut paged = Vec::new();
    let mut path = "/transactions?limit=2".to_owned();
    loop {
        let page = server.get(&path, &john.token).await;
        let rows = page.result().as_array().unwrap().clone();
        assert_eq!(rows.len(), 2.min(9 - paged.len()));
        paged.extend(rows);
        let Some(link) = page.headers.get("link") else { break };
        path = link.split(['<', '>']).nth(1).unwrap().to_owned();
    }
    assert_eq!(paged, all);
    for (query, kinds) in [
        ("?type=DEBIT", &["TRANSFER_OUT", "PAYMENT"][..]),
        ("?type=CREDIT", &["TOP_UP"]),
        ("?kind=TOP_UP,TRANSFER", &["TRANSFER_OUT", "TOP_UP"]),
        ("?kind=PAYMENT&kind=DISBURSEMENT", &["PAYMENT"]),
        ("?type=CREDIT&kind=PAYMENT", &[]),
        ("?status=PENDING", &["TRANSFER_OUT"]),
        ("?status=SUCCESS&type=DEBIT", &["PAYMENT"]),
        ("?status=RETURNED", &[]),
    ] {
        let shown = list(&server, &john, query).await;
        let wanted: Vec<_> =
            all.iter().filter(|row| kinds.contains(&row["kind"].as_str().unwrap())).cloned().collect();
        assert_eq!(shown, wanted, "{query}");
    }
    let today = all[0]["created_date"].as_str().unwrap()[..10].to_owned();
    for (query, shown) in [
        (format!("?from={today}"), 9),
        (format!("?to={today}"), 9),
        (format!("?from={today}&to={today}&type=CREDIT"), 3),
        ("?from=2999-01-01".to_owned(), 0),
        ("?to=2021-04-01".to_owned(), 0),
    ] {
        assert_eq!(list(&server, &john, &query).await.len(), shown, "{query}");
    }
    for (query, fault) in [
        ("type=debit", "type: must be DEBIT or CREDIT"),
        (
            "kind=",
            "kind: must be one or more of TOP_UP, PAYMENT, TRANSFER, DISBURSEMENT, with commas between them",
        ),
        (
            "status=DONE",
            "status: must be one or more of PENDING, SUCCESS, RETURNED, with commas between them",
        ),
        ("from=yesterday", "from: must be a date like 2025-12-31"),
        ("from=2026-02-02&to=2026-02-01", "to: must not be before from"),
        ("limit=0", "limit: must be a whole number between 1 and 1000"),
        ("cursor=x", "cursor: must be the cursor of a previous page"),
        ("user=1", "user: is not a parameter of this list"),
    ] {
        let answer = server.get(&format!("/transactions?{query}"), &john.token).await;
        assert_eq!(answer.refusal(), (400, "VALIDATION_FAILED", fault), "{query}");
    }
    assert_eq!(list(&server, &jane, "").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_a_file() {
    let server = Server::start().await;
    let john = Customer::john(&server).await;
    let csv = async |query: &str| {
        let path = format!("/transactions{query}");
        send(server.request(Method::GET, &path).bearer_auth(&john.token).header("Accept", "text/csv")).await
    };
    let head = "created_date,kind,id,status,transaction_type,amount,remarks,balance_before,balance_after,user_id\r\n";
    assert_eq!(csv("").await.text, head);
    let told = john.top_up(&server, 5_000_000).await;
    let body = json!({"amount": 1_000, "remarks": "=cmd, \"x\""});
    let paid = server.post("/pay", &john.token, body).await.result();
    let answer = csv("").await;
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"transactions.csv\"");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (paid_at, paid_id) = (text(&paid["created_date"]), text(&paid["payment_id"]));
    let (told_at, told_id) = (text(&told["created_date"]), text(&told["top_up_id"]));
    let id = john.user_id;
    assert_eq!(
        answer.text,
        format!(
            "{head}{paid_at},PAYMENT,{paid_id},SUCCESS,DEBIT,1000,\"'=cmd, \"\"x\"\"\",5000000,4999000,{id}\r\n\
             {told_at},TOP_UP,{told_id},SUCCESS,CREDIT,5000000,,0,5000000,{id}\r\n"
        )
    );
    assert_eq!(csv("?type=CREDIT").await.text.lines().count(), 2);
    let paged = csv("?limit=5").await;
    let fault = "limit: is not a parameter of the CSV report, which has no pages";
    assert_eq!(paged.refusal(), (400, "VALIDATION_FAILED", fault));
}

/// Longer than a page, and written to while it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_report_is_one_report() {
    const ROWS: usize = 2_345;
    let server = Server::start().await;
    let john = Customer::john(&server).await;
    let ledger = &server.app().ledger;
    let token = server.app().tokens.verify(&john.token).unwrap();
    let actor = Actor { user: token.user, session: token.session };
    for _ in 0..ROWS / 67 {
        join_all((0..67).map(|_| run(ledger, top_up(actor, 10)))).await;
    }
    let request =
        || server.request(Method::GET, "/transactions").bearer_auth(&john.token).header("Accept", "text/csv");
    let mut report = request().send().await.unwrap();
    let position = report.headers()["ledger-position"].to_str().unwrap().parse::<i64>().unwrap();
    let mut text = report.chunk().await.unwrap().unwrap().to_vec();
    server.post("/pay", &john.token, json!({"amount": 5})).await.result();
    while let Some(chunk) = report.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), ROWS);
    for (number, row) in rows.iter().rev().enumerate() {
        assert_eq!(
            (row[1], row[7], row[8]),
            ("TOP_UP", &*(number * 10).to_string(), &*((number + 1) * 10).to_string())
        );
    }
    assert!(position < ledger.head().await.unwrap().position);
    assert_eq!(send(request()).await.text.lines().count(), ROWS + 2);

    // Two of one person at once.
    let places = [actor.user; 2].map(|user| server.app().reports.take(user).unwrap());
    let third = send(request()).await;
    assert_eq!((third.refusal().0, third.refusal().1), (503, "OVERLOADED"));
    drop(places);
    assert_eq!(send(request()).await.status, 200);
}
