//! `/api/approval`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::loan::{ApproveLoan, RejectLoan};
use lumbung_domain::{Loan, LoanNumber, Note, Rupiah, Sealed, UserId};
use lumbung_projections::{approval_queue, loan_history};
use serde::Serialize;

use super::body::{Fields, Form};
use super::command::{Asked, carry_out};
use super::envelope::{Reply, local_time};
use super::error::ApiError;
use super::loan_json::{LoanDetail, LoanRow};
use super::loans::{decided, rows};
use super::path::LoanToChange;
use super::people::People;
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

/// A note that must be there: why something is refused or taken back.
pub(super) struct Refusal {
    pub(super) note: Note,
}

impl Form for Refusal {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { note: fields.text("note", Note::new)? })
    }
}

/// A row of "Get My Approval History".
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DecisionRow {
    id: i64,
    loan_id: i64,
    customer_name: String,
    product_name: String,
    loan_amount: Rupiah,
    branch_location: String,
    action_taken: &'static str,
    current_status: &'static str,
    note: Option<String>,
    action_date: String,
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

pub(super) async fn my_history(
    State(app): State<Arc<App>>,
    caller: Caller<DecideLoans>,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<DecisionRow>>, ApiError> {
    let page = loan_history::of_officer(&view.read, caller.user(), paging.limit, paging.after).await?;
    let people = People::of(&app, page.rows.iter().flat_map(ciphertexts)).await?;
    let rows = page.rows.iter().map(|own| DecisionRow::new(&app, own, &people)).collect::<Result<_, _>>()?;
    Ok(view.reply(&app, rows).next(paging.next(page.next)))
}

fn ciphertexts(own: &loan_history::OwnDecision) -> impl Iterator<Item = &str> {
    std::iter::once(own.customer_name.ciphertext()).chain(own.note.as_ref().map(|note| note.ciphertext()))
}

impl DecisionRow {
    fn new(app: &App, own: &loan_history::OwnDecision, people: &People) -> Result<Self, ApiError> {
        Ok(Self {
            id: own.position,
            loan_id: own.loan.0,
            customer_name: people.text(&own.customer_name)?,
            product_name: own.product_name.clone(),
            loan_amount: own.amount_rupiah,
            branch_location: own.branch_location.clone(),
            action_taken: own.action.as_str(),
            current_status: own.current.as_str(),
            note: people.optional(own.note.as_ref())?,
            action_date: local_time(own.decided_at, app.zone),
        })
    }
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
pub(super) async fn sealed(
    app: &App,
    officer: UserId,
    loan: LoanNumber,
    note: &Note,
) -> Result<Sealed<Note>, ApiError> {
    // The read models may have shown the loan before this node heard of it.
    app.access.wait_until_applied(app.freshness.projected(), app.patience).await?;
    let (state, _) = app.access.get::<Loan>(loan).await?;
    let person = state.application().map_or(officer, |application| application.submission.customer.user_id);
    Ok(app.ledger.vault().sealer(person.0).await?.seal(note)?)
}
