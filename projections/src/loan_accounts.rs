//! What is owed of a loan, and how far is it closed? One row per loan that was disbursed, for the daily run, for arrears and for the
//! customer's overview.
//!
//! The amounts are sums over the lines of the loan's events, so a batch adds to them; how late the loan is, each event says itself.
//! Of a loan that has no schedule yet nothing is owed, and it is closed through the day before its disbursement: the daily run
//! finds it like any other.

pub mod arrears;
mod due;
mod held;

use std::collections::HashMap;

use chrono::NaiveDate;
use lumbung_domain::{Amounts, AnyEvent, Condition, Line, LoanEvent, LoanNumber, LoanStatus};
use lumbung_journal::Fact;
use sqlx::PgConnection;

pub use due::{Due, Progress, due, progress};
pub use held::{LoanAccount, of_customer};

use crate::cell::{all_found, column};
use crate::error::ProjectionError;

pub(crate) const VERSION: u32 = 1;

/// A day of a loan changes a column of an index, so each row is written anew; the room keeps it near.
pub(crate) const DDL: &str = "
create table loan_accounts (
    loan              bigint not null primary key,
    position          bigint not null,
    customer          uuid   not null,
    customer_number   bigint not null,
    branch            bigint not null,
    disbursed_on      date   not null,
    status            text   not null,
    principal_rupiah  bigint not null,
    interest_rupiah   bigint not null,
    fee_rupiah        bigint not null,
    penalty_rupiah    bigint not null,
    arrears_rupiah    bigint not null,
    closed_through_on date   not null,
    days_past_due     bigint not null,
    collectibility    bigint not null,
    version           bigint not null
) with (fillfactor = 70);
create index loan_accounts_to_close on loan_accounts (closed_through_on, loan) where status = 'DISBURSED';
create index loan_accounts_of_customer on loan_accounts (customer, position);
create index loan_accounts_late on loan_accounts (position) where status = 'DISBURSED' and arrears_rupiah > 0;
create index loan_accounts_late_by_customer on loan_accounts (customer_number)
    where status = 'DISBURSED' and arrears_rupiah > 0;
create index loan_accounts_late_by_branch on loan_accounts (branch) where status = 'DISBURSED' and arrears_rupiah > 0;";

pub(crate) const STATEMENTS: &[&str] = &{
    let [by_loan, by_customer, by_branch] = arrears::STATEMENTS;
    let [due, progress] = due::STATEMENTS;
    [INSERT, UPDATE, by_loan, by_customer, by_branch, due, progress, held::OF_CUSTOMER]
};

/// Whose loan it is, the application says; its row is there, if only since the statement before.
const INSERT: &str = "
insert into loan_accounts (loan, position, customer, customer_number, branch, disbursed_on, status, principal_rupiah,
    interest_rupiah, fee_rupiah, penalty_rupiah, arrears_rupiah, closed_through_on, days_past_due, collectibility, version)
select l.loan, a.position, l.customer, l.customer_number, l.branch, a.disbursed_on, a.status, a.principal_rupiah,
    a.interest_rupiah, a.fee_rupiah, a.penalty_rupiah, coalesce(a.arrears_rupiah, 0), a.closed_through_on,
    coalesce(a.days_past_due, 0), coalesce(a.collectibility, 1), a.version
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::date[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::date[])
    as a (loan, status, principal_rupiah, interest_rupiah, fee_rupiah, penalty_rupiah, arrears_rupiah, closed_through_on,
        days_past_due, collectibility, version, position, disbursed_on)
join loans l on l.loan = a.loan";

/// What no event of the batch said stays as it is.
const UPDATE: &str = "
update loan_accounts a set
    status = u.status,
    principal_rupiah = a.principal_rupiah + u.principal_rupiah,
    interest_rupiah = a.interest_rupiah + u.interest_rupiah,
    fee_rupiah = a.fee_rupiah + u.fee_rupiah,
    penalty_rupiah = a.penalty_rupiah + u.penalty_rupiah,
    arrears_rupiah = coalesce(u.arrears_rupiah, a.arrears_rupiah),
    closed_through_on = coalesce(u.closed_through_on, a.closed_through_on),
    days_past_due = coalesce(u.days_past_due, a.days_past_due),
    collectibility = coalesce(u.collectibility, a.collectibility),
    version = u.version
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::date[],
        $9::bigint[], $10::bigint[], $11::bigint[])
    as u (loan, status, principal_rupiah, interest_rupiah, fee_rupiah, penalty_rupiah, arrears_rupiah, closed_through_on,
        days_past_due, collectibility, version)
