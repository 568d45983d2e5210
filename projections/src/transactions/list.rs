//! The movements of one wallet, narrowed by what its owner asks for, page by page and newest first.
//!
//! Bounds: every query walks one range of the wallet's own rows, from the page's place on. Dates are such a range too: what
//! is recorded later stands further behind, so where a date begins is found by halving, in some thirty steps.

use chrono::{DateTime, Utc};
use lumbung_domain::{LoanNumber, Remarks, Rupiah, Sealed, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{Direction, Kind, Movement, Status};
use crate::cell::{column, parsed, rupiah, sealed_option};
use crate::error::ReadError;
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

/// As everything was at the position `$4`: a transfer that ended behind it was on its way.
const PAGE: &str = "
select position, kind, reference, loan, amount_rupiah, balance_rupiah, remarks, created_at,
    case when ended_position > $4 then 'PENDING' else status end as status
from transactions
where owner = $1 and position > $2 and position < $3
    and ($5::text[] is null or kind = any($5))
    and ($6::text[] is null or case when ended_position > $4 then 'PENDING' else status end = any($6))
order by position desc limit $7";

/// The first position that an owner's movements since an instant may have: all before it are older, all from it on are
/// not. None of an owner without movements.
const FIRST_SINCE: &str = "
with recursive search (low, high) as (
    select (select position from transactions where owner = $1 order by position limit 1),
        (select position + 1 from transactions where owner = $1 order by position desc limit 1)
    union all
    select case when middle.created_at < $2 then middle.position + 1 else s.low end,
        case when middle.created_at < $2 then s.high else (s.low + s.high) / 2 end
    from search s cross join lateral (
        select position, created_at from transactions
        where owner = $1 and position >= (s.low + s.high) / 2 order by position limit 1
    ) middle where s.low < s.high
)
select low from search where low >= high limit 1";

pub(super) const STATEMENTS: [&str; 2] = [PAGE, FIRST_SINCE];

/// One movement of a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The position of the event; lists are ordered by it.
    pub position: i64,
    pub movement: Movement,
    pub status: Status,
    /// Above zero.
    pub amount_rupiah: Rupiah,
    /// With the movement in it.
    pub balance_after_rupiah: Rupiah,
    /// As the wallet's owner may read them.
    pub remarks: Option<Sealed<Remarks>>,
    pub created_at: DateTime<Utc>,
}

/// What movements must have to be shown; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Any of these; of none there are none.
    pub kinds: Option<Vec<Kind>>,
    /// Any of these; of none there are none.
    pub statuses: Option<Vec<Status>>,
    /// Recorded then or later.
    pub from: Option<DateTime<Utc>>,
    /// Recorded before.
    pub until: Option<DateTime<Utc>>,
}

/// The movements of a wallet that are wanted, newest first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn list(
    read: &LiveSchema,
    owner: UserId,
    wanted: &Wanted,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<Transaction>, ReadError> {
    as_of(read, i64::MAX, owner, wanted, limit, after).await
}

/// As [`list`], as it was at a position: page after page, whatever happens in between.
///
/// # Errors
/// See [`ReadError`].
pub async fn as_of(
    read: &LiveSchema,
    position: i64,
    owner: UserId,
    wanted: &Wanted,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<Transaction>, ReadError> {
    let mut above = 0;
    let mut below = after.map_or(position, |cursor| position.min(cursor.0 - 1)).saturating_add(1);
    for (instant, is_from) in [(wanted.from, true), (wanted.until, false)] {
        let Some(instant) = instant else { continue };
        let Some(first) = first_since(read, owner, instant).await? else {
            return Ok(Page::cut(vec![], limit, |_| 0));
        };
        if is_from {
            above = first - 1;
        } else {
            below = below.min(first);
        }
    }
    let kinds = wanted.kinds.as_deref().map(|kinds| column(kinds, |kind| kind.as_str()));
    let statuses = wanted.statuses.as_deref().map(|statuses| column(statuses, |status| status.as_str()));
    let rows = sqlx::query(PAGE)
        .bind(owner.0)
        .bind(above)
        .bind(below)
        .bind(position)
        .bind(kinds)
        .bind(statuses)
        .bind(Page::<Transaction>::fetched(limit))
        .fetch_all(read.pool())
        .await?;
    let rows = rows.iter().map(Transaction::from_row).collect::<Result<_, _>>()?;
    Ok(Page::cut(rows, limit, |row: &Transaction| row.position))
}

async fn first_since(
    read: &LiveSchema,
    owner: UserId,
    instant: DateTime<Utc>,
) -> Result<Option<i64>, ReadError> {
    let row = sqlx::query(FIRST_SINCE).bind(owner.0).bind(instant).fetch_optional(read.pool()).await?;
    Ok(row.map(|row| row.try_get("low")).transpose()?)
}

impl Transaction {
    /// # Errors
    /// [`ReadError::Malformed`].
    fn from_row(row: &PgRow) -> Result<Self, ReadError> {
        let status: &str = row.try_get("status")?;
        let status = Status::ALL
            .into_iter()
            .find(|known| known.as_str() == status)
            .ok_or(ReadError::Malformed { column: "status" })?;
        Ok(Self {
            position: row.try_get("position")?,
            movement: movement(row)?,
            status,
            amount_rupiah: rupiah(row, "amount_rupiah")?,
            balance_after_rupiah: rupiah(row, "balance_rupiah")?,
            remarks: sealed_option(row, "remarks")?,
            created_at: row.try_get("created_at")?,
        })
    }

    /// The balance without the movement in it.
    ///
    /// # Errors
    /// [`ReadError::Malformed`]: no wallet had such a balance.
    pub fn balance_before_rupiah(&self) -> Result<Rupiah, ReadError> {
        let (amount, after) = (self.amount_rupiah, self.balance_after_rupiah);
        let before = match self.movement.kind().direction() {
            Direction::Credit => after.checked_sub(amount),
            Direction::Debit => after.checked_add(amount),
        };
        before.ok_or(ReadError::Malformed { column: "balance_rupiah" })
    }
}

fn movement(row: &PgRow) -> Result<Movement, ReadError> {
    let loan: Option<i64> = row.try_get("loan")?;
    let movement = Movement::new(parsed(row, "kind")?, row.try_get("reference")?, loan.map(LoanNumber));
    movement.ok_or(ReadError::Malformed { column: "reference" })
}
