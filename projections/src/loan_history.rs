//! Who decided what on a loan, when, and why? One row per event of a loan.

use chrono::{DateTime, Utc};
use lumbung_domain::{
    AnyEvent, LoanEvent, LoanNumber, LoanStatus, Note, Officer, PersonName, Place, Sealed, Stage, UserId,
};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::cell::{column, parsed, sealed, sealed_option};
use crate::error::{ProjectionError, ReadError};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table loan_history (
    position        bigint      not null primary key,
    loan            bigint      not null,
    status          text        not null,
    note            text,
    decided_by      uuid        not null,
    decided_by_name text        not null,
    role            text        not null,
    branch_location text,
    decided_at      timestamptz not null
);
create index loan_history_of_loan on loan_history (loan, position);";
pub(crate) const STATEMENTS: &[&str] = &[INSERT, OF_LOAN];

const INSERT: &str = "
insert into loan_history (position, loan, status, note, decided_by, decided_by_name, role, branch_location, decided_at)
select h.position, h.loan, h.status, h.note, h.decided_by, h.decided_by_name, h.role, h.branch_location, h.decided_at
from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
        $9::timestamptz[])
    as h (position, loan, status, note, decided_by, decided_by_name, role, branch_location, decided_at)";

const OF_LOAN: &str = "
select position, status, note, decided_by, decided_by_name, role, branch_location, decided_at
from loan_history where loan = $1 order by position";

/// The role of the customer's own row.
const CUSTOMER: &str = "CUSTOMER";
/// What the customer's own row says.
pub const SUBMITTED: &str = "Loan application submitted";

/// One step of a loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The position of the event; the entry's id.
    pub position: i64,
    /// The status that the step led to.
    pub status: LoanStatus,
    pub note: HistoryNote,
    pub decided_by: UserId,
    /// The name at that moment.
    pub decided_by_name: Sealed<PersonName>,
    /// The name of the role that the step was made in, `CUSTOMER` for the submission.
    pub role: String,
    pub branch_location: Option<Place>,
    pub decided_at: DateTime<Utc>,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryNote {
    /// The submission; it reads [`SUBMITTED`].
    Submitted,
    /// What the officer wrote, if anything.
    Officer(Option<Sealed<Note>>),
}

/// The steps of a loan, oldest first. A loan has at most one per stage and its submission.
///
/// # Errors
/// See [`ReadError`].
pub async fn of_loan(read: &LiveSchema, loan: LoanNumber) -> Result<Vec<HistoryEntry>, ReadError> {
    let rows = sqlx::query(OF_LOAN).bind(loan.0).fetch_all(read.pool()).await?;
    rows.iter().map(HistoryEntry::from_row).collect()
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
                _ => HistoryNote::Officer(sealed_option(row, "note")?),
            },
            decided_by: UserId(row.try_get("decided_by")?),
            decided_by_name: sealed(row, "decided_by_name")?,
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
                decided_by: submission.customer.user_id,
                decided_by_name: submission.customer.name.clone(),
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
                HistoryNote::Submitted | HistoryNote::Officer(None) => None,
                HistoryNote::Officer(Some(note)) => Some(note.ciphertext()),
            }))
            .bind(column(steps, |step| step.entry.decided_by.0))
            .bind(column(steps, |step| step.entry.decided_by_name.ciphertext()))
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
        note: HistoryNote::Officer(note.cloned()),
        decided_by: officer.user_id,
        decided_by_name: officer.name.clone(),
        role: stage.role_name().to_owned(),
        branch_location: officer.branch_location.clone(),
        decided_at: fact.recorded_at,
    }
}
