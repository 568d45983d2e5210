//! Which loans wait for whose decision? One row per pending loan.
//!
//! A row lies on a *desk*: the stage and, for the stages that belong to a branch, the branch. An officer with
//! several stages looks at several desks; each is one short range of one index, however long the queue is.

use std::collections::HashMap;

use lumbung_domain::{AnyEvent, BranchId, LoanEvent, LoanNumber, LoanStatus, Stage};
use lumbung_journal::Fact;
use sqlx::PgConnection;

use crate::cell::{all_found, column};
use crate::error::{ProjectionError, ReadError};
use crate::loans::{Loan, loan_columns};
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table approval_queue (
    loan     bigint not null primary key,
    position bigint not null,
    stage    text   not null,
    branch   bigint not null,
    desk     text   not null
);
create index approval_queue_of_desk on approval_queue (desk, position);";
pub(crate) const STATEMENTS: &[&str] = &[INSERT, MOVE, REMOVE, PENDING];

const INSERT: &str = "
insert into approval_queue (loan, position, stage, branch, desk)
select q.loan, q.position, q.stage, q.branch, q.desk
from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
    as q (loan, position, stage, branch, desk)";

/// The desk is [`desk`] in SQL: the event of an approval does not name the loan's branch.
const MOVE: &str = "
update approval_queue q set
    stage = m.stage,
    desk = case when m.stage = 'BACKOFFICE' then m.stage else m.stage || ':' || q.branch end
from unnest($1::bigint[], $2::text[]) as m (loan, stage)
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
    /// Loans of earlier batches: their next stage, or none if they leave.
    moved: HashMap<LoanNumber, Option<Stage>>,
}

struct Waiting {
    position: i64,
    stage: Stage,
    branch: BranchId,
}

impl ApprovalQueue {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Loan(event) = &fact.event else { return Ok(()) };
        let loan: LoanNumber =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        let status = match event {
            LoanEvent::LoanSubmitted(submission) => {
                let branch = submission.branch.branch_id;
                let waiting = Waiting { position: fact.position, stage: Stage::Marketing, branch };
                self.arrived.insert(loan, waiting);
                return Ok(());
            }
            LoanEvent::LoanApproved { stage, .. } => stage.approved(),
            LoanEvent::LoanRejected { stage, .. } => stage.rejected(),
            LoanEvent::LoanDisbursed { .. } => LoanStatus::Disbursed,
        };
        match (self.arrived.get_mut(&loan), status.awaits()) {
            (Some(waiting), Some(stage)) => waiting.stage = stage,
            (Some(_), None) => drop(self.arrived.remove(&loan)),
            (None, stage) => drop(self.moved.insert(loan, stage)),
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
                .execute(&mut *connection)
                .await?;
        }
        let mut staying = Vec::new();
        let mut leaving = Vec::new();
        for (loan, stage) in &self.moved {
            match stage {
                Some(stage) => staying.push((loan.0, stage.role_name())),
                None => leaving.push(loan.0),
            }
        }
        if !staying.is_empty() {
            let done = sqlx::query(MOVE)
                .bind(column(&staying, |(loan, _)| *loan))
                .bind(column(&staying, |(_, stage)| *stage))
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
