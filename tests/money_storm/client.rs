//! A client who sends one command after the other for whoever the dice say, and writes down what became of each.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::doors::Doors;
use super::town::Town;
use crate::crash::dice::Dice;
use crate::served::{Request, Told};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    TopUp,
    Payment,
    Transfer { target: usize },
}

/// A command that was sent at least once.
pub(super) struct Sent {
    pub(super) kind: Kind,
    /// Whose wallet.
    pub(super) holder: usize,
    /// No other command has it.
    pub(super) amount_rupiah: i64,
    pub(super) outcome: Outcome,
    /// How often it was sent.
    pub(super) times: u64,
}

pub(super) enum Outcome {
    Done(Box<Done>),
    /// A definite no: it must not be in the log.
    Refused,
    /// Without a key nobody says: in the log once, or not at all.
    Open,
}

/// What was acknowledged.
pub(super) struct Done {
    pub(super) id: Uuid,
    /// The log holds it at this position or before.
    pub(super) position: i64,
    pub(super) after_rupiah: i64,
    /// With its key, to be repeated.
    pub(super) request: Option<Request>,
    pub(super) told: Told,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::TopUp => "/topup",
            Self::Payment => "/pay",
            Self::Transfer { .. } => "/transfer",
        }
    }

    /// The names of the id, and of the amount, in the answer.
    fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::TopUp => ("top_up_id", "amount_top_up"),
            Self::Payment => ("payment_id", "amount"),
            Self::Transfer { .. } => ("transfer_id", "amount"),
        }
    }
}

/// One command after the other while the doors are open, `think_ms` apart at most.
pub(super) async fn work(
    number: usize,
    think_ms: u64,
    town: Arc<Town>,
    doors: Doors,
    mut dice: Dice,
) -> Vec<Sent> {
    let mut sent = Vec::new();
    while doors.is_open() {
        tokio::time::sleep(dice.millis(0, think_ms.max(1))).await;
        let holder = town.sender(&mut dice);
        let kind = match dice.below(100) {
            0..25 => Kind::TopUp,
            25..50 => Kind::Payment,
            _ => Kind::Transfer { target: town.target(holder, &mut dice) },
        };
        let amount_rupiah = town.amount(&mut dice);
        let body = match kind {
            Kind::TopUp => json!({"amount": amount_rupiah}),
            Kind::Payment => json!({"amount": amount_rupiah, "remarks": "Pulsa"}),
            Kind::Transfer { target } => {
                json!({"target_user": town.holders[target].user, "amount": amount_rupiah, "remarks": "Hadiah"})
            }
        };
        let request = Request::post(kind.path(), Some(&town.holders[holder].token), body);
        let (outcome, times) = if dice.percent(50) {
            let request = request.keyed(&format!("storm-{number}-{}", sent.len()));
            let (told, times) = doors.ask(&request, &mut dice).await;
            (judge(kind, amount_rupiah, Some(request), told), times)
        } else {
            match doors.try_once(&request, &mut dice).await {
                Ok(told) => (judge(kind, amount_rupiah, None, told), 1),
                Err(_) => {
                    // Whoever sent it asks somebody else what happened, and not at once.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    (Outcome::Open, 1)
                }
            }
        };
        sent.push(Sent { kind, holder, amount_rupiah, outcome, times });
    }
    sent
}

fn judge(kind: Kind, amount_rupiah: i64, request: Option<Request>, told: Told) -> Outcome {
    if told.status >= 400 {
        let message = told.message();
        let expected = match kind {
            Kind::TopUp => false,
            Kind::Payment => message == "Balance is not enough",
            Kind::Transfer { .. } => message == "Balance is not enough" || message == "Target user not found",
        };
        assert!(expected, "{kind:?} was refused: {} {}", told.status, told.text());
        return Outcome::Refused;
    }
    assert_eq!(told.status, 200, "{kind:?}: {}", told.text());
    let result = told.result();
    let number = |name: &str| result[name].as_i64().unwrap_or_else(|| panic!("no {name}: {result}"));
    let (id, amount) = kind.fields();
    assert_eq!(number(amount), amount_rupiah, "{result}");
    let id = id_of(&result[id]);
    let (before_rupiah, after_rupiah) = (number("balance_before"), number("balance_after"));
    let sign = if kind == Kind::TopUp { 1 } else { -1 };
    assert_eq!(before_rupiah + sign * amount_rupiah, after_rupiah, "{result}");
    assert!(after_rupiah >= 0, "{result}");
    let position = told.position().expect("an accepted command has a position");
    Outcome::Done(Box::new(Done { id, position, after_rupiah, request, told }))
}

fn id_of(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("not an id: {value}"))
}
