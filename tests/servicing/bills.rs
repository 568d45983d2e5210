//! What is due, and when: the schedule, the bills, the quote.

use serde_json::json;

use super::{Lender, column, openly};
use crate::rest_smoke::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_million_at_twelve_percent_over_six_months() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    let schedule = ani.get("/schedule").await;
    let rows = &schedule["instalments"];
    // A = 3,000,000 × 0.01 / (1 − 1.01⁻⁶) = 517,645.10; the last one closes to the rupiah.
    assert_eq!(column(rows, "total"), [517_645, 517_645, 517_645, 517_645, 517_645, 517_646]);
    assert_eq!(column(rows, "interest"), [30_000, 25_124, 20_198, 15_224, 10_200, 5_125]);
    assert_eq!(
        column(rows, "dueOn"),
        ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"]
    );
    let principal: i64 = column(rows, "principal").iter().map(|row| row.as_i64().unwrap()).sum();
    assert_eq!(principal, 3_000_000);
    assert_eq!(column(rows, "status"), ["UPCOMING"; 6]);
    assert_eq!(column(rows, "paid"), [0; 6]);
    for (field, value) in [
        ("status", json!("DISBURSED")),
        ("method", json!("ANNUITY")),
        ("dayCount", json!("THIRTY_360")),
        ("interestRate", json!(12.0)),
        ("graceDays", json!(3)),
        ("latePenaltyPercentPerDay", json!(0.1)),
        ("allocation", json!(["PENALTY", "FEE", "INTEREST", "PRINCIPAL"])),
        ("rulesVersion", json!(1)),
        ("disbursedOn", json!("2026-01-31")),
        ("asOf", json!("2026-01-31")),
        (
            "outstanding",
            json!({"principal": 3_000_000, "interest": 0, "fee": 0, "penalty": 0, "total": 3_000_000}),
        ),
        ("payoff", json!(3_000_000)),
        ("arrears", json!(0)),
        ("daysPastDue", json!(0)),
        ("collectibility", json!(1)),
    ] {
        assert_eq!(schedule[field], value, "{field}");
    }
    let told = openly(&server, "/api/loans/simulate?amount=3000000&tenor=6&interestRate=12").await.ok(200);
    assert_eq!(told["instalments"], *rows);
    assert_eq!((&told["monthlyPayment"], &told["legalCap"]), (&json!(517_645), &json!(null)));
}
