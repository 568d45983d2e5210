//! Loans from before there were schedules, and loans that cannot be closed.

use lumbung_commands::business_date::SetBusinessDate;
use lumbung_commands::lending_rules::AdoptLendingRules;
use lumbung_commands::{Actor, Book, Halt, Ledger, UseCase};
use lumbung_domain::{
    Collectibility, LegalCaps, Loan, LoanCommand, LoanNumber, Officer, Rate, RoleId, Sealed, UserId,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::town::{Town, assert_each_day_once, close_days, closed_through, day, days};
use crate::rest_smoke::Server;
use crate::served::people::{cheap_hash, sign_up_staff};
use crate::support::cluster::database;
use crate::support::ledger::{options, run};

/// The last approval, as it was before there were schedules.
struct DisburseAsBefore(LoanNumber);

impl UseCase for DisburseAsBefore {
    const NAME: &'static str = "DisburseAsBefore";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let officer = Officer {
            user_id: UserId(Uuid::nil()),
            name: Sealed::from_ciphertext("x"),
            branch_location: None,
        };
        let business_on = book.business_on()?;
        book.run::<Loan>(self.0, LoanCommand::Approve { officer, note: None, business_on })
    }
}

async fn adopt(ledger: &Ledger, actor: Actor, daily_cost: &str) {
    let percent = |text| Rate::parse(text).unwrap();
    let caps = LegalCaps {
        daily_cost_percent: percent(daily_cost),
        daily_penalty_percent: percent("0.3"),
        total_cost_percent: percent("100"),
    };
    let collectibility = Collectibility::new(vec![0, 90, 120, 180]).unwrap();
    let (effective_on, citation) = (day("2028-01-01"), "Test".to_owned());
    run(ledger, AdoptLendingRules { actor, effective_on, citation, caps, collectibility }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loan_from_before_there_were_schedules_gets_its_own() {
    let server = Server::start_on(options(&database().await)).await;
    let (node, ledger) = (server.node(), &server.node().ledger);
    let town = Town::settle(ledger).await;
    town.set_date(ledger, day("2028-01-31")).await;
    let old = town.apply(ledger, 6).await;
    run(ledger, DisburseAsBefore(old)).await;
    let last = day("2028-03-31");
    town.set_date(ledger, last).await;
    let running = close_days(node);
    closed_through(node, last).await;
    assert_eq!(days(ledger.pool()).await[&old].disbursed_on, Some(day("2028-01-31")));
    assert_eq!(assert_each_day_once(ledger.pool(), last).await, 60);
    running.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loan_that_cannot_be_closed_holds_up_nobody_and_is_told() {
    let server = Server::start_on(options(&database().await)).await;
    let (node, ledger) = (server.node(), &server.node().ledger);
    let operator = server.login("operator@loan.com", "operator123").await;
    let town = Town::settle(ledger).await;
    let admin = sign_up_staff(ledger, "rules@town.example", &cheap_hash(), RoleId::SUPERADMIN, None).await;
    town.set_date(ledger, day("2028-01-31")).await;
    let bad = town.apply(ledger, 6).await;
    run(ledger, DisburseAsBefore(bad)).await;
    let good = town.lend(ledger, 6).await;
    // Against what holds now, its schedule would cost too much.
    adopt(ledger, admin, "0.0001").await;
    let last = day("2028-02-29");
    town.set_date(ledger, last).await;
    let running = close_days(node);
    let watched = async |wanted: fn(&Value) -> bool| loop {
        let told = server.get("/api/operations/daily-run", &operator).await.ok(200);
        if wanted(&told) {
            break told;
        }
    };
    let told = watched(|told| {
        told["openLoans"] == 1 && told["failing"] == 1 && told["failures"][0]["attempts"] != 1
    })
    .await;
    let failure = &told["failures"][0];
    assert_eq!((&failure["loanId"], &failure["code"]), (&json!(bad), &json!("AGREEMENT_ABOVE_CAP")));
    assert!(failure["retryAt"].is_string() && told["oldestOpenSince"] == "2028-01-31", "{told}");
    let found = days(ledger.pool()).await;
    assert_eq!((found[&good.loan].closed.len(), found[&bad].closed.len()), (29, 0));
    adopt(ledger, admin, "0.3").await;
    closed_through(node, last).await;
    watched(|told| told["failing"] == 0 && told["failures"] == json!([])).await;
    assert_eq!(assert_each_day_once(ledger.pool(), last).await, 58);
    running.stopped().await;
    // Whoever set the date, the calendar can have it back.
    run(ledger, SetBusinessDate { actor: admin, business_on: None }).await;
}
