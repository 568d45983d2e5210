//! `POST /api/loans/{id}/write-off` and `/repayments/{repaymentId}/reverse`: what officers who service loans correct. Both say
//! why, in a note that is sealed with the customer's key.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::loan::servicing::{ReversalOutcome, ReverseRepayment, ServicedLoan, WriteOffLoan};
use lumbung_domain::{RepaymentId, Rupiah};
use serde::Serialize;

use crate::app::App;
use crate::auth::{Caller, ServiceLoans};
use crate::rest::approval::{Refusal, sealed};
use crate::rest::command::{Accepted, Asked, carry_out};
use crate::rest::debt_json::{LineJson, ServicedJson};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::path::{LoanToChange, RepaymentOfLoan};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct ReversalJson {
    repayment_id: RepaymentId,
    loan_id: i64,
    /// What goes back to the wallet.
    amount: Rupiah,
    lines: Vec<LineJson>,
    loan: ServicedJson,
}

pub(in crate::rest) async fn write_off(
    State(app): State<Arc<App>>,
    caller: Caller<ServiceLoans>,
    asked: Asked<LoanToChange, Refusal>,
) -> Result<Reply<ServicedJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let LoanToChange(loan) = asked.target;
    let note = sealed(&app, caller.user(), loan, &asked.form.note).await?;
    let use_case = WriteOffLoan { actor: caller.actor(), loan, note, expected: asked.expected };
    let done: Accepted<ServicedLoan> = carry_out(&app, use_case, call).await?;
    let json = ServicedJson::from(&done.outcome);
    let reply = Reply::new("Loan written off", Some(json), done.at, app.zone, done.position);
    Ok(reply.version(done.outcome.version).replayed(done.replayed))
}

pub(in crate::rest) async fn reverse(
    State(app): State<Arc<App>>,
    caller: Caller<ServiceLoans>,
    asked: Asked<RepaymentOfLoan, Refusal>,
) -> Result<Reply<ReversalJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let RepaymentOfLoan { loan, repayment } = asked.target;
    let note = sealed(&app, caller.user(), loan, &asked.form.note).await?;
    let use_case = ReverseRepayment {
        actor: caller.actor(),
        loan,
        repayment_id: repayment,
        note,
        expected: asked.expected,
    };
    let done = carry_out(&app, use_case, call).await?;
    let ReversalOutcome { reversal, loan } = &done.outcome;
    let json = ReversalJson {
        repayment_id: reversal.repayment_id,
        loan_id: reversal.loan.0,
        amount: reversal.amount_rupiah,
        lines: LineJson::all(&reversal.lines, reversal.after),
        loan: loan.into(),
    };
    let reply = Reply::new("Repayment reversed", Some(json), done.at, app.zone, done.position);
    Ok(reply.version(loan.version).replayed(done.replayed))
}
