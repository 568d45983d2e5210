//! Which loans wait for whose decision? One row per pending loan.
//!
//! A row lies on a *desk*: the stage and, for the stages that belong to a branch, the branch. An officer with
//! several stages looks at several desks; each is one short range of one index, however long the queue is.

use std::collections::HashMap;

use chrono::NaiveDate;
use lumbung_domain::{AnyEvent, BranchId, LoanEvent, LoanNumber, LoanStatus, Stage};
use lumbung_journal::Fact;
use sqlx::{PgConnection, Row};

use crate::cell::{all_found, column};
use crate::error::{ProjectionError, ReadError};
use crate::loans::{Loan, loan_columns};
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table approval_queue (
    loan             bigint not null primary key,
    position         bigint not null,
    stage            text   not null,
    branch           bigint not null,
    desk             text   not null,
    waiting_since_on date   not null
);
create index approval_queue_of_desk on approval_queue (desk, position);
create index approval_queue_by_wait on approval_queue (waiting_since_on, loan);";
pub(crate) const STATEMENTS: &[&str] = &[INSERT, MOVE, REMOVE, PENDING, FORGOTTEN];

const INSERT: &str = "
insert into approval_queue (loan, position, stage, branch, desk, waiting_since_on)
select q.loan, q.position, q.stage, q.branch, q.desk, q.waiting_since_on
from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::date[])
    as q (loan, position, stage, branch, desk, waiting_since_on)";

/// The desk is [`desk`] in SQL: the event of an approval does not name the loan's branch.
const MOVE: &str = "
update approval_queue q set
    stage = m.stage,
    desk = case when m.stage = 'BACKOFFICE' then m.stage else m.stage || ':' || q.branch end,
    waiting_since_on = m.since_on
from unnest($1::bigint[], $2::text[], $3::date[]) as m (loan, stage, since_on)
where q.loan = m.loan";

const REMOVE: &str = "
delete from approval_queue q using unnest($1::bigint[]) as r (loan) where q.loan = r.loan";

const PENDING: &str = concat!(
    "select ",
    loan_columns!(),
    " from (
        select q.loan, q.position from unnest($1::text[]) as d (desk) cross join lateral (
            select q.loan, q.position from approval_queue q
            where q.desk = d.desk and q.position > $2 order by q.position limit $3
        ) q order by q.position limit $3
    ) q join loans l on l.loan = q.loan order by q.position"
);

const FORGOTTEN: &str = "
select loan, waiting_since_on from approval_queue
where waiting_since_on < $1 and ($2::date is null or (waiting_since_on, loan) > ($2, $3))
order by waiting_since_on, loan limit $4";

/// An application on which nobody has decided for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    pub loan: LoanNumber,
    /// The business date of the submission or of the last decision.
    pub waiting_since_on: NaiveDate,
}

/// Loans that wait since before `day`, the oldest first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn forgotten(
    read: &LiveSchema,
    day: NaiveDate,
    limit: Limit,
    after: Option<Forgotten>,
) -> Result<Vec<Forgotten>, ReadError> {
    let rows = sqlx::query(FORGOTTEN)
        .bind(day)
        .bind(after.map(|after| after.waiting_since_on))
        .bind(after.map(|after| after.loan.0))
        .bind(i64::from(limit.get()))
        .fetch_all(read.pool())
        .await?;
    let forgotten = rows.iter().map(|row| {
        let loan = LoanNumber(row.try_get("loan")?);
        Ok(Forgotten { loan, waiting_since_on: row.try_get("waiting_since_on")? })
    });
    forgotten.collect()
}

