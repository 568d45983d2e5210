//! Who pays late pays more: days past due, penalties, grades.

use serde_json::json;

use super::{Lender, balance, column, fields, lines};
use crate::rest_smoke::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn penalties_come_before_everything_else() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    // Due on 28 February; three days of grace.
    lender.on("2026-03-03").await;
    let head = fields(&ani.get("/schedule").await, ["arrears", "daysPastDue", "collectibility"]);
    assert_eq!(head, [json!(517_645), json!(3), json!(2)]);
    lender.on("2026-03-10").await;
    let penalty = 7 * 517;
    let shown = server.get(&ani.path(""), &ani.person.token).await.ok(200);
    let head = fields(&shown["balance"], ["arrears", "daysPastDue", "asOf"]);
    assert_eq!(head, [json!(517_645 + penalty), json!(10), json!("2026-03-10")]);
    let told = ani.repay(100_000).await;
    assert_eq!(
        lines(&told),
        ["1 PENALTY 3619 0 1140", "1 INTEREST 30000 0 1120", "1 PRINCIPAL 66381 0 1110"]
    );
    assert_eq!(told["loan"]["arrears"], 517_645 + penalty - 100_000);
    assert_eq!(balance(&server, &lender, 4020, ani.loan).await, penalty);
    // From then on only what is left of it costs.
    lender.on("2026-03-11").await;
    assert_eq!(ani.get("/bills").await[0]["penalty"], 421);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grades_fall_with_the_days() {
    let server = Server::start().await;
    let lender = Lender::of(&server).await;
    let ani = lender.lend(3_000_000).await;
    for (day, days, grade) in [
        ("2026-02-28", 0, 1),
        ("2026-03-01", 1, 2),
        ("2026-05-29", 90, 2),
        ("2026-05-30", 91, 3),
        ("2026-06-28", 120, 3),
        ("2026-06-29", 121, 4),
        ("2026-08-27", 180, 4),
        ("2026-08-28", 181, 5),
    ] {
        lender.on(day).await;
        let head = fields(&ani.get("/schedule").await, ["daysPastDue", "collectibility"]);
        assert_eq!(head, [json!(days), json!(grade)], "{day}");
    }
    let schedule = ani.get("/schedule").await;
    assert_eq!(column(&schedule["instalments"], "status"), ["OVERDUE"; 6]);
    // Interest, fees and penalties together never pass the principal.
    lender.on("2035-01-01").await;
    let outstanding = &ani.get("/schedule").await["outstanding"];
    assert_eq!(
        outstanding["interest"].as_i64().unwrap() + outstanding["penalty"].as_i64().unwrap(),
        3_000_000
    );
}
