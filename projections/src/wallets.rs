//! How much money is in a wallet, and in all of them? Told by the newest rows of `transactions`; there is no table of
//! wallets.

use lumbung_domain::{Rupiah, UserId};
use sqlx::Row;

use crate::cell::rupiah;
use crate::error::ReadError;
use crate::reader::LiveSchema;

/// What is in transit may be more than a wallet can hold; more than 64 bits hold is told as the most that they do.
const OF: &str = "
select t.balance_rupiah, t.version, (
    select least(coalesce(sum(p.amount_rupiah), 0), 9223372036854775807)::bigint from transactions p
    where p.owner = $1 and p.status = 'PENDING'
) as pending_out_rupiah
from transactions t where t.owner = $1 order by t.position desc limit 1";

/// From wallet to wallet, and in each to its newest row: two places in one index per wallet, however many rows there are.
const TOTAL: &str = "
with recursive owners (owner) as (
    (select owner from transactions order by owner limit 1)
    union all
    select (select t.owner from transactions t where t.owner > o.owner order by t.owner limit 1)
    from owners o where o.owner is not null
)
select count(*) as wallets, coalesce(sum(newest.balance_rupiah), 0)::text as total_rupiah
from owners o cross join lateral (
    select t.balance_rupiah from transactions t
    where t.owner = o.owner and t.position <= $1 order by t.position desc limit 1
) newest";

pub(crate) const STATEMENTS: [&str; 2] = [OF, TOTAL];

/// A wallet as its owner sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wallet {
    pub balance_rupiah: Rupiah,
    /// Debited for transfers that have not ended.
    pub pending_out_rupiah: i64,
    /// The sequence of the last event of the `Wallet` stream.
    pub version: i64,
}

/// What all customers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// That ever held money.
    pub wallets: i64,
    pub total_rupiah: i128,
}

/// The owner's wallet; `None` before its first credit.
///
/// # Errors
/// See [`ReadError`].
pub async fn of(read: &LiveSchema, owner: UserId) -> Result<Option<Wallet>, ReadError> {
    let row = sqlx::query(OF).bind(owner.0).fetch_optional(read.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Wallet {
        balance_rupiah: rupiah(&row, "balance_rupiah")?,
        pending_out_rupiah: row.try_get("pending_out_rupiah")?,
        version: row.try_get("version")?,
    }))
}

/// All wallets together, as they were at a position.
///
/// # Errors
/// See [`ReadError`].
pub async fn total(read: &LiveSchema, as_of_position: i64) -> Result<Total, ReadError> {
    let row = sqlx::query(TOTAL).bind(as_of_position).fetch_one(read.pool()).await?;
    let total: &str = row.try_get("total_rupiah")?;
    let total_rupiah = total.parse().map_err(|_| ReadError::Malformed { column: "total_rupiah" })?;
    Ok(Total { wallets: row.try_get("wallets")?, total_rupiah })
}