/// The loans that wait for one of `stages`, oldest first, behind `after`. At the stages of a branch only those of
/// `branch`; BACKOFFICE decides for all branches.
///
/// # Errors
/// See [`ReadError`].
pub async fn pending(
    read: &LiveSchema,
    stages: &[Stage],
    branch: Option<BranchId>,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<Loan>, ReadError> {
    let mut desks: Vec<String> = stages.iter().filter_map(|stage| desk(*stage, branch)).collect();
    desks.sort_unstable();
    desks.dedup();
    let rows = sqlx::query(PENDING)
        .bind(desks)
        .bind(after.map_or(0, |cursor| cursor.0))
        .bind(Page::<Loan>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let loans = rows.iter().map(Loan::from_row).collect::<Result<_, _>>()?;
    Ok(Page::cut(loans, limit, |loan: &Loan| loan.position))
}

/// `None` for an officer without a branch at a stage that needs one: they see nothing there.
fn desk(stage: Stage, branch: Option<BranchId>) -> Option<String> {
    match (stage, branch) {
        (Stage::Backoffice, _) => Some(stage.role_name().to_owned()),
        (Stage::Marketing | Stage::BranchManager, Some(branch)) => {
            Some(format!("{}:{branch}", stage.role_name()))
        }
        (Stage::Marketing | Stage::BranchManager, None) => None,
    }
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct ApprovalQueue {
    arrived: HashMap<LoanNumber, Waiting>,
    /// Loans of earlier batches: their next stage and the day of the step, or none if they leave.
    moved: HashMap<LoanNumber, Option<(Stage, NaiveDate)>>,
}

struct Waiting {
    position: i64,
    stage: Stage,
    branch: BranchId,
    since_on: NaiveDate,
}

impl ApprovalQueue {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Loan(event) = &fact.event else { return Ok(()) };
        let loan: LoanNumber =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        let (status, on) = match event {
            LoanEvent::LoanSubmitted(submission) => {
                let (branch, since_on) = (submission.branch.branch_id, submission.business_on);
                let waiting = Waiting { position: fact.position, stage: Stage::Marketing, branch, since_on };
                self.arrived.insert(loan, waiting);
                return Ok(());
            }
            LoanEvent::LoanApproved { stage, business_on, .. } => (stage.approved(), *business_on),
            LoanEvent::LoanRejected { stage, business_on, .. } => (stage.rejected(), *business_on),
            LoanEvent::LoanDisbursed { business_on, .. } => (LoanStatus::Disbursed, *business_on),
            LoanEvent::LoanCancelled { business_on, .. } => (LoanStatus::Cancelled, *business_on),
            LoanEvent::LoanExpired { business_on, .. } => (LoanStatus::Expired, *business_on),
            // Nobody decides on a loan any more.
            LoanEvent::LoanScheduled { .. }
            | LoanEvent::LoanDayClosed { .. }
            | LoanEvent::RepaymentReceived(_)
            | LoanEvent::RepaymentReversed(_)
            | LoanEvent::LoanWrittenOff { .. } => return Ok(()),
        };
        match (self.arrived.get_mut(&loan), status.awaits()) {
            (Some(waiting), Some(stage)) => (waiting.stage, waiting.since_on) = (stage, on),
            (Some(_), None) => drop(self.arrived.remove(&loan)),
            (None, stage) => drop(self.moved.insert(loan, stage.map(|stage| (stage, on)))),
        }
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if !self.arrived.is_empty() {
            let rows = || self.arrived.values();
            sqlx::query(INSERT)
                .bind(column(self.arrived.keys(), |loan| loan.0))
                .bind(column(rows(), |waiting| waiting.position))
                .bind(column(rows(), |waiting| waiting.stage.role_name()))
                .bind(column(rows(), |waiting| waiting.branch.0))
                .bind(column(rows(), |waiting| desk(waiting.stage, Some(waiting.branch))))
                .bind(column(rows(), |waiting| waiting.since_on))
                .execute(&mut *connection)
                .await?;
        }
        let mut staying = Vec::new();
        let mut leaving = Vec::new();
        for (loan, stage) in &self.moved {
            match stage {
                Some((stage, on)) => staying.push((loan.0, stage.role_name(), *on)),
                None => leaving.push(loan.0),
            }
        }
        if !staying.is_empty() {
            let done = sqlx::query(MOVE)
                .bind(column(&staying, |(loan, _, _)| *loan))
                .bind(column(&staying, |(_, stage, _)| *stage))
                .bind(column(&staying, |(_, _, on)| *on))
                .execute(&mut *connection)
                .await?;
            all_found("approval_queue", staying.len(), done.rows_affected())?;
        }
        if !leaving.is_empty() {
            let done = sqlx::query(REMOVE).bind(&leaving).execute(&mut *connection).await?;
            all_found("approval_queue", leaving.len(), done.rows_affected())?;
        }
        Ok(())
    }
}
