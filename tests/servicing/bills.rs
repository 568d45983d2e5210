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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bills_are_what_is_due_and_the_next_one() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    let short = async || -> Vec<String> {
        let bills = ani.get("/bills").await;
        let rows = bills.as_array().unwrap().iter();
        rows.map(|row| format!("{} {} {}", row["number"], row["amount"], row["status"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(short().await, ["1 517645 UPCOMING"]);
    lender.on("2026-02-28").await;
    assert_eq!(short().await, ["1 517645 DUE", "2 517645 UPCOMING"]);
    ani.repay(100_000).await;
    assert_eq!(short().await, ["1 417645 DUE", "2 517645 UPCOMING"]);
    lender.on("2026-03-31").await;
    // 28 of the 31 days were behind the grace days: 0.1 % of what was left, rounded down, for each.
    let penalty = 28 * 417;
    assert_eq!(
        short().await,
        [format!("1 {} OVERDUE", 417_645 + penalty), "2 517645 DUE".into(), "3 517645 UPCOMING".into()]
    );
    let bill = &ani.get("/bills").await[0];
    let told = super::fields(bill, ["penalty", "daysPastDue", "principal", "interest"]);
    assert_eq!(told, [json!(penalty), json!(31), json!(417_645), json!(0)]);
    ani.repay(417_645 + penalty + 517_645).await;
    assert_eq!(short().await, ["3 517645 UPCOMING"]);
    ani.repay(17_645).await;
    assert_eq!(short().await, ["3 500000 PARTIAL"]);
    // A page of them.
    lender.on("2026-06-30").await;
    let first = server.get(&ani.path("/bills?limit=1"), &ani.person.token).await;
    let link = first.headers["link"].clone();
    assert_eq!(column(&first.ok(200), "number"), [3]);
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    let rest = server.get(next, &ani.person.token).await.ok(200);
    assert_eq!(column(&rest, "number"), [4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_settles_it_is_what_was_earned() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    // Half of the first month: 15 of 30 days, 30,000 of interest in the whole.
    lender.on("2026-02-15").await;
    let quote = ani.get("/payoff-quote").await;
    let wanted = json!({
        "loanId": ani.loan, "businessDate": "2026-02-15", "validOn": "2026-02-15", "amount": 3_015_000,
        "principal": 3_000_000, "interest": 15_000, "fee": 0, "penalty": 0,
    });
    assert_eq!(quote, wanted);
    ani.top_up(100_000).await;
    let told = ani.post("/payoff", json!({})).await;
    assert_eq!(told.json["message"], "Loan paid off");
    let told = told.ok(201);
    assert_eq!((&told["amount"], &told["loan"]["status"]), (&json!(3_015_000), &json!("PAID_OFF")));
    assert_eq!(told["walletBalance"], 85_000);
    assert_eq!(ani.get("/payoff-quote").await["amount"], 0);
    let again = ani.post("/payoff", json!({})).await;
    assert_eq!(again.error().1, "LOAN_PAID_OFF");
    // Days go by, and nothing is added.
    lender.on("2026-12-31").await;
    let schedule = ani.get("/schedule").await;
    assert_eq!(column(&schedule["instalments"], "status"), ["PAID"; 6]);
    assert_eq!(
        super::fields(&schedule, ["payoff", "arrears", "status"]),
        [json!(0), json!(0), json!("PAID_OFF")]
    );
    assert_eq!(server.get(&ani.path(""), &ani.person.token).await.ok(200)["status"], "PAID_OFF");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_may_ask_what_a_loan_would_cost() {
    let server = Server::start().await;
    let _lender = Lender::of(&server).await;
    let ask = async |question: &str| openly(&server, &format!("/api/loans/simulate?{question}")).await;
    let told = ask("amount=3000000&tenor=6&interestRate=12&method=FLAT&dayCount=ACTUAL_365").await.ok(200);
    let told_fields = super::fields(&told, ["method", "dayCount", "startOn", "amount", "tenor"]);
    assert_eq!(
        told_fields,
        [json!("FLAT"), json!("ACTUAL_365"), json!("2026-01-31"), json!(3_000_000), json!(6)]
    );
    // 3,000,000 × 12 % × 181/365, rounded once.
    assert_eq!(super::fields(&told, ["totalInterest", "totalPayment"]), [json!(178_521), json!(3_178_521)]);
    // A product's terms are the defaults; what is asked for goes before them.
    let of_product = ask("amount=3000000&tenor=6&productId=1&startOn=2026-05-31").await.ok(200);
    assert_eq!(super::fields(&of_product, ["interestRate", "monthlyPayment"]), [json!(12.0), json!(517_645)]);
    assert_eq!(of_product["instalments"][0]["dueOn"], "2026-06-30");
    let dearer = ask("amount=3000000&tenor=6&productId=1&interestRate=24").await.ok(200);
    assert_eq!(dearer["interestRate"], 24.0);
    // 120 % a year is 0.33 % a day.
    let forbidden = ask("amount=3000000&tenor=6&interestRate=240").await.ok(200);
    assert_eq!(super::fields(&forbidden["legalCap"], ["cap", "percent"]), [json!("DAILY_COST"), json!(0.3)]);
    for (question, told) in [
        ("", "amount: is required"),
        ("amount=1000&tenor=6", "interestRate: is required"),
        ("amount=1000.5&tenor=6&interestRate=1", "amount: must be a whole amount of rupiah"),
        ("amount=1000&tenor=601&interestRate=1", "tenor: must be between 1 and 600"),
        ("amount=1000&tenor=6&interestRate=1&method=BULLET", "method: must be ANNUITY or FLAT"),
        ("amount=1000&tenor=6&interestRate=1&startOn=2026-02-30", "startOn: must be a date like 2025-12-31"),
        ("amount=1000&tenor=6&interestRate=1&rate=2", "rate: is not a parameter of this endpoint"),
    ] {
        assert_eq!(ask(question).await.error(), (400, "VALIDATION_FAILED", told), "{question}");
    }
    for product in [5, 99] {
        let told = ask(&format!("amount=1000&tenor=6&productId={product}")).await;
        assert_eq!(told.error(), (404, "PRODUCT_NOT_FOUND", "Product not found"));
    }
    let far = ask("amount=1000&tenor=600&interestRate=1&startOn=2036-02-09").await;
    assert_eq!(far.error().2, "startOn: must be between 2016-01-24 and 2036-02-08");
    let far = ask("amount=1000&tenor=600&interestRate=1&startOn=2036-02-08").await.ok(200);
    assert_eq!(far["instalments"][599]["dueOn"], "2086-02-08");
}
