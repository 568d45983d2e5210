//! Who decided what on a loan, when, and why? One row per event of a loan.

mod of_officer;

use chrono::{DateTime, Utc};
use lumbung_domain::{
    AnyEvent, LoanEvent, LoanNumber, LoanStatus, Note, Officer, PersonName, Place, Sealed, Stage, UserId,
};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

pub use of_officer::{OwnDecision, of_officer};

use crate::cell::{column, parsed, sealed_option};
use crate::error::{ProjectionError, ReadError};
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table loan_history (
    position        bigint      not null,
    loan            bigint      not null,
    status          text        not null,
    note            text,
    decided_by      uuid,
    decided_by_name text,
    role            text        not null,
    branch_location text,
    decided_at      timestamptz not null,
    primary key (loan, position)
);
create index loan_history_of_officer on loan_history (decided_by, position) where role <> 'CUSTOMER';";
pub(crate) const STATEMENTS: &[&str] = &[INSERT, OF_LOAN, of_officer::OF_OFFICER];

const INSERT: &str = "
insert into loan_history (position, loan, status, note, decided_by, decided_by_name, role, branch_location, decided_at)
select h.position, h.loan, h.status, h.note, h.decided_by, h.decided_by_name, h.role, h.branch_location, h.decided_at
from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
        $9::timestamptz[])
    as h (position, loan, status, note, decided_by, decided_by_name, role, branch_location, decided_at)";

const OF_LOAN: &str = "
select position, status, note, decided_by, decided_by_name, role, branch_location, decided_at
from loan_history where loan = $1 and position > $2 order by position limit $3";

/// The role of the customer's own rows.
const CUSTOMER: &str = "CUSTOMER";
/// The role of what nobody did.
const SYSTEM: &str = "SYSTEM";
/// What the row of the submission says.
pub const SUBMITTED: &str = "Loan application submitted";
/// What the row of an expiry says.
pub const EXPIRED: &str = "Nobody decided on the loan application in time";

/// One step of a loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The position of the event; the entry's id.
    pub position: i64,
    /// The status that the step led to.
    pub status: LoanStatus,
    pub note: HistoryNote,
    /// `None` if the lender's own system did it.
    pub decided_by: Option<Decider>,
    /// The name of the role that the step was made in, `CUSTOMER` for what the customer did, else `SYSTEM`.
    pub role: String,
    pub branch_location: Option<Place>,
    pub decided_at: DateTime<Utc>,
}

/// A person who made a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    pub user: UserId,
    /// The name at that moment.
    pub name: Sealed<PersonName>,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryNote {
    /// The submission; it reads [`SUBMITTED`].
    Submitted,
    /// The expiry; it reads [`EXPIRED`].
    Expired,
    /// What the officer or the customer wrote, if anything.
    Written(Option<Sealed<Note>>),
}

