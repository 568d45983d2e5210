//! What did this officer decide, and what became of it? The history of one person's decisions, joined with the loans.

use chrono::{DateTime, Utc};
use lumbung_domain::{LoanNumber, LoanStatus, Note, PersonName, Rupiah, Sealed, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::cell::{parsed, rupiah, sealed, sealed_option};
use crate::error::ReadError;
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

/// The condition on the role is the index's own: a step of a customer is no decision.
pub(super) const OF_OFFICER: &str = "
select h.position, h.status, h.note, h.decided_at, l.loan, l.customer_name, l.product_name, l.amount_rupiah,
    l.branch_location, l.status as current_status
from (
    select position, loan, status, note, decided_at from loan_history
    where decided_by = $1 and role <> 'CUSTOMER' and position < $2 order by position desc limit $3
) h join loans l on l.loan = h.loan
order by h.position desc";

/// Something an officer decided, and the loan as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDecision {
    /// The position of the event.
    pub position: i64,
    pub loan: LoanNumber,
    pub customer_name: Sealed<PersonName>,
    pub product_name: String,
    pub amount_rupiah: Rupiah,
    pub branch_location: String,
    /// The status that the decision led to.
    pub action: LoanStatus,
    pub current: LoanStatus,
    pub note: Option<Sealed<Note>>,
    pub decided_at: DateTime<Utc>,
}

/// What `officer` decided, newest first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn of_officer(
    read: &LiveSchema,
    officer: UserId,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<OwnDecision>, ReadError> {
    let rows = sqlx::query(OF_OFFICER)
        .bind(officer.0)
        .bind(after.map_or(i64::MAX, |cursor| cursor.0))
        .bind(Page::<OwnDecision>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let decisions = rows.iter().map(OwnDecision::from_row).collect::<Result<_, _>>()?;
    Ok(Page::cut(decisions, limit, |decision: &OwnDecision| decision.position))
}

impl OwnDecision {
    fn from_row(row: &PgRow) -> Result<Self, ReadError> {
        Ok(Self {
            position: row.try_get("position")?,
            loan: LoanNumber(row.try_get("loan")?),
            customer_name: sealed(row, "customer_name")?,
            product_name: row.try_get("product_name")?,
            amount_rupiah: rupiah(row, "amount_rupiah")?,
            branch_location: row.try_get("branch_location")?,
            action: parsed(row, "status")?,
            current: parsed(row, "current_status")?,
            note: sealed_option(row, "note")?,
            decided_at: row.try_get("decided_at")?,
        })
    }
}
