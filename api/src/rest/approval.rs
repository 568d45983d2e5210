//! `/api/approval`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::loan::{ApproveLoan, RejectLoan};
use lumbung_domain::{Loan, LoanNumber, Note, Sealed, UserId};
use lumbung_projections::approval_queue;

use super::body::{Fields, Form};
use super::command::{Asked, carry_out};
use super::envelope::Reply;
use super::error::ApiError;
use super::loan_json::{LoanDetail, LoanRow};
use super::loans::{decided, rows};
use super::path::LoanToChange;
use super::view::Listing;
use crate::app::App;
use crate::auth::{Caller, DecideLoans, RejectLoans, stages};

pub(super) struct Approval {
    note: Option<Note>,
}

impl Form for Approval {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { note: fields.optional_text("note", Note::new)? })
    }
}

pub(super) struct Refusal {
    note: Note,
}

impl Form for Refusal {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { note: fields.text("note", Note::new)? })
    }
}

pub(super) async fn pending(
    State(app): State<Arc<App>>,
    caller: Caller<DecideLoans>,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<LoanRow>>, ApiError> {
    let stages = stages(caller.identity());
    let branch = caller.person().and_then(|person| person.branch);
    let page = approval_queue::pending(&view.read, &stages, branch, paging.limit, paging.after).await?;
    Ok(view.reply(&app, rows(&app, &page.rows).await?).next(paging.next(page.next)))
}

pub(super) async fn approve(
    State(app): State<Arc<App>>,
    caller: Caller<DecideLoans>,
    asked: Asked<LoanToChange, Approval>,
) -> Result<Reply<LoanDetail>, ApiError> {
    let call = asked.call(&app, caller.user());
    let LoanToChange(loan) = asked.target;
    let note = match &asked.form.note {
        Some(note) => Some(sealed(&app, caller.user(), loan, note).await?),
        None => None,
    };
    let use_case = ApproveLoan { actor: caller.actor(), loan, note, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    decided(&app, "Loan approved successfully", done).await
}

pub(super) async fn reject(
    State(app): State<Arc<App>>,
    caller: Caller<RejectLoans>,
    asked: Asked<LoanToChange, Refusal>,
) -> Result<Reply<LoanDetail>, ApiError> {
    let call = asked.call(&app, caller.user());
    let LoanToChange(loan) = asked.target;
    let note = sealed(&app, caller.user(), loan, &asked.form.note).await?;
    let use_case = RejectLoan { actor: caller.actor(), loan, note, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    decided(&app, "Loan rejected", done).await
}

/// A note speaks about the customer, so it is sealed with their key and goes when they are erased. Of a loan that is not
/// there the ledger will refuse the command, whoever's key it was.
async fn sealed(app: &App, officer: UserId, loan: LoanNumber, note: &Note) -> Result<Sealed<Note>, ApiError> {
    // The read models may have shown the loan before this node heard of it.
    app.access.wait_until_applied(app.freshness.projected(), app.patience).await?;
    let (state, _) = app.access.get::<Loan>(loan).await?;
    let person = state.application().map_or(officer, |application| application.submission.customer.user_id);
    Ok(app.ledger.vault().sealer(person.0).await?.seal(note)?)
}
