//! Loans from before there were schedules, and loans that cannot be closed.

use lumbung_commands::{Book, Halt, UseCase};
use lumbung_domain::{Loan, LoanCommand, LoanNumber, Officer, Sealed, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::town::{Town, assert_each_day_once, close_days, closed_through, day, days};
use crate::rest_smoke::Server;
use crate::support::cluster::{database, superuser};
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

/// A database that refuses the schedule of one loan, as one with a defect would.
const REFUSE: &str = "
create function refuse() returns trigger language plpgsql as $$ begin
    raise exception 'no schedule for this one' using errcode = '22000';
end $$;
create trigger refuse before insert on journal.events for each row
    when (new.aggregate_type = 'Loan' and new.event_type = 'LoanScheduled' and new.aggregate_id = '%') execute function refuse();";

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
    let database = database().await;
    let owner = superuser(&database).await;
    let server = Server::start_on(options(&database)).await;
    let (node, ledger) = (server.node(), &server.node().ledger);
    let operator = server.login("operator@loan.com", "operator123").await;
    let town = Town::settle(ledger).await;
    town.set_date(ledger, day("2028-01-31")).await;
    let bad = town.apply(ledger, 6).await;
    run(ledger, DisburseAsBefore(bad)).await;
    let good = town.lend(ledger, 6).await;
    sqlx::raw_sql(&REFUSE.replace('%', &bad.to_string())).execute(&owner).await.unwrap();
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
    assert_eq!((&failure["loanId"], &failure["code"]), (&json!(bad), &json!("FAILED")));
    assert!(failure["retryAt"].is_string() && told["oldestOpenSince"] == "2028-01-31", "{told}");
    let found = days(ledger.pool()).await;
    assert_eq!((found[&good.loan].closed.len(), found[&bad].closed.len()), (29, 0));
    sqlx::raw_sql("drop trigger refuse on journal.events").execute(&owner).await.unwrap();
    closed_through(node, last).await;
    watched(|told| told["failing"] == 0 && told["failures"] == json!([])).await;
    assert_eq!(assert_each_day_once(ledger.pool(), last).await, 58);
    running.stopped().await;
}
