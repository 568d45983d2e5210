//! A customer who borrows again and again, and writes down every definite answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use lumbung_domain::UserId;
use serde_json::{Value, json};

use super::dice::Dice;
use super::door::Door;
use super::town::Officers;
use crate::served::{Request, Told};

/// What a loan becomes when it is approved, and when it is rejected, by stage.
const STAGES: [(&str, &str); 3] = [
    ("MARKETING_APPROVED", "MARKETING_REJECTED"),
    ("BRANCH_MANAGER_APPROVED", "BM_REJECTED"),
    ("DISBURSED", "REJECTED"),
];

pub(super) struct Customer {
    pub(super) index: usize,
    pub(super) user: UserId,
    token: String,
    officers: Arc<Officers>,
    dice: Dice,
    keys: u64,
    /// Every definite answer, in its order.
    pub(super) acknowledged: Vec<Acknowledged>,
    pub(super) plafond: Option<Limit>,
    pub(super) pending: Option<Pending>,
    /// The status of every loan that was submitted.
    pub(super) loans: BTreeMap<i64, String>,
    /// Everything that was disbursed.
    pub(super) wallet_rupiah: i64,
    pub(super) tally: Tally,
}

/// The active plafond.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) remaining_rupiah: i64,
}

/// The application that waits for its next officer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) loan: i64,
    pub(super) amount_rupiah: i64,
    stage: usize,
}

/// What was acknowledged, by the event it must have made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) selected: u64,
    pub(super) submitted: u64,
    pub(super) approved: u64,
    pub(super) disbursed: u64,
    pub(super) rejected: u64,
}

/// A request and its definite answer.
pub(super) struct Acknowledged {
    request: Request,
    told: Told,
    /// The log reaches at least this far.
    pub(super) position: Option<i64>,
    /// Sent more than once, so its answer came from close to a kill.
    pub(super) repeated: bool,
    /// Answered by an earlier sending, whose answer was lost on the way.
    pub(super) found_done: bool,
}

impl Customer {
    pub(super) fn new(
        index: usize,
        user: UserId,
        token: String,
        officers: Arc<Officers>,
        dice: Dice,
    ) -> Self {
        Self {
            index,
            user,
            token,
            officers,
            dice,
            keys: 0,
            acknowledged: Vec::new(),
            plafond: None,
            pending: None,
            loans: BTreeMap::new(),
            wallet_rupiah: 0,
            tally: Tally::default(),
        }
    }

    /// One request after the other while the door is open.
    pub(super) async fn work(mut self, door: Door) -> Self {
        while door.is_open() {
            match (self.plafond, self.pending) {
                (None, _) => self.select(&door).await,
                (Some(limit), None) => self.submit(&door, limit).await,
                (Some(limit), Some(pending)) => self.have_decided(&door, limit, pending).await,
            }
        }
        self
    }

    async fn select(&mut self, door: &Door) {
        let product = 1 + self.dice.below(4);
        let body = json!({"productId": product});
        let data = self.ask(door, "/api/customer/plafond", None, body, 200).await;
        assert_eq!(data["remainingAmount"], data["originalAmount"]);
        self.plafond = Some(Limit { remaining_rupiah: data["remainingAmount"].as_i64().unwrap() });
        self.tally.selected += 1;
    }

    async fn submit(&mut self, door: &Door, limit: Limit) {
        // Sometimes too much: a rejection is an answer too, and kept.
        let all = limit.remaining_rupiah;
        let too_much = self.dice.percent(10);
        let amount = match self.dice.below(3) {
            _ if too_much => all + 1,
            0 => all,
            _ => all / 2 + 1,
        };
        let body = json!({"branchId": 1, "amount": amount, "tenor": 6, "interestRate": 12.0});
        let status = if too_much { 400 } else { 201 };
        let data = self.ask(door, "/api/loans", None, body, status).await;
        if too_much {
            return;
        }
        assert_eq!(data["status"], "SUBMITTED");
        let loan = data["id"].as_i64().unwrap();
        let known = self.loans.insert(loan, "SUBMITTED".to_owned());
        assert_eq!(known, None, "one number for two loans");
        self.pending = Some(Pending { loan, amount_rupiah: amount, stage: 0 });
        self.tally.submitted += 1;
    }

