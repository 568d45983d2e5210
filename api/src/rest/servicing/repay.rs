//! `POST /api/loans/{id}/repayments` and `/payoff`: money for a loan.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use lumbung_commands::loan::servicing::{PayOffLoan, RepayLoan, RepaymentOutcome, Source};
use lumbung_domain::{Invalid, Receipt, RepaymentId, Rupiah, TopUpId, UserType};
use serde::Serialize;
use uuid::Uuid;

use super::backdate::{self, DifferenceJson};
use crate::app::App;
use crate::auth::{Caller, OwnWallet, RepayLoans};
use crate::config::Environment;
use crate::rest::body::{Fields, Form};
use crate::rest::command::{Accepted, Asked, carry_out};
use crate::rest::days;
use crate::rest::debt_json::{LineJson, ServicedJson};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::path::LoanToChange;

/// Where the money comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purse {
    Wallet,
    Gateway,
}

pub(in crate::rest) struct RepaymentForm {
    pub(super) amount: Rupiah,
    pub(super) purse: Purse,
    /// The day in the past as of which an officer has it count.
    pub(super) paid_on: Option<NaiveDate>,
    pub(super) confirmed: bool,
}

impl Form for RepaymentForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.number("amount", Rupiah::parse_positive);
        let purse = Purse::read(fields);
        let paid_on = fields.optional_text("paidOn", days::read);
        let confirm = fields.optional_boolean("confirm");
        let confirmed = confirm?.unwrap_or(false);
        Some(Self { amount: amount?, purse: purse?, paid_on: paid_on?, confirmed })
    }
}

pub(in crate::rest) struct PayoffForm {
    purse: Purse,
}

impl Form for PayoffForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { purse: Purse::read(fields)? })
    }
}

impl Purse {
    /// `source`; the wallet if it is left out.
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let purse = fields.optional_text("source", |text| match text.trim() {
            "WALLET" => Ok(Self::Wallet),
            "GATEWAY" => Ok(Self::Gateway),
            _ => Err(Invalid::new("must be WALLET or GATEWAY")),
        })?;
        Some(purse.unwrap_or(Self::Wallet))
    }

    /// # Errors
    /// In production only a settled payment at a gateway brings money in; elsewhere the sandbox does, at once.
    pub(super) fn source(self, app: &App) -> Result<Source, ApiError> {
        match self {
            Self::Wallet => Ok(Source::Wallet),
            Self::Gateway if app.environment == Environment::Production => {
                Err(ApiError::gateway_unavailable())
            }
            Self::Gateway => Ok(Source::Gateway { top_up_id: TopUpId(Uuid::now_v7()) }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct RepaymentJson {
    /// Of one that is dated back: whether it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<bool>,
    /// `null` if it was not done.
    repayment_id: Option<RepaymentId>,
    loan_id: i64,
    amount: Rupiah,
    paid_on: NaiveDate,
    lines: Vec<LineJson>,
    loan: ServicedJson,
    /// How much is in it is not an officer's to know.
    wallet_balance: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<DifferenceJson>,
}

impl RepaymentJson {
    fn new(outcome: &RepaymentOutcome) -> Self {
        let RepaymentOutcome { receipt, loan, balance_rupiah } = outcome;
        let Receipt { repayment_id, amount_rupiah, paid_on, lines, after, .. } = receipt;
        Self {
            applied: None,
            repayment_id: Some(*repayment_id),
            loan_id: receipt.loan.0,
            amount: *amount_rupiah,
            paid_on: *paid_on,
            lines: LineJson::all(lines, *after),
            loan: loan.into(),
            wallet_balance: Some(*balance_rupiah),
            difference: None,
        }
    }

    /// Of one that an officer dates back.
    pub(super) fn dated_back(outcome: &RepaymentOutcome, applied: bool, difference: DifferenceJson) -> Self {
        Self {
            applied: Some(applied),
            repayment_id: applied.then_some(outcome.receipt.repayment_id),
            wallet_balance: None,
            difference: Some(difference),
            ..Self::new(outcome)
        }
    }
}

/// A customer's own repayment, or one that an officer dates back.
pub(in crate::rest) async fn repay(
    State(app): State<Arc<App>>,
    caller: Caller<RepayLoans>,
    asked: Asked<LoanToChange, RepaymentForm>,
) -> Result<Reply<RepaymentJson>, ApiError> {
    if let Some(paid_on) = asked.form.paid_on {
        return backdate::repay(&app, &caller, asked, paid_on).await;
    }
    if caller.person().is_none_or(|person| person.user_type != UserType::Customer) {
        return Err(ApiError::parameter("paidOn", "is required"));
    }
    let call = asked.call(&app, caller.user());
    let LoanToChange(loan) = asked.target;
    let use_case = RepayLoan {
        actor: caller.actor(),
        loan,
        repayment_id: RepaymentId(Uuid::now_v7()),
        amount: asked.form.amount,
        source: asked.form.purse.source(&app)?,
        expected: asked.expected,
    };
    let done = carry_out(&app, use_case, call).await?;
    Ok(received(&app, "Repayment received", &done))
}

pub(in crate::rest) async fn pay_off(
    State(app): State<Arc<App>>,
    caller: Caller<OwnWallet>,
    asked: Asked<LoanToChange, PayoffForm>,
) -> Result<Reply<RepaymentJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let LoanToChange(loan) = asked.target;
    let use_case = PayOffLoan {
        actor: caller.actor(),
        loan,
        repayment_id: RepaymentId(Uuid::now_v7()),
        source: asked.form.purse.source(&app)?,
        expected: asked.expected,
    };
    let done = carry_out(&app, use_case, call).await?;
    Ok(received(&app, "Loan paid off", &done))
}

fn received(app: &App, message: &'static str, done: &Accepted<RepaymentOutcome>) -> Reply<RepaymentJson> {
    let json = RepaymentJson::new(&done.outcome);
    let reply = Reply::new(message, Some(json), done.at, app.zone, done.position);
    reply.version(done.outcome.loan.version).replayed(done.replayed).created()
}