/// The steps of a loan, oldest first. A loan has its submission, at most one per stage, and at most one other end.
///
/// # Errors
/// See [`ReadError`].
pub async fn of_loan(
    read: &LiveSchema,
    loan: LoanNumber,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<HistoryEntry>, ReadError> {
    let rows = sqlx::query(OF_LOAN)
        .bind(loan.0)
        .bind(after.map_or(0, |cursor| cursor.0))
        .bind(Page::<HistoryEntry>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let steps = rows.iter().map(HistoryEntry::from_row).collect::<Result<_, _>>()?;
    Ok(Page::cut(steps, limit, |step: &HistoryEntry| step.position))
}

impl HistoryEntry {
    fn from_row(row: &PgRow) -> Result<Self, ReadError> {
        let status: LoanStatus = parsed(row, "status")?;
        let branch_location = row
            .try_get::<Option<&str>, _>("branch_location")?
            .map(Place::new)
            .transpose()
            .map_err(|_| ReadError::Malformed { column: "branch_location" })?;
        Ok(Self {
            position: row.try_get("position")?,
            status,
            note: match status {
                LoanStatus::Submitted => HistoryNote::Submitted,
                LoanStatus::Expired => HistoryNote::Expired,
                LoanStatus::MarketingApproved
                | LoanStatus::MarketingRejected
                | LoanStatus::BranchManagerApproved
                | LoanStatus::BmRejected
                | LoanStatus::Disbursed
                | LoanStatus::Rejected
                | LoanStatus::Cancelled
                | LoanStatus::PaidOff
                | LoanStatus::WrittenOff => HistoryNote::Written(sealed_option(row, "note")?),
            },
            decided_by: match (row.try_get("decided_by")?, sealed_option(row, "decided_by_name")?) {
                (Some(user), Some(name)) => Some(Decider { user: UserId(user), name }),
                _ => None,
            },
            role: row.try_get("role")?,
            branch_location,
            decided_at: row.try_get("decided_at")?,
        })
    }
}

/// The rows that a batch of events adds to the table.
#[derive(Default)]
pub(crate) struct LoanHistory {
    steps: Vec<Step>,
}

struct Step {
    loan: LoanNumber,
    entry: HistoryEntry,
}

impl LoanHistory {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Loan(event) = &fact.event else { return Ok(()) };
        let loan =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        let entry = match event {
            LoanEvent::LoanSubmitted(submission) => HistoryEntry {
                position: fact.position,
                status: LoanStatus::Submitted,
                note: HistoryNote::Submitted,
                decided_by: Some(Decider {
                    user: submission.customer.user_id,
                    name: submission.customer.name.clone(),
                }),
                role: CUSTOMER.to_owned(),
                branch_location: None,
                // As on the loan itself, which is shown beside it.
                decided_at: submission.submitted_at,
            },
            LoanEvent::LoanApproved { stage, officer, note, .. } => {
                decision(fact, *stage, stage.approved(), officer, note.as_ref())
            }
            LoanEvent::LoanRejected { stage, officer, note, .. } => {
                decision(fact, *stage, stage.rejected(), officer, Some(note))
            }
            LoanEvent::LoanDisbursed { officer, note, .. } => {
                decision(fact, Stage::Backoffice, LoanStatus::Disbursed, officer, note.as_ref())
            }
            LoanEvent::LoanCancelled { customer, name, note, .. } => HistoryEntry {
                position: fact.position,
                status: LoanStatus::Cancelled,
                note: HistoryNote::Written(note.clone()),
                decided_by: Some(Decider { user: *customer, name: name.clone() }),
                role: CUSTOMER.to_owned(),
                branch_location: None,
                decided_at: fact.recorded_at,
            },
            LoanEvent::LoanExpired { .. } => HistoryEntry {
                position: fact.position,
                status: LoanStatus::Expired,
                note: HistoryNote::Expired,
                decided_by: None,
                role: SYSTEM.to_owned(),
                branch_location: None,
                decided_at: fact.recorded_at,
            },
            LoanEvent::LoanWrittenOff { officer, note, .. } => {
                decision(fact, Stage::Backoffice, LoanStatus::WrittenOff, officer, Some(note))
            }
            // The history is of decisions; repayments have a list of their own.
            LoanEvent::LoanScheduled { .. }
            | LoanEvent::LoanDayClosed { .. }
            | LoanEvent::RepaymentReceived(_)
            | LoanEvent::RepaymentReversed(_) => return Ok(()),
        };
        self.steps.push(Step { loan, entry });
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if self.steps.is_empty() {
            return Ok(());
        }
        let steps = &self.steps;
        sqlx::query(INSERT)
            .bind(column(steps, |step| step.entry.position))
            .bind(column(steps, |step| step.loan.0))
            .bind(column(steps, |step| step.entry.status.as_str()))
            .bind(column(steps, |step| match &step.entry.note {
                HistoryNote::Submitted | HistoryNote::Expired | HistoryNote::Written(None) => None,
                HistoryNote::Written(Some(note)) => Some(note.ciphertext()),
            }))
            .bind(column(steps, |step| step.entry.decided_by.as_ref().map(|by| by.user.0)))
            .bind(column(steps, |step| step.entry.decided_by.as_ref().map(|by| by.name.ciphertext())))
            .bind(column(steps, |step| step.entry.role.as_str()))
            .bind(column(steps, |step| step.entry.branch_location.as_ref().map(Place::as_str)))
            .bind(column(steps, |step| step.entry.decided_at))
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn decision(
    fact: &Fact,
    stage: Stage,
    status: LoanStatus,
    officer: &Officer,
    note: Option<&Sealed<Note>>,
) -> HistoryEntry {
    HistoryEntry {
        position: fact.position,
        status,
        note: HistoryNote::Written(note.cloned()),
        decided_by: Some(Decider { user: officer.user_id, name: officer.name.clone() }),
        role: stage.role_name().to_owned(),
        branch_location: officer.branch_location.clone(),
        decided_at: fact.recorded_at,
    }
}
