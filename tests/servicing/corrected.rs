//! What officers correct: repayments that are dated back or taken back, debts that are given up.

use serde_json::{Value, json};

use super::{Borrower, Lender, balance, column, fields, lines};
use crate::rest_smoke::{Answer, Server};

async fn of_officer(lender: &Lender<'_>, ani: &Borrower<'_>, below: &str, body: Value) -> Answer {
    lender.server.post(&ani.path(below), lender.backoffice(), body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dated_back_first_it_is_told_and_then_done() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    lender.on("2026-03-10").await;
    ani.get("/schedule").await;
    let body = |confirm: bool| json!({"amount": 517_645, "paidOn": "2026-02-27", "confirm": confirm});
    let before = ani.get("/schedule").await;
    let told = of_officer(&lender, &ani, "/repayments", body(false)).await;
    let told = told.ok(200);
    assert_eq!(
        fields(&told, ["applied", "repaymentId", "paidOn"]),
        [json!(false), json!(null), json!("2026-02-27")]
    );
    let difference = &told["difference"];
    // Seven days of penalty fall away, and nothing is past due any more.
    assert_eq!(fields(difference, ["penalty", "arrears"]), [json!(-3_619), json!(-517_645 - 3_619)]);
    assert_eq!(
        fields(&difference["before"], ["arrears", "daysPastDue", "collectibility"]),
        [json!(521_264), json!(10), json!(2)]
    );
    assert_eq!(
        fields(&difference["after"], ["arrears", "daysPastDue", "collectibility"]),
        [json!(0), json!(0), json!(1)]
    );
    let changed = difference["instalments"].as_array().unwrap();
    assert_eq!(changed.len(), 1);
    assert_eq!(
        fields(&changed[0]["before"], ["status", "penalty", "paid"]),
        [json!("OVERDUE"), json!(3_619), json!(0)]
    );
    assert_eq!(
        fields(&changed[0]["after"], ["status", "penalty", "paid"]),
        [json!("PAID"), json!(0), json!(517_645)]
    );
    let postings = difference["postings"].as_array().unwrap().iter();
    let sides: Vec<String> =
        postings.map(|side| format!("{} {} {}", side["account"], side["debit"], side["credit"])).collect();
    assert_eq!(sides, ["1140 0 3619", "4020 3619 0", "2010 517645 0", "1120 0 30000", "1110 0 487645"]);
    // Nothing was done.
    let still = ani.get("/schedule").await;
    assert_eq!(
        fields(&still, ["instalments", "outstanding"]),
        fields(&before, ["instalments", "outstanding"])
    );
    assert_eq!(ani.wallet().await, 3_000_000);

    let done = of_officer(&lender, &ani, "/repayments", body(true)).await.ok(201);
    assert_eq!(fields(&done, ["applied", "walletBalance"]), [json!(true), json!(null)]);
    assert_eq!(done["difference"]["postings"], difference["postings"]);
    assert_eq!(done["loan"]["outstanding"], difference["after"]["outstanding"]);
    let schedule = ani.get("/schedule").await;
    assert_eq!(schedule["instalments"][0]["status"], "PAID");
    assert_eq!(schedule["arrears"], 0);
    assert_eq!(balance(&server, &lender, 4020, ani.loan).await, 0);
    assert_eq!(ani.wallet().await, 3_000_000 - 517_645);
    let first = &ani.get("/transactions").await[0];
    assert_eq!(
        fields(first, ["kind", "paidOn", "businessDate"]),
        [json!("REPAYMENT"), json!("2026-02-27"), json!("2026-03-10")]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repayment_that_was_taken_back_never_came() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    lender.on("2026-02-28").await;
    let paid = ani.repay(517_645).await["repaymentId"].clone();
    lender.on("2026-03-10").await;
    assert_eq!(ani.get("/schedule").await["arrears"], 0);
    let reverse = format!("/repayments/{}/reverse", paid.as_str().unwrap());
    let note = json!({"note": "The bank took it back"});
    let told = of_officer(&lender, &ani, &reverse, note.clone()).await;
    assert_eq!(told.json["message"], "Repayment reversed");
    let told = told.ok(200);
    // As if it had never come: ten days late, seven of them with a penalty.
    assert_eq!(
        lines(&told),
        ["1 PENALTY 0 3619 1140", "1 INTEREST -30000 0 1120", "1 PRINCIPAL -487645 0 1110"]
    );
    assert_eq!(
        fields(&told["loan"], ["arrears", "daysPastDue", "status"]),
        [json!(521_264), json!(10), json!("DISBURSED")]
    );
    assert_eq!(ani.wallet().await, 3_000_000);
    assert_eq!(balance(&server, &lender, 1110, ani.loan).await, 3_000_000);
    let rows = ani.get("/transactions").await;
    assert_eq!(column(&rows, "kind"), ["REVERSAL", "REPAYMENT", "DISBURSEMENT"]);
    assert_eq!(
        fields(&rows[0], ["repaymentId", "note", "amount"]),
        [paid, json!("The bank took it back"), json!(517_645)]
    );
    let again = of_officer(&lender, &ani, &reverse, note.clone()).await;
    assert_eq!(again.error(), (409, "REPAYMENT_REVERSED", "The repayment has been reversed already"));
    // A loan that it settled is owed again, with every day since.
    ani.top_up(100_000).await;
    let last = ani.post("/payoff", json!({})).await.ok(201)["repaymentId"].clone();
    lender.on("2026-04-05").await;
    let reverse = format!("/repayments/{}/reverse", last.as_str().unwrap());
    let told = of_officer(&lender, &ani, &reverse, note).await.ok(200);
    assert_eq!(fields(&told["loan"], ["status", "daysPastDue"]), [json!("DISBURSED"), json!(36)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_may_still_come_in() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    lender.on("2026-09-30").await;
    let owed = ani.get("/schedule").await["outstanding"].clone();
    let told = of_officer(&lender, &ani, "/write-off", json!({"note": "Moved away"})).await;
    assert_eq!(told.json["message"], "Loan written off");
    let told = told.ok(200);
    assert_eq!(
        fields(&told, ["status", "outstanding", "loanId"]),
        [json!("WRITTEN_OFF"), owed.clone(), json!(ani.loan)]
    );
    let total = owed["total"].as_i64().unwrap();
    assert_eq!(balance(&server, &lender, 5010, ani.loan).await, total);
    for receivable in [1110, 1120, 1140] {
        assert_eq!(balance(&server, &lender, receivable, ani.loan).await, 0, "{receivable}");
    }
    let again = of_officer(&lender, &ani, "/write-off", json!({"note": "Again"})).await;
    assert_eq!(again.error().1, "LOAN_ALREADY_WRITTEN_OFF");
    // The customer still owes it, and nothing is added.
    lender.on("2027-01-31").await;
    let told = ani.repay(1_000_000).await;
    let accounts = column(&told["lines"], "account");
    assert!(accounts.iter().all(|account| *account == 5010), "{accounts:?}");
    assert_eq!(told["loan"]["outstanding"]["total"], total - 1_000_000);
    assert_eq!(balance(&server, &lender, 5010, ani.loan).await, total - 1_000_000);
    ani.top_up(2_000_000).await;
    let told = ani.post("/payoff", json!({})).await.ok(201);
    assert_eq!(told["loan"]["outstanding"]["total"], 0);
    assert_eq!(balance(&server, &lender, 5010, ani.loan).await, 0);
    let rows = ani.get("/transactions").await;
    assert_eq!(column(&rows, "kind"), ["REPAYMENT", "REPAYMENT", "WRITE_OFF", "DISBURSEMENT"]);
    assert_eq!(fields(&rows[2], ["amount", "note"]), [json!(total), json!("Moved away")]);
    let history = server.get(&ani.path("/history"), &ani.person.token).await.ok(200);
    assert_eq!(history[4]["status"], "WRITTEN_OFF");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_paid_ahead_of_a_lost_loan_is_set_against_it() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    lender.on("2026-02-10").await;
    ani.repay(600_000).await;
    let told = of_officer(&lender, &ani, "/write-off", json!({"note": "Gone"})).await.ok(200);
    // A third of the first month's interest was earned; the rest of what was paid is principal.
    assert_eq!(told["outstanding"]["total"], 3_000_000 + 10_000 - 600_000);
    assert_eq!(balance(&server, &lender, 5010, ani.loan).await, 2_410_000);
    assert_eq!(balance(&server, &lender, 4010, ani.loan).await, 10_000);
    let row = &ani.get("/transactions").await[0];
    assert_eq!(fields(row, ["kind", "amount"]), [json!("WRITE_OFF"), json!(2_410_000)]);
    let sum = |of_loan: bool| -> i64 {
        let lines = row["lines"].as_array().unwrap().iter();
        let lines = lines.filter(|line| line["instalment"].is_null() == of_loan);
        lines.map(|line| line["amount"].as_i64().unwrap()).sum()
    };
    assert_eq!((sum(true), sum(false)), (2_410_000, 0));
}
