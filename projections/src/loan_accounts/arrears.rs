//! Who is late, and with how much? Per loan, per customer or per branch, of the loans that are in arrears and still in the books.
//!
//! Each list walks an index of these loans alone. Sums that 64 bits do not hold are shown as the most that they do.

use chrono::NaiveDate;
use lumbung_domain::{BranchId, LoanNumber, UserId, UserNumber};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error::ReadError;
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

const BY_LOAN: &str = "
select a.loan, a.position, a.customer, a.customer_number, a.branch,
    a.principal_rupiah + a.interest_rupiah + a.fee_rupiah + a.penalty_rupiah as outstanding_rupiah, a.arrears_rupiah,
    a.days_past_due, a.collectibility, 1::bigint as loans, a.closed_through_on as as_of_on
from loan_accounts a where a.status = 'DISBURSED' and a.arrears_rupiah > 0 and a.position < $1
order by a.position desc limit $2";

/// What the loans of a customer or a branch come to.
macro_rules! sums {
    () => {
        "least(sum(a.principal_rupiah + a.interest_rupiah + a.fee_rupiah + a.penalty_rupiah), 9223372036854775807)::bigint
            as outstanding_rupiah,
        least(sum(a.arrears_rupiah), 9223372036854775807)::bigint as arrears_rupiah,
        max(a.days_past_due) as days_past_due, max(a.collectibility) as collectibility, count(*) as loans,
        min(a.closed_through_on) as as_of_on
    from loan_accounts a where a.status = 'DISBURSED' and a.arrears_rupiah > 0"
    };
}

const BY_CUSTOMER: &str = concat!(
    "select a.customer_number, a.customer, ",
    sums!(),
    " and a.customer_number > $1 group by a.customer_number, a.customer order by a.customer_number limit $2"
);

/// The cursor is one more than the id: the first branch has the id 0.
const BY_BRANCH: &str =
    concat!("select a.branch, ", sums!(), " and a.branch >= $1 group by a.branch order by a.branch limit $2");

pub(super) const STATEMENTS: [&str; 3] = [BY_LOAN, BY_CUSTOMER, BY_BRANCH];

/// What is late, of whatever it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late<K> {
    pub of: K,
    /// Charged and not paid, of the loans in arrears.
    pub outstanding_rupiah: i64,
    pub arrears_rupiah: i64,
    /// The worst.
    pub days_past_due: i64,
    /// The worst.
    pub collectibility: i64,
    /// How many are in arrears.
    pub loans: i64,
    /// The day as of which all this is; of several loans the earliest.
    pub as_of_on: NaiveDate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfLoan {
    pub loan: LoanNumber,
    pub customer: UserNumber,
    pub branch: BranchId,
    position: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfCustomer {
    pub number: UserNumber,
    pub user: UserId,
}

/// Loans, the newest first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn by_loan(
    read: &LiveSchema,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<Late<OfLoan>>, ReadError> {
    let below = after.map_or(i64::MAX, |cursor| cursor.0);
    let rows = rows(read, BY_LOAN, below, limit, |row| {
        Ok(OfLoan {
            loan: LoanNumber(row.try_get("loan")?),
            customer: UserNumber(row.try_get("customer_number")?),
            branch: BranchId(row.try_get("branch")?),
            position: row.try_get("position")?,
        })
    });
    Ok(Page::cut(rows.await?, limit, |late| late.of.position))
}

/// Customers by their numbers, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn by_customer(
    read: &LiveSchema,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<Late<OfCustomer>>, ReadError> {
    let above = after.map_or(0, |cursor| cursor.0);
    let rows = rows(read, BY_CUSTOMER, above, limit, |row| {
        let number = UserNumber(row.try_get("customer_number")?);
        Ok(OfCustomer { number, user: UserId(row.try_get("customer")?) })
    });
    Ok(Page::cut(rows.await?, limit, |late| late.of.number.0))
}

/// Branches by their ids, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn by_branch(
    read: &LiveSchema,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<Late<BranchId>>, ReadError> {
    let from = after.map_or(0, |cursor| cursor.0);
    let rows = rows(read, BY_BRANCH, from, limit, |row| Ok(BranchId(row.try_get("branch")?)));
    Ok(Page::cut(rows.await?, limit, |late| late.of.0.saturating_add(1)))
}

async fn rows<K>(
    read: &LiveSchema,
    sql: &'static str,
    place: i64,
    limit: Limit,
    of: impl Fn(&PgRow) -> Result<K, ReadError>,
) -> Result<Vec<Late<K>>, ReadError> {
    let fetched = Page::<Late<K>>::fetched(limit);
    let rows = sqlx::query(sql).bind(place).bind(fetched).fetch_all(read.pool()).await?;
    let late = rows.iter().map(|row| {
        Ok(Late {
            of: of(row)?,
            outstanding_rupiah: row.try_get("outstanding_rupiah")?,
            arrears_rupiah: row.try_get("arrears_rupiah")?,
            days_past_due: row.try_get("days_past_due")?,
            collectibility: row.try_get("collectibility")?,
            loans: row.try_get("loans")?,
            as_of_on: row.try_get("as_of_on")?,
        })
    });
    late.collect()
}
