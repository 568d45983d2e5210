//! Two axes of time: what was known at a position of the log, about a day.

use serde_json::json;

use super::{Lender, fields};
use crate::rest_smoke::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_known_then_about_that_day() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    lender.on("2026-03-10").await;
    let late = ani.get("/schedule").await;
    let position = late["asOfPosition"].as_i64().unwrap();
    assert_eq!(fields(&late, ["arrears", "daysPastDue"]), [json!(521_264), json!(10)]);
    // It turns out that she paid in time.
    let body = json!({"amount": 517_645, "paidOn": "2026-02-27", "confirm": true});
    server.post(&ani.path("/repayments"), lender.backoffice(), body).await.ok(201);
    let balance = async |question: &str| {
        let told = server.get(&ani.path(&format!("?{question}")), &ani.person.token).await.ok(200);
        let schedule = ani.get(&format!("/schedule?{question}")).await;
        for field in ["asOf", "asOfPosition", "outstanding", "arrears", "payoff", "daysPastDue"] {
            if question.contains("asOfPosition") || field != "asOfPosition" {
                assert_eq!(told["balance"][field], schedule[field], "{field}");
            }
        }
        fields(&told["balance"], ["asOf", "arrears", "daysPastDue"])
    };
    let then = format!("asOfPosition={position}");
    // What is known now, of now and of then; what was known then.
    assert_eq!(balance("").await, [json!("2026-03-10"), json!(0), json!(0)]);
    assert_eq!(balance("asOf=2026-03-05").await, [json!("2026-03-05"), json!(0), json!(0)]);
    assert_eq!(balance(&then).await, [json!("2026-03-10"), json!(521_264), json!(10)]);
    assert_eq!(
        balance(&format!("asOf=2026-03-05&{then}")).await,
        [json!("2026-03-05"), json!(517_645 + 2 * 517), json!(5)]
    );
    assert_eq!(balance(&format!("asOf=2026-01-31&{then}")).await, [json!("2026-01-31"), json!(0), json!(0)]);
    // Where it will be if nothing more comes in.
    assert_eq!(balance("asOf=2026-04-01").await, [json!("2026-04-01"), json!(517_645), json!(1)]);

    let show = async |question: &str| server.get(&ani.path(question), &ani.person.token).await;
    let early = show("?asOf=2026-01-30").await.ok(200);
    assert_eq!(early["balance"], json!(null));
    let early = show("/schedule?asOf=2026-01-30").await;
    assert_eq!(early.error().2, "asOf: must not be before 2026-01-31");
    assert_eq!(show("?asOf=2199-01-01").await.error().2, "asOf: must not be after 2036-03-17");
    for (question, told) in [
        ("?asOf=today", "asOf: must be a date like 2025-12-31"),
        ("?asOfPosition=-1", "asOfPosition: must be a whole number from 0 to 9223372036854775807"),
        ("?asof=2026-01-31", "asof: is not a parameter of this endpoint"),
        ("/bills?asOf=2026-01-31", "asOf: is not a parameter of this list"),
    ] {
        assert_eq!(show(question).await.error(), (400, "VALIDATION_FAILED", told));
    }
    // Before it was there, and before it was a debt.
    assert_eq!(show("?asOfPosition=0").await.error().1, "LOAN_NOT_FOUND");
    assert_eq!(show("?asOfPosition=999999999").await.error().1, "PROJECTION_BEHIND");
    let history = server.get(&ani.path("/history"), &ani.person.token).await.ok(200);
    let approved = history[1]["id"].as_i64().unwrap();
    let shown = show(&format!("?asOfPosition={approved}")).await;
    assert_eq!(shown.headers["etag"], "\"2\"");
    let shown = shown.ok(200);
    assert_eq!(fields(&shown, ["status", "balance"]), [json!("MARKETING_APPROVED"), json!(null)]);
    let told = show(&format!("/schedule?asOfPosition={approved}")).await;
    assert_eq!(told.error().1, "LOAN_NOT_DISBURSED");
}
