//! The debts of one customer.

use chrono::NaiveDate;
use lumbung_domain::{Amounts, LoanNumber, LoanStatus, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::cell::parsed;
use crate::error::ReadError;
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

pub(super) const OF_CUSTOMER: &str = "
select a.loan, a.position, a.disbursed_on, a.status, a.principal_rupiah, a.interest_rupiah, a.fee_rupiah,
    a.penalty_rupiah, a.arrears_rupiah, a.closed_through_on, a.days_past_due, a.collectibility, a.version
from loan_accounts a where a.customer = $1 and a.status <> 'PAID_OFF' and a.position < $2
order by a.position desc limit $3";

/// A loan as a debt, on its last closed day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanAccount {
    pub loan: LoanNumber,
    /// Of the disbursement; lists are ordered by it.
    pub position: i64,
    pub disbursed_on: NaiveDate,
    pub status: LoanStatus,
    /// Charged and not paid.
    pub outstanding: Amounts,
    /// What is past due.
    pub arrears_rupiah: i64,
    /// The last closed day; the one before the disbursement while there is no schedule.
    pub closed_through_on: NaiveDate,
    pub days_past_due: i64,
    /// The grade of the lending rules, from 1.
    pub collectibility: i64,
    /// The sequence of the last event of the `Loan` stream.
    pub version: i64,
}

/// The loans of a customer that are not paid off, the newest first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn of_customer(
    read: &LiveSchema,
    customer: UserId,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<LoanAccount>, ReadError> {
    let rows = sqlx::query(OF_CUSTOMER)
        .bind(customer.0)
        .bind(after.map_or(i64::MAX, |cursor| cursor.0))
        .bind(Page::<LoanAccount>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let rows = rows.iter().map(LoanAccount::from_row).collect::<Result<_, _>>()?;
    Ok(Page::cut(rows, limit, |row: &LoanAccount| row.position))
}

impl LoanAccount {
    fn from_row(row: &PgRow) -> Result<Self, ReadError> {
        Ok(Self {
            loan: LoanNumber(row.try_get("loan")?),
            position: row.try_get("position")?,
            disbursed_on: row.try_get("disbursed_on")?,
            status: parsed(row, "status")?,
            outstanding: Amounts {
                penalty_rupiah: row.try_get("penalty_rupiah")?,
                fee_rupiah: row.try_get("fee_rupiah")?,
                interest_rupiah: row.try_get("interest_rupiah")?,
                principal_rupiah: row.try_get("principal_rupiah")?,
            },
            arrears_rupiah: row.try_get("arrears_rupiah")?,
            closed_through_on: row.try_get("closed_through_on")?,
            days_past_due: row.try_get("days_past_due")?,
            collectibility: row.try_get("collectibility")?,
            version: row.try_get("version")?,
        })
    }
}