    async fn have_decided(&mut self, door: &Door, limit: Limit, pending: Pending) {
        let Pending { loan, amount_rupiah, stage } = pending;
        let reject = self.dice.percent(15);
        let (approved, rejected) = STAGES[stage];
        let (verb, status) = if reject { ("reject", rejected) } else { ("approve", approved) };
        let path = format!("/api/approval/{loan}/{verb}");
        let officer = self.officers.tokens[stage].clone();
        let data = self.ask(door, &path, Some(officer), json!({"note": "Looked at"}), 200).await;
        assert_eq!((&data["id"], &data["status"]), (&json!(loan), &json!(status)));
        self.loans.insert(loan, status.to_owned());
        self.pending = None;
        if reject {
            self.tally.rejected += 1;
        } else if stage < 2 {
            self.tally.approved += 1;
            self.pending = Some(Pending { stage: stage + 1, ..pending });
        } else {
            self.tally.disbursed += 1;
            self.wallet_rupiah += amount_rupiah;
            let remaining_rupiah = limit.remaining_rupiah - amount_rupiah;
            self.plafond = (remaining_rupiah > 0).then_some(Limit { remaining_rupiah });
        }
    }

    /// Asks with a key of its own until the answer is definite, and writes it down. It must be the one that follows
    /// from everything that was answered before.
    async fn ask(
        &mut self,
        door: &Door,
        path: &str,
        officer: Option<String>,
        body: Value,
        status: u16,
    ) -> Value {
        self.keys += 1;
        let token = officer.as_ref().unwrap_or(&self.token);
        let request = Request::post(path, Some(token), body).keyed(&format!("{}-{}", self.index, self.keys));
        let (told, sent) = door.ask_counting(&request).await;
        assert_eq!(told.status, status, "{path}: {}", text(&told));
        let data = told.data();
        let position = told.header("Ledger-Position").map(|position| position.parse().unwrap());
        assert!(position.is_some() || status >= 400, "no position");
        let (repeated, found_done) = (sent > 1, told.replayed());
        assert!(repeated || !found_done, "a new key was answered before: {path}");
        self.acknowledged.push(Acknowledged { request, told, position, repeated, found_done });
        data
    }

    /// That the server shows this customer what they were told.
    pub(super) async fn assert_shown(&self, door: &Door) {
        let shown = door.ask(&Request::get("/api/customer/plafond", Some(&self.token))).await;
        match self.plafond {
            None => assert_eq!(shown.status, 404, "{:?}", shown.json()),
            Some(limit) => assert_eq!(shown.data()["remainingAmount"], limit.remaining_rupiah),
        }
        if let Some((loan, status)) = self.loans.last_key_value() {
            let shown = door.ask(&Request::get(&format!("/api/loans/{loan}"), Some(&self.token))).await;
            assert_eq!(shown.expect(200).data()["status"], *status, "loan {loan}");
        }
    }
}

impl Acknowledged {
    /// That the same request with the same key is told the same, to the byte.
    pub(super) async fn assert_replayed(&self, door: &Door) {
        let (again, path) = (door.ask(&self.request).await, &self.request.path);
        assert_eq!(again.status, self.told.status, "{path} again: {}", text(&again));
        assert!(again.replayed(), "{path} again, and carried out again");
        assert_eq!(text(&again), text(&self.told), "{path} again");
        assert_eq!(again.header("Ledger-Position"), self.told.header("Ledger-Position"));
    }
}

fn text(told: &Told) -> String {
    String::from_utf8_lossy(&told.bytes).into_owned()
}
