//! Repayments from the customer: early, partial, late, and in the end all of it.

use serde_json::json;

use super::{Lender, balance, column, lines};
use crate::rest_smoke::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn month_by_month_until_nothing_is_owed() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    ani.top_up(200_000).await;
    for (month, (day, amount)) in [
        ("2026-02-28", 517_645),
        ("2026-03-31", 517_645),
        ("2026-04-30", 517_645),
        ("2026-05-31", 517_645),
        ("2026-06-30", 517_645),
        ("2026-07-31", 517_646),
    ]
    .into_iter()
    .enumerate()
    {
        lender.on(day).await;
        let bills = ani.get("/bills").await;
        assert_eq!((&bills[0]["amount"], &bills[0]["status"]), (&json!(amount), &json!("DUE")));
        let told = ani.repay(amount).await;
        assert_eq!((&told["amount"], &told["paidOn"]), (&json!(amount), &json!(day)));
        if month == 0 {
            assert_eq!(lines(&told), ["1 INTEREST 30000 0 1120", "1 PRINCIPAL 487645 0 1110"]);
        }
        let status = if month == 5 { "PAID_OFF" } else { "DISBURSED" };
        assert_eq!(told["loan"]["status"], status);
        let schedule = ani.get("/schedule").await;
        assert_eq!(schedule["instalments"][month]["status"], "PAID");
        assert_eq!(schedule["outstanding"], told["loan"]["outstanding"]);
        let owed = balance(&server, &lender, 1110, ani.loan).await;
        assert_eq!(schedule["outstanding"]["principal"], owed);
    }
    assert_eq!(ani.wallet().await, 3_200_000 - 3_105_871);
    assert_eq!(balance(&server, &lender, 4010, ani.loan).await, 105_871);
    assert_eq!(ani.get("/bills").await, json!([]));
    let rows = ani.get("/transactions").await;
    assert_eq!(column(&rows, "kind")[5..], ["REPAYMENT", "DISBURSEMENT"]);
    let again = ani.post("/repayments", json!({"amount": 1})).await;
    assert_eq!(again.error(), (409, "LOAN_PAID_OFF", "The loan is paid off"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_in_advance_goes_to_the_next_instalments() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    lender.on("2026-02-10").await;
    // The interest of the second instalment is not earned yet, so it is charged with what pays it.
    let told = ani.repay(600_000).await;
    assert_eq!(
        lines(&told),
        [
            "1 INTEREST 30000 20000 1120",
            "1 PRINCIPAL 487645 0 1110",
            "2 INTEREST 25124 25124 1120",
            "2 PRINCIPAL 57231 0 1110",
        ]
    );
    assert_eq!(
        (&told["lines"][0]["incomeAccount"], &told["lines"][1]["incomeAccount"]),
        (&json!(4010), &json!(null))
    );
    let schedule = ani.get("/schedule").await;
    assert_eq!(column(&schedule["instalments"], "status")[..3], ["PAID", "PARTIAL", "UPCOMING"]);
    assert_eq!(column(&schedule["instalments"], "paid")[..3], [517_645, 82_355, 0]);
    // The first due day passes, and nobody is late.
    lender.on("2026-03-30").await;
    assert_eq!(ani.get("/schedule").await["daysPastDue"], 0);
    assert_eq!(balance(&server, &lender, 1120, ani.loan).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_pays_through_the_wallet() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    let spent = ani.server.post("/pay", &ani.person.token, json!({"amount": 3_000_000})).await;
    assert_eq!(spent.status, 200);
    lender.on("2026-02-28").await;
    let short = ani.post("/repayments", json!({"amount": 517_645})).await;
    assert_eq!(short.error(), (400, "BALANCE_NOT_ENOUGH", "Balance is not enough"));
    let told = ani.post("/repayments", json!({"amount": 517_645, "source": "GATEWAY"})).await.ok(201);
    assert_eq!(told["walletBalance"], 0);
    let report = server.get("/transactions?limit=2", &ani.person.token).await.json["result"].clone();
    assert_eq!(report[0]["repayment_id"], told["repaymentId"]);
    assert_eq!(column(&report, "transaction_type"), ["DEBIT", "CREDIT"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repayment_is_taken_once() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    lender.on("2026-02-28").await;
    let body = r#"{"amount": 517645}"#;
    let again = async || server.post_keyed(&ani.path("/repayments"), &ani.person.token, "k", body).await;
    let (first, second) = (again().await, again().await);
    assert_eq!((first.status.as_u16(), &first.text), (201, &second.text));
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(first.headers["etag"], second.headers["etag"]);
    assert_eq!(ani.wallet().await, 3_000_000 - 517_645);
    // It stands in the answer which version of the loan it led to.
    let shown = server.get(&ani.path("/schedule"), &ani.person.token).await;
    assert_eq!(shown.headers["etag"], first.headers["etag"]);
    let old = server.request(reqwest::Method::POST, &ani.path("/repayments"));
    let old = old.bearer_auth(&ani.person.token).header("If-Match", "\"4\"").json(&json!({"amount": 1_000}));
    assert_eq!(crate::rest_smoke::send(old).await.error().1, "VERSION_MISMATCH");
}
