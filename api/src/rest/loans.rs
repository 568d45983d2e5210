//! `/api/loans`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::loan::{CancelLoan, LoanOutcome, SubmitLoan};
use lumbung_domain::{
    Application, BranchId, Note, Permission, Rate, Rejection, Rupiah, Submission, Tenor, whole_number,
};
use lumbung_projections::loan_history::HistoryNote;
use lumbung_projections::{Page, loan_history, loans};
use serde::Serialize;

use super::body::{Fields, Form};
use super::command::{Accepted, Asked, carry_out};
use super::entry_filter::Moment;
use super::envelope::{Reply, local_time};
use super::error::ApiError;
use super::loan_filter::{LoanFilter, reach};
use super::loan_json::{LoanDetail, LoanRow};
use super::path::{LoanToChange, LoanToRead};
use super::people::{People, customer_of};
use super::servicing::schedule::LoanHead;
use super::servicing::sight::Sight;
use super::view::{Filtered, Listing, Streamed};
use crate::app::App;
use crate::auth::{Caller, ReadLoan, ReadLoans, SubmitLoans, is_customer_with};

/// Who the history names for what nobody did.
const SYSTEM: &str = "System";

pub(super) struct ApplicationForm {
    branch: BranchId,
    amount: Rupiah,
    tenor: Tenor,
    /// The product's if left out.
    interest_rate: Option<Rate>,
}

impl Form for ApplicationForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let branch = fields.number("branchId", whole_number);
        let amount = fields.number("amount", Rupiah::parse_positive);
        let tenor = fields.number("tenor", |digits| whole_number(digits).and_then(Tenor::new));
        let rate = fields.optional_number("interestRate", Rate::parse);
        Some(Self { branch: BranchId(branch?), amount: amount?, tenor: tenor?, interest_rate: rate? })
    }
}

pub(super) struct Cancellation {
    note: Option<Note>,
}

impl Form for Cancellation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { note: fields.optional_text("note", Note::new)? })
    }
}

/// A loan to look at, with what is owed once it is disbursed.
#[derive(Serialize)]
pub(super) struct ShownLoan {
    #[serde(flatten)]
    loan: LoanDetail,
    balance: Option<LoanHead>,
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
    asked: Asked<(), ApplicationForm>,
) -> Result<Reply<LoanDetail>, ApiError> {
    let loan = app.numbers.loan().await?;
    let call = asked.call(&app, caller.user());
    let ApplicationForm { branch, amount, tenor, interest_rate } = asked.form;
    let use_case = SubmitLoan { actor: caller.actor(), loan, branch, amount, tenor, interest_rate };
    let done = carry_out(&app, use_case, call).await?;
    Ok(decided(&app, "Loan application submitted successfully", done).await?.created())
}

pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller<SubmitLoans>,
    asked: Asked<LoanToChange, Cancellation>,
) -> Result<Reply<LoanDetail>, ApiError> {
    let call = asked.call(&app, caller.user());
    let LoanToChange(loan) = asked.target;
    // Whoever may cancel the loan is its customer, with whose key every note on it is sealed.
    let note = match &asked.form.note {
        Some(note) => Some(app.ledger.vault().sealer(caller.user().0).await?.seal(note)?),
        None => None,
    };
    let use_case = CancelLoan { actor: caller.actor(), loan, note, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    decided(&app, "Loan application cancelled", done).await
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
    Filtered { view, paging, filter }: Filtered<LoanFilter>,
) -> Result<Reply<Vec<LoanRow>>, ApiError> {
    let wanted = filter.within(&app, reach(caller.identity(), caller.user())).await?;
    let page = match &wanted {
        Some(wanted) => loans::list(&view.read, wanted, paging.limit, paging.after).await?,
        None => Page { rows: Vec::new(), next: None },
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
    Streamed { streams, filter: moment }: Streamed<Moment>,
) -> Result<Reply<ShownLoan>, ApiError> {
    let sight = Sight::of(&app, &caller, number, &moment).await?;
    let Application { submission, status, .. } = sight.application()?;
    let people = People::of(&app, [customer_of(&submission.customer)]).await?;
    let loan = LoanDetail::new(submission, *status, &people, app.zone)?;
    let balance = sight.balance()?.map(|balance| LoanHead::new(&sight, number, &balance));
    Ok(streams.reply(&app, ShownLoan { loan, balance }).version(sight.version))
}

pub(super) async fn history(
    State(app): State<Arc<App>>,
    caller: Caller<ReadLoan>,
    LoanToRead(number): LoanToRead,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<HistoryRow>>, ApiError> {
    let loan = readable(&caller, loans::by_id(&view.read, number).await?)?;
    app.audit.looked_at_loan(caller.trail(), loan.submission.customer.user_id, number);
    let page = loan_history::of_loan(&view.read, number, paging.limit, paging.after).await?;
    let people = People::of(&app, page.rows.iter().flat_map(ciphertexts)).await?;
    let rows = page.rows.iter().map(|step| history_row(&app, step, &people)).collect::<Result<_, _>>()?;
    Ok(view.reply(&app, rows).next(paging.next(page.next)))
}

fn ciphertexts(step: &loan_history::HistoryEntry) -> impl Iterator<Item = &str> {
    let note = match &step.note {
        HistoryNote::Submitted | HistoryNote::Expired => None,
        HistoryNote::Written(note) => note.as_ref().map(|note| note.ciphertext()),
    };
    step.decided_by.as_ref().map(|by| by.name.ciphertext()).into_iter().chain(note)
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
            HistoryNote::Submitted => Some(loan_history::SUBMITTED.to_owned()),
            HistoryNote::Expired => Some(loan_history::EXPIRED.to_owned()),
            HistoryNote::Written(note) => people.optional(note.as_ref())?,
        },
        approved_by: match &step.decided_by {
            Some(by) => people.text(&by.name)?,
            None => SYSTEM.to_owned(),
        },
        approved_by_role: step.role.clone(),
        approved_by_branch_name: step.branch_location.as_ref().map(ToString::to_string),
        created_at: local_time(step.decided_at, app.zone),
    })
}

/// As [`may_read`], of a loan that there may not be. Loan numbers are a sequence that everybody can count in, so that there
/// is none of a number is no secret.
fn readable(caller: &Caller<ReadLoan>, loan: Option<loans::Loan>) -> Result<loans::Loan, Rejection> {
    let loan = loan.ok_or(Rejection::LoanNotFound)?;
    may_read(caller, &loan.submission)?;
    Ok(loan)
}

/// Owner with LOAN_READ, or LOAN_READ_BRANCH in the own branch, or LOAN_READ_ALL.
pub(super) fn may_read(caller: &Caller<ReadLoan>, submission: &Submission) -> Result<(), Rejection> {
    let who = caller.identity();
    let of_own_branch = || {
        let branch = caller.person().and_then(|person| person.branch);
        branch == Some(submission.branch.branch_id) && who.allows(Permission::LoanReadBranch)
    };
    let owner =
        || submission.customer.user_id == caller.user() && is_customer_with(who, Permission::LoanRead);
    let may = who.allows(Permission::LoanReadAll) || of_own_branch() || owner();
    if may { Ok(()) } else { Err(Rejection::LoanNotYours) }
}
