//! Operators see what is under way, and retry or park it.

use lumbung_commands::Actor;
use lumbung_domain::{TransferId, TransferStatus};
use serde_json::{Value, json};

use super::start::{Deactivate, Fill, hold_back, start, until};
use crate::rest_smoke::{Answer, Server};
use crate::support::cluster::database;
use crate::support::ledger::{options, run};
use crate::support::people::{register_customer, top_up};

/// A server whose transfers wait, an operator's token, and somebody with money.
pub(crate) struct Office {
    pub(crate) server: Server,
    pub(crate) operator: String,
    pub(crate) from: Actor,
    pub(crate) to: Actor,
    held: Option<lumbung_journal::Lease>,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let database = database().await;
        let held = Some(hold_back(&database).await);
        let server = Server::start_on(options(&database)).await;
        let operator = server.login("operator@loan.com", "operator123").await;
        let ledger = &server.node().ledger;
        let (from, to) = (register_customer(ledger).await, register_customer(ledger).await);
        run(ledger, top_up(from, 1_000)).await;
        Self { server, operator, from, to, held }
    }

    pub(crate) async fn start(&self, rupiah: i64) -> TransferId {
        start(&self.server.node().ledger, self.from, self.to, rupiah).await
    }

    pub(crate) async fn let_go(&mut self) {
        self.held.take().unwrap().give_back().await;
    }

    pub(crate) async fn until(&self, transfer: TransferId, status: TransferStatus) {
        until(&self.server.node().ledger, transfer, status).await;
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.server.get(&format!("/api/operations/{path}"), &self.operator).await
    }

    pub(crate) async fn post(&self, transfer: impl std::fmt::Display, verb: &str) -> Answer {
        let path = format!("/api/operations/transfers/{transfer}/{verb}");
        self.server.post(&path, &self.operator, json!({})).await
    }

    /// The read models show what is in the ledger.
    pub(crate) async fn caught_up(&self) {
        let app = self.server.app();
        let head = app.ledger.feed().reached();
        app.freshness.wait_for(head, std::time::Duration::from_secs(30)).await.unwrap();
    }

    async fn listed(&self, query: &str) -> Vec<Value> {
        self.caught_up().await;
        self.get(&format!("transfers{query}")).await.ok(200).as_array().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_is_parked_and_tried_again() {
    let mut office = Office::open().await;
    let transfer = office.start(400).await;
    let row = office.listed("?status=PENDING").await.remove(0);
    assert_eq!(
        (&row["id"], &row["status"], &row["amount"], &row["attempts"], &row["reason"]),
        (&json!(transfer), &json!("PENDING"), &json!(400), &json!(1), &Value::Null)
    );
    assert_eq!(row["senderId"], json!(office.from.user));
    let parked = office.post(transfer, "park").await;
    assert_eq!(
        (parked.json["message"].as_str(), &*parked.headers["etag"]),
        (Some("The transfer is parked"), "\"2\"")
    );
    assert_eq!(parked.ok(200)["status"], "PARKED");
    let again = office.post(transfer, "park").await;
    let message = "The transfer is PARKED, so it cannot be parked";
    assert_eq!(again.error(), (409, "TRANSFER_WRONG_STATUS", message));
    office.let_go().await;
    // It is left alone while others are settled.
    let other = office.start(1).await;
    office.until(other, TransferStatus::Success).await;
    let row = office.listed("?status=PARKED").await.remove(0);
    assert_eq!((&row["id"], &row["reason"]), (&json!(transfer), &json!("OPERATOR")));
    let retried = office.post(transfer, "retry").await;
    assert_eq!(retried.json["message"], "The transfer is tried again");
    assert_eq!(retried.ok(200)["status"], "PENDING");
    office.until(transfer, TransferStatus::Success).await;
    let rows = office.listed("").await;
    let told: Vec<_> = rows.iter().map(|row| (&row["id"], &row["status"], &row["attempts"])).collect();
    let success = json!("SUCCESS");
    assert_eq!(told, [(&json!(other), &success, &json!(1)), (&json!(transfer), &success, &json!(2))]);
    let message = "The transfer is SUCCESS, so it cannot be retried";
    assert_eq!(office.post(transfer, "retry").await.error(), (409, "TRANSFER_WRONG_STATUS", message));
    let actors: Vec<Option<String>> = sqlx::query_scalar(
        "select metadata ->> 'actor' from journal.events
         where event_type in ('TransferParked', 'TransferRetried', 'TransferSettled') and aggregate_id = $1
         order by position",
    )
    .bind(transfer.to_string())
    .fetch_all(office.server.node().ledger.pool())
    .await
    .unwrap();
    assert!(actors[0].is_some() && actors[0] == actors[1] && actors[2].is_none(), "{actors:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_a_transfer_that_is_not_there_or_is_none() {
    let office = Office::open().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for verb in ["park", "retry"] {
        let unknown = office.post(nobody, verb).await;
        assert_eq!(unknown.error(), (404, "TRANSFER_NOT_FOUND", "Transfer not found"));
        for none in ["7", "x", "00000000000040008000000000000000"] {
            let refused = office.post(none, verb).await;
            assert_eq!(refused.error(), (400, "VALIDATION_FAILED", "id: must be a UUID"), "{none}");
        }
    }
    let transfer = office.start(1).await;
    let path = format!("/api/operations/transfers/{transfer}/park");
    let auditor = office.server.login("auditor@loan.com", "auditor123").await;
    assert_eq!(office.server.post(&path, &auditor, json!({})).await.error().0, 403);
    let versioned = office.server.request(reqwest::Method::POST, &path).bearer_auth(&office.operator);
    let versioned = versioned.header("If-Match", "\"9\"").json(&json!({}));
    assert_eq!(crate::rest_smoke::send(versioned).await.error().0, 412);
    let first = office.server.post_keyed(&path, &office.operator, "key", "{}").await;
    let again = office.server.post_keyed(&path, &office.operator, "key", "{}").await;
    assert_eq!((first.status.as_u16(), &first.text), (200, &again.text));
    assert_eq!(again.headers["idempotent-replayed"], "true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_narrowed_and_paged() {
    let mut office = Office::open().await;
    let ledger = &office.server.node().ledger.clone();
    let (full, gone) = (register_customer(ledger).await, register_customer(ledger).await);
    let mut transfers = Vec::new();
    for (to, rupiah) in [(office.to, 1), (office.to, 2), (full, 3), (full, 4), (full, 5), (gone, 7)] {
        transfers.push(start(ledger, office.from, to, rupiah).await);
    }
    run(ledger, Fill { owner: full.user, room: 0 }).await;
    run(ledger, Deactivate(gone.user)).await;
    assert_eq!(office.listed("?status=PENDING").await.len(), 6);
    office.let_go().await;
    for (index, transfer) in transfers.into_iter().enumerate() {
        let end = if index < 2 { TransferStatus::Success } else { TransferStatus::Returned };
        office.until(transfer, end).await;
    }
    let amounts =
        |rows: Vec<Value>| rows.iter().map(|row| row["amount"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(amounts(office.listed("?status=SUCCESS").await), [2, 1]);
    assert_eq!(amounts(office.listed("?status=RETURNED").await), [7, 5, 4, 3]);
    assert_eq!(amounts(office.listed("?status=RETURNED,SUCCESS&limit=3").await), [7, 5, 4]);
    assert!(office.listed("?status=PARKED").await.is_empty());
    let reasons: Vec<Value> =
        office.listed("?status=RETURNED&limit=2").await.iter().map(|row| row["reason"].clone()).collect();
    assert_eq!(reasons, ["TARGET_NOT_ACTIVE", "TARGET_BALANCE_TOO_LARGE"]);
    let (mut path, mut walked) =
        (Some("transfers?status=SUCCESS&status=RETURNED&limit=4".to_owned()), Vec::new());
    while let Some(next) = path.take() {
        let page = office.get(&next).await;
        let link = page.headers.get("link").cloned();
        path = link.map(|link| {
            link.split(['<', '>']).nth(1).unwrap().trim_start_matches("/api/operations/").to_owned()
        });
        walked.extend(amounts(page.ok(200).as_array().unwrap().clone()));
    }
    assert_eq!(walked, [7, 5, 4, 3, 2, 1]);
    let wrong = office.get("transfers?status=DONE&limit=0&who=x").await;
    assert_eq!(wrong.error().2, "limit: must be a whole number between 1 and 1000");
    let fields: Vec<_> =
        wrong.json["errors"].as_array().unwrap().iter().map(|fault| &fault["message"]).collect();
    assert_eq!(
        fields[1],
        "must be one or more of PENDING, PARKED, SUCCESS, RETURNED, with commas between them"
    );
    assert_eq!(fields.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_is_shown_with_the_version_that_a_command_may_ask_for() {
    let mut office = Office::open().await;
    let transfer = office.start(400).await;
    let shown = async || {
        office.caught_up().await;
        let answer = office.get(&format!("transfers/{transfer}")).await;
        (answer.headers["etag"].clone(), answer.ok(200))
    };
    let asked = async |verb: &str, tag: &str| {
        let path = format!("/api/operations/transfers/{transfer}/{verb}");
        let request = office.server.request(reqwest::Method::POST, &path).bearer_auth(&office.operator);
        crate::rest_smoke::send(request.header("If-Match", tag).json(&json!({}))).await
    };
    let mut tags = Vec::new();
    for (verb, before) in [("park", "PENDING"), ("retry", "PARKED"), ("park", "PENDING"), ("retry", "PARKED")]
    {
        let (tag, row) = shown().await;
        assert_eq!((&row["id"], &row["status"]), (&json!(transfer), &json!(before)));
        let done = asked(verb, &tag).await;
        assert_eq!(done.status, 200, "{}", done.text);
        assert_eq!(asked(verb, &tag).await.error().0, 412);
        assert_eq!(shown().await.0, done.headers["etag"]);
        tags.push(tag);
    }
    assert_eq!(tags, ["\"1\"", "\"2\"", "\"3\"", "\"4\""]);
    assert_eq!(office.listed("").await, [shown().await.1]);
    for time in ["startedAt", "changedAt"] {
        let told = office.listed("").await[0][time].as_str().unwrap().to_owned();
        assert_eq!((told.len(), &told[26..]), ("2025-12-22T10:00:00.123456+07:00".len(), "+07:00"), "{told}");
    }
    office.held.take().unwrap().give_back().await;
    office.until(transfer, TransferStatus::Success).await;
    office.caught_up().await;
    let settled = office.get(&format!("transfers/{transfer}")).await;
    assert_eq!(settled.headers["etag"], "\"6\"");
    assert_eq!(settled.ok(200)["attempts"], 3);
}