where a.loan = u.loan";

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct LoanAccounts {
    changes: HashMap<LoanNumber, Change>,
}

#[derive(Default)]
struct Change {
    /// The position and the day of the disbursement, if it is of this batch.
    disbursed: Option<(i64, NaiveDate)>,
    status: Option<LoanStatus>,
    /// What is owed more, or less.
    owed: Amounts,
    closed_through_on: Option<NaiveDate>,
    condition: Option<Condition>,
    version: i64,
}

impl LoanAccounts {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let AnyEvent::Loan(event) = &fact.event else { return Ok(()) };
        match event {
            // No debt yet, or never one.
            LoanEvent::LoanSubmitted(_)
            | LoanEvent::LoanApproved { .. }
            | LoanEvent::LoanRejected { .. }
            | LoanEvent::LoanCancelled { .. }
            | LoanEvent::LoanExpired { .. } => {}
            LoanEvent::LoanDisbursed { business_on, .. } => {
                let change = self.change(fact)?;
                change.disbursed = Some((fact.position, *business_on));
                change.status = Some(LoanStatus::Disbursed);
                change.closed_through_on = business_on.pred_opt();
            }
            LoanEvent::LoanScheduled { agreement, .. } => {
                let change = self.change(fact)?;
                change.status = Some(LoanStatus::Disbursed);
                change.owed.principal_rupiah += agreement.principal_rupiah.get();
                change.closed_through_on = Some(agreement.disbursed_on);
            }
            LoanEvent::LoanDayClosed { lines, after, business_on, .. } => {
                let change = self.change(fact)?;
                change.take(lines, *after);
                change.closed_through_on = Some(*business_on);
            }
            LoanEvent::RepaymentReceived(receipt) => self.change(fact)?.take(&receipt.lines, receipt.after),
            LoanEvent::RepaymentReversed(reversal) => {
                self.change(fact)?.take(&reversal.lines, reversal.after);
            }
            LoanEvent::LoanWrittenOff { lines, after, .. } => self.change(fact)?.take(lines, *after),
        }
        Ok(())
    }

    fn change(&mut self, fact: &Fact) -> Result<&mut Change, ProjectionError> {
        let strange = |_| ProjectionError::StrangeStream { position: fact.position };
        let change = self.changes.entry(fact.stream.id.parse().map_err(strange)?).or_default();
        change.version = fact.sequence;
        Ok(change)
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        let (new, old): (Vec<Row>, Vec<Row>) =
            self.changes.iter().partition(|(_, change)| change.disbursed.is_some());
        if !new.is_empty() {
            let disbursed = |(_, change): &Row| change.disbursed;
            let query = bound(sqlx::query(INSERT), &new)
                .bind(column(&new, |row| disbursed(row).map(|(position, _)| position)))
                .bind(column(&new, |row| disbursed(row).map(|(_, on)| on)));
            let done = query.execute(&mut *connection).await?;
            all_found("loans", new.len(), done.rows_affected())?;
        }
        if !old.is_empty() {
            let done = bound(sqlx::query(UPDATE), &old).execute(connection).await?;
            all_found("loan_accounts", old.len(), done.rows_affected())?;
        }
        Ok(())
    }
}

impl Change {
    fn take(&mut self, lines: &[Line], after: Condition) {
        for line in lines {
            self.owed.add(line.component, line.charged_rupiah - line.paid_rupiah);
        }
        self.status = Some(after.status);
        self.condition = Some(after);
    }
}

type Row<'a> = (&'a LoanNumber, &'a Change);
type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// The columns that both statements have.
fn bound<'q>(query: Query<'q>, rows: &[Row<'_>]) -> Query<'q> {
    fn said<V>(rows: &[Row<'_>], value: impl Fn(&Condition) -> V) -> Vec<Option<V>> {
        rows.iter().map(|(_, change)| change.condition.as_ref().map(&value)).collect()
    }
    query
        .bind(column(rows, |(loan, _)| loan.0))
        .bind(column(rows, |(_, change)| change.status.map(LoanStatus::as_str)))
        .bind(column(rows, |(_, change)| change.owed.principal_rupiah))
        .bind(column(rows, |(_, change)| change.owed.interest_rupiah))
        .bind(column(rows, |(_, change)| change.owed.fee_rupiah))
        .bind(column(rows, |(_, change)| change.owed.penalty_rupiah))
        .bind(said(rows, |after| after.arrears_rupiah))
        .bind(column(rows, |(_, change)| change.closed_through_on))
        .bind(said(rows, |after| i64::from(after.days_past_due)))
        .bind(said(rows, |after| i64::from(after.collectibility)))
        .bind(column(rows, |(_, change)| change.version))
}
