//! Which applications are there, narrowed by what the staff asks for, page by page and newest first?
//!
//! Bounds: every query walks one range of one index, from the page's place on, and what it looks up first is one place in
//! another. Dates are such a range too: an application is submitted at the instant at which its event is recorded, and
//! those never fall from one position to the next.

use chrono::{DateTime, Utc};
use lumbung_domain::{BranchId, LoanStatus, ProductId, UserId};
use sqlx::Row;

use super::{Loan, loan_columns};
use crate::error::ReadError;
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

/// What loans must have to be shown; what is `None` or empty does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub customer: Option<UserId>,
    pub branch: Option<BranchId>,
    pub product: Option<ProductId>,
    /// Any of these.
    pub statuses: Vec<LoanStatus>,
    /// Submitted then or later.
    pub from: Option<DateTime<Utc>>,
    /// Submitted before.
    pub until: Option<DateTime<Utc>>,
}

/// The conditions that may stand beside any other. They are planned for the values at hand, so one that does not matter
/// is not there.
macro_rules! conditions {
    () => {
        "l.position > $1 and l.position < $2 and ($4::bigint is null or l.branch = $4)
            and ($5::bigint is null or l.product = $5)"
    };
}

const ALL: &str = concat!(
    "select ",
    loan_columns!(),
    " from loans l where ",
    conditions!(),
    " order by l.position desc limit $3"
);

/// Each status is a range of its own.
const OF_STATUSES: &str = concat!(
    "select ",
    loan_columns!(),
    " from unnest($6::text[]) as s (status) cross join lateral (
        select * from loans l where l.status = s.status and ",
    conditions!(),
    " order by l.position desc limit $3
    ) l order by l.position desc limit $3"
);

/// `offset 0` keeps the customer's range what is walked, however rare the other conditions look.
const OF_CUSTOMER: &str = concat!(
    "select ",
    loan_columns!(),
    " from (
        select * from loans l where l.customer = $7 and l.position > $1 and l.position < $2
        order by l.position desc offset 0
    ) l where ",
    conditions!(),
    " and ($6::text[] is null or l.status = any($6)) order by l.position desc limit $3"
);

const FIRST_SINCE: &str =
    "select position from loans where submitted_at >= $1 order by submitted_at, position limit 1";

pub(super) const STATEMENTS: [&str; 4] = [ALL, OF_STATUSES, OF_CUSTOMER, FIRST_SINCE];

/// The loans that are wanted, newest first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn list(
    read: &LiveSchema,
    wanted: &Wanted,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<Loan>, ReadError> {
    let mut above = 0;
    let mut below = after.map_or(i64::MAX, |cursor| cursor.0);
    if let Some(from) = wanted.from {
        let Some(first) = first_since(read, from).await? else { return Ok(Page::cut(vec![], limit, |_| 0)) };
        above = first - 1;
    }
    if let Some(until) = wanted.until
        && let Some(first) = first_since(read, until).await?
    {
        below = below.min(first);
    }
    let statuses: Vec<&str> = wanted.statuses.iter().map(|status| status.as_str()).collect();
    let sql = match (wanted.customer, statuses.is_empty()) {
        (Some(_), _) => OF_CUSTOMER,
        (None, true) => ALL,
        (None, false) => OF_STATUSES,
    };
    let mut query = sqlx::query(sql)
        .bind(above)
        .bind(below)
        .bind(Page::<Loan>::fetched(limit))
        .bind(wanted.branch.map(|branch| branch.0))
        .bind(wanted.product.map(|product| product.0));
    if sql != ALL {
        query = query.bind(Some(statuses).filter(|statuses| !statuses.is_empty()));
    }
    if let Some(customer) = wanted.customer {
        query = query.bind(customer.0);
    }
    let rows = query.fetch_all(read.pool()).await?;
    let loans = rows.iter().map(Loan::from_row).collect::<Result<_, _>>()?;
    Ok(Page::cut(loans, limit, |loan: &Loan| loan.position))
}

/// The position of the first application submitted at an instant or later.
async fn first_since(read: &LiveSchema, instant: DateTime<Utc>) -> Result<Option<i64>, ReadError> {
    let row = sqlx::query(FIRST_SINCE).bind(instant).fetch_optional(read.pool()).await?;
    Ok(row.map(|row| row.try_get("position")).transpose()?)
}
