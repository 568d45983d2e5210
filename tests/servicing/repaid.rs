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
