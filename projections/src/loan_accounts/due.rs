//! Which loans have days to close, and how far has the daily run come?

use chrono::NaiveDate;
use lumbung_domain::LoanNumber;
use sqlx::Row;

use crate::error::ReadError;
use crate::page::Limit;
use crate::reader::LiveSchema;

/// One range of an index, whatever was closed before.
const DUE: &str = "
select loan, closed_through_on from loan_accounts
where status = 'DISBURSED' and closed_through_on < $1
    and (closed_through_on, loan) > (coalesce($2::date, '-infinity'), $3)
order by closed_through_on, loan limit $4";

const PROGRESS: &str = "
select
    (select count(*) from loan_accounts where status = 'DISBURSED') as active,
    (select count(*) from loan_accounts where status = 'DISBURSED' and closed_through_on < $1) as open,
    (select min(closed_through_on) from loan_accounts where status = 'DISBURSED' and closed_through_on < $1) as oldest";

pub(super) const STATEMENTS: [&str; 2] = [DUE, PROGRESS];

/// A loan with days to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub loan: LoanNumber,
    /// The last day that is closed.
    pub closed_through_on: NaiveDate,
}

/// How far the days of all loans are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Loans that have days at all.
    pub active: i64,
    /// Those of them with days to close.
    pub open: i64,
    /// The first day that is not closed of one of these.
    pub oldest_open_on: Option<NaiveDate>,
}

/// Active loans whose days up to `day` are not all closed, those that are furthest behind first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn due(
    read: &LiveSchema,
    day: NaiveDate,
    limit: Limit,
    after: Option<Due>,
) -> Result<Vec<Due>, ReadError> {
    let rows = sqlx::query(DUE)
        .bind(day)
        .bind(after.map(|after| after.closed_through_on))
        .bind(after.map_or(i64::MIN, |after| after.loan.0))
        .bind(i64::from(limit.get()))
        .fetch_all(read.pool())
        .await?;
    let due = rows.iter().map(|row| {
        let loan = LoanNumber(row.try_get("loan")?);
        Ok(Due { loan, closed_through_on: row.try_get("closed_through_on")? })
    });
    due.collect()
}

/// How far everything is closed, seen on `day`.
///
/// # Errors
/// See [`ReadError`].
pub async fn progress(read: &LiveSchema, day: NaiveDate) -> Result<Progress, ReadError> {
    let row = sqlx::query(PROGRESS).bind(day).fetch_one(read.pool()).await?;
    let oldest: Option<NaiveDate> = row.try_get("oldest")?;
    Ok(Progress {
        active: row.try_get("active")?,
        open: row.try_get("open")?,
        oldest_open_on: oldest.and_then(|closed| closed.succ_opt()),
    })
}
