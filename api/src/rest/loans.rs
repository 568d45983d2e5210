//! `/api/loans`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::loan::{LoanOutcome, SubmitLoan};
use lumbung_domain::{BranchId, Permission, Rate, Rejection, Rupiah, Tenor, UserId};
use lumbung_projections::{Identity, loan_history, loans};
use serde::Serialize;

use super::body::{Fields, Form, integer};
use super::command::{Accepted, Asked, carry_out};
use super::envelope::{Reply, local_time};
use super::error::ApiError;
use super::loan_json::{LoanDetail, LoanRow};
use super::path::LoanToRead;
use super::people::{People, customer_of};
use super::view::{Listing, Paging, View};
use crate::app::App;
use crate::auth::{Caller, ReadLoan, ReadLoans, SubmitLoans, is_customer_with};

pub(super) struct Application {
    branch: BranchId,
    amount: Rupiah,
    tenor: Tenor,
    /// The product's if left out.
    interest_rate: Option<Rate>,
}

impl Form for Application {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let branch = fields.number("branchId", integer);
        let amount = fields.number("amount", Rupiah::parse_positive);
        let tenor = fields.number("tenor", |digits| integer(digits).and_then(Tenor::new));
        let rate = fields.optional_number("interestRate", Rate::parse);
        Some(Self { branch: BranchId(branch?), amount: amount?, tenor: tenor?, interest_rate: rate? })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HistoryRow {
    id: i64,
    status: &'static str,
    note: Option<String>,
    approved_by: String,
    approved_by_role: String,
    approved_by_branch_name: Option<String>,
    created_at: String,
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    caller: Caller<SubmitLoans>,
    asked: Asked<(), Application>,
) -> Result<Reply<LoanDetail>, ApiError> {
    let loan = app.numbers.loan().await?;
    let call = asked.call(&app, caller.user());
    let Application { branch, amount, tenor, interest_rate } = asked.form;
    let use_case = SubmitLoan { actor: caller.actor(), loan, branch, amount, tenor, interest_rate };
    let done = carry_out(&app, use_case, call).await?;
    Ok(decided(&app, "Loan application submitted successfully", done).await?.created())
}

/// A loan after a command on it.
pub(super) async fn decided(
    app: &App,
    message: &'static str,
    done: Accepted<LoanOutcome>,
) -> Result<Reply<LoanDetail>, ApiError> {
    let LoanOutcome { submission, status, version } = &done.outcome;
    let people = People::of(app, [customer_of(&submission.customer)]).await?;
    let json = LoanDetail::new(submission, *status, &people, app.zone)?;
    people.complete(done.replayed)?;
    let reply = Reply::new(message, Some(json), done.at, app.zone, done.position);
    Ok(reply.version(*version).replayed(done.replayed))
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller<ReadLoans>,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<LoanRow>>, ApiError> {
    let Paging { limit, after, .. } = paging;
    let page = match reach(caller.identity(), caller.user()) {
        Some(Reach::All) => loans::all(&view.read, limit, after).await?,
        Some(Reach::Branch(branch)) => loans::of_branch(&view.read, branch, limit, after).await?,
        Some(Reach::Own(customer)) => loans::of_customer(&view.read, customer, limit, after).await?,
        None => return Err(Rejection::AccessDenied.into()),
    };
    Ok(view.reply(&app, rows(&app, &page.rows).await?).next(paging.next(page.next)))
}

/// A list of loans, each as a row.
pub(super) async fn rows(app: &App, loans: &[loans::Loan]) -> Result<Vec<LoanRow>, ApiError> {
    let people = People::of(app, loans.iter().map(|loan| customer_of(&loan.submission.customer))).await?;
    loans.iter().map(|loan| LoanRow::new(&loan.submission, loan.status, &people, app.zone)).collect()
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller<ReadLoan>,
    LoanToRead(number): LoanToRead,
    view: View,
) -> Result<Reply<LoanDetail>, ApiError> {
    let loan = readable(&caller, loans::by_id(&view.read, number).await?)?;
    app.audit.looked_at_loan(caller.trail(), loan.submission.customer.user_id, number);
    let people = People::of(&app, [customer_of(&loan.submission.customer)]).await?;
    let json = LoanDetail::new(&loan.submission, loan.status, &people, app.zone)?;
    Ok(view.reply(&app, json).version(loan.version))
}

pub(super) async fn history(
    State(app): State<Arc<App>>,
    caller: Caller<ReadLoan>,
    LoanToRead(number): LoanToRead,
    view: View,
) -> Result<Reply<Vec<HistoryRow>>, ApiError> {
    let loan = readable(&caller, loans::by_id(&view.read, number).await?)?;
    app.audit.looked_at_loan(caller.trail(), loan.submission.customer.user_id, number);
    let steps = loan_history::of_loan(&view.read, number).await?;
    let people = People::of(&app, steps.iter().flat_map(ciphertexts)).await?;
    let rows = steps.iter().map(|step| history_row(&app, step, &people)).collect::<Result<_, _>>()?;
    Ok(view.reply(&app, rows))
}

fn ciphertexts(step: &loan_history::HistoryEntry) -> impl Iterator<Item = &str> {
    let note = match &step.note {
        loan_history::HistoryNote::Submitted => None,
        loan_history::HistoryNote::Officer(note) => note.as_ref().map(|note| note.ciphertext()),
    };
    std::iter::once(step.decided_by_name.ciphertext()).chain(note)
}

fn history_row(
    app: &App,
    step: &loan_history::HistoryEntry,
    people: &People,
) -> Result<HistoryRow, ApiError> {
    Ok(HistoryRow {
        id: step.position,
        status: step.status.as_str(),
        note: match &step.note {
            loan_history::HistoryNote::Submitted => Some(loan_history::SUBMITTED.to_owned()),
            loan_history::HistoryNote::Officer(note) => people.optional(note.as_ref())?,
        },
        approved_by: people.text(&step.decided_by_name)?,
        approved_by_role: step.role.clone(),
        approved_by_branch_name: step.branch_location.as_ref().map(ToString::to_string),
        created_at: local_time(step.decided_at, app.zone),
    })
}

/// Which loans a caller's list shows.
enum Reach {
    All,
    Branch(BranchId),
    Own(UserId),
}

/// The widest that the permissions allow.
fn reach(caller: &Identity, user: UserId) -> Option<Reach> {
    let branch = caller.person().and_then(|person| person.branch);
    if caller.allows(Permission::LoanReadAll) {
        return Some(Reach::All);
    }
    match branch.filter(|_| caller.allows(Permission::LoanReadBranch)) {
        Some(branch) => Some(Reach::Branch(branch)),
        None => is_customer_with(caller, Permission::LoanRead).then_some(Reach::Own(user)),
    }
}

/// Owner with LOAN_READ, or LOAN_READ_BRANCH in the own branch, or LOAN_READ_ALL. Loan numbers are a sequence that
/// everybody can count in, so that there is none of a number is no secret.
fn readable(caller: &Caller<ReadLoan>, loan: Option<loans::Loan>) -> Result<loans::Loan, Rejection> {
    let loan = loan.ok_or(Rejection::LoanNotFound)?;
    let who = caller.identity();
    if who.allows(Permission::LoanReadAll) {
        return Ok(loan);
    }
    let of_own_branch = |loan: &loans::Loan| {
        let branch = caller.person().and_then(|person| person.branch);
        branch == Some(loan.submission.branch.branch_id) && who.allows(Permission::LoanReadBranch)
    };
    let owner = |loan: &loans::Loan| {
        loan.submission.customer.user_id == caller.user() && is_customer_with(who, Permission::LoanRead)
    };
    if of_own_branch(&loan) || owner(&loan) { Ok(loan) } else { Err(Rejection::LoanNotYours) }
}
