//! What stood on an account, by any business date, as far as the log went at any position?
//!
//! The log is cut into blocks of [`BLOCK`] positions. For each block and each day, month and year that an account's
//! entries in it are dated in, a row holds the account's totals of that period from the first position to the end of
//! the block. So totals by a date at a position are one row, found by index, per year, month and day before it, and the
//! entries of one block. Entries that are dated back change rows of their own block alone: what was known before stays.
//!
//! Rows do not depend on how events were batched. The last block's are updated as it fills, at most as often as
//! it has positions, so that they do not rot under a long snapshot.

mod part;
mod periods;

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use lumbung_domain::{Account, Totals, TrialBalance, booked_on, postings};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

pub use part::part_balance;
pub(crate) use periods::Periods;
use periods::Span;

use crate::cell::{account, column};
use crate::error::{ProjectionError, ReadError};
use crate::reader::LiveSchema;

/// Positions of a block. Whoever changes it changes what the table says: [`VERSION`] must grow.
pub(crate) const BLOCK: i64 = 256;

pub(crate) const VERSION: u32 = 1;
// Sums of amounts pass 64 bits. The pages have room so that a row can be updated where it is.
pub(crate) const DDL: &str = "
create table account_balances (
    account       smallint not null,
    span          text     not null,
    starts_on     date     not null,
    block         bigint   not null,
    debit_rupiah  numeric  not null,
    credit_rupiah numeric  not null,
    primary key (account, span, starts_on, block)
) with (fillfactor = 70);";
pub(crate) const STATEMENTS: &[&str] =
    &[WRITE, TOTALS, LAST_BLOCKS, FIRST_BLOCK, part::OF_PARTY, part::OF_LOAN];

/// The base of every row is what stood before this batch: the statement does not see its own rows.
const WRITE: &str = "
insert into account_balances (account, span, starts_on, block, debit_rupiah, credit_rupiah)
select m.account, m.span, m.starts_on, m.block,
    coalesce(b.debit_rupiah, 0) + m.debit::numeric, coalesce(b.credit_rupiah, 0) + m.credit::numeric
from unnest($1::smallint[], $2::text[], $3::date[], $4::bigint[], $5::text[], $6::text[])
        as m (account, span, starts_on, block, debit, credit)
    left join lateral (
        select b.debit_rupiah, b.credit_rupiah from account_balances b
        where b.account = m.account and b.span = m.span and b.starts_on = m.starts_on and b.block <= m.block
        order by b.block desc limit 1
    ) b on true
on conflict (account, span, starts_on, block) do update set
    debit_rupiah = excluded.debit_rupiah, credit_rupiah = excluded.credit_rupiah";

/// The periods that have rows, by account: the years between $2 and $3 one index look-up each, months $4, days $5.
macro_rules! of_periods {
    ($rest:literal) => {
        concat!(
            "
with recursive accounts (account) as (select unnest($1::smallint[])),
years (account, starts_on) as (
    select a.account, (
        select min(b.starts_on) from account_balances b
        where b.account = a.account and b.span = 'YEAR' and b.starts_on >= coalesce($2::date, '-infinity')
            and b.starts_on <= coalesce($3::date, 'infinity'))
    from accounts a
    union all
    select y.account, (
        select min(b.starts_on) from account_balances b
        where b.account = y.account and b.span = 'YEAR' and b.starts_on > y.starts_on
            and b.starts_on <= coalesce($3::date, 'infinity'))
    from years y where y.starts_on is not null
),
periods (account, span, starts_on) as (
    select account, 'YEAR', starts_on from years where starts_on is not null
    union all select account, 'MONTH', starts_on from accounts cross join unnest($4::date[]) as m (starts_on)
    union all select account, 'DAY', starts_on from accounts cross join unnest($5::date[]) as d (starts_on)
)",
            $rest
        )
    };
}

const TOTALS: &str = of_periods!(
    "
select account, sum(debit_rupiah)::text as debit, sum(credit_rupiah)::text as credit from (
    select p.account, b.debit_rupiah, b.credit_rupiah from periods p cross join lateral (
        select b.debit_rupiah, b.credit_rupiah from account_balances b
        where b.account = p.account and b.span = p.span and b.starts_on = p.starts_on and b.block < $6
        order by b.block desc limit 1
    ) b
    union all
    select debit_account, amount_rupiah, 0 from ledger_entries
    where position >= $7 and position <= $8 and ($9::date is null or business_on <= $9)
    union all
    select credit_account, 0, amount_rupiah from ledger_entries
    where position >= $7 and position <= $8 and ($9::date is null or business_on <= $9)
) parts group by account"
);

const LAST_BLOCKS: &str = of_periods!(
    "
select distinct b.block from periods p cross join lateral (
    select b.block from account_balances b
    where b.account = p.account and b.span = p.span and b.starts_on = p.starts_on and b.block <= $6
    order by b.block desc limit $7
) b order by b.block desc limit $7"
);

const FIRST_BLOCK: &str = of_periods!(
    "
select min(b.block) from periods p cross join lateral (
    select b.block from account_balances b
    where b.account = p.account and b.span = p.span and b.starts_on = p.starts_on and b.block <= $6
    order by b.block limit 1
) b"
);

/// What stood on every account by the end of the business date `as_of`, as it was known at `position`, which the
/// schema must show. Without a date, whatever it is dated.
///
/// # Errors
/// See [`ReadError`].
pub async fn trial_balance(
    read: &LiveSchema,
    as_of: Option<NaiveDate>,
    position: i64,
) -> Result<TrialBalance, ReadError> {
    let periods = Periods::between(None, as_of);
    let block = position.div_euclid(BLOCK);
    let rows = sqlx::query(TOTALS)
        .bind(codes(Account::ALL))
        .bind(periods.years_from)
        .bind(periods.years_to)
        .bind(&periods.months)
        .bind(&periods.days)
        .bind(block)
        .bind(block.saturating_mul(BLOCK))
        .bind(position)
        .bind(as_of)
        .fetch_all(read.pool())
        .await?;
    gathered(&rows)
}

fn gathered(rows: &[PgRow]) -> Result<TrialBalance, ReadError> {
    let mut balance = TrialBalance::default();
    for row in rows {
        let sum = |column: &'static str| {
            row.try_get::<&str, _>(column)?.parse::<i128>().map_err(|_| ReadError::Malformed { column })
        };
        let totals = Totals { debit_rupiah: sum("debit")?, credit_rupiah: sum("credit")? };
        balance.add(account(row, "account")?, totals);
    }
    Ok(balance)
}

/// The last blocks up to `last` in which entries of one of the accounts are dated in the periods, at most `limit`.
pub(crate) async fn last_blocks(
    read: &LiveSchema,
    accounts: &[Account],
    periods: &Periods,
    last: i64,
    limit: i64,
) -> Result<Vec<i64>, ReadError> {
    let blocks = sqlx::query_scalar(LAST_BLOCKS)
        .bind(codes(accounts))
        .bind(periods.years_from)
        .bind(periods.years_to)
        .bind(&periods.months)
        .bind(&periods.days)
        .bind(last)
        .bind(limit);
    Ok(blocks.fetch_all(read.pool()).await?)
}

/// The first block, up to `last`, in which there are such entries.
pub(crate) async fn first_block(
    read: &LiveSchema,
    accounts: &[Account],
    periods: &Periods,
    last: i64,
) -> Result<Option<i64>, ReadError> {
    let block = sqlx::query_scalar(FIRST_BLOCK)
        .bind(codes(accounts))
        .bind(periods.years_from)
        .bind(periods.years_to)
        .bind(&periods.months)
        .bind(&periods.days)
        .bind(last);
    Ok(block.fetch_one(read.pool()).await?)
}

fn codes(accounts: &[Account]) -> Vec<i16> {
    column(accounts, |account| account.code().cast_signed())
}

/// What a batch of events adds: per block, day and account.
#[derive(Default)]
pub(crate) struct AccountBalances {
    moved: BTreeMap<(i64, NaiveDate, Account), Totals>,
}

/// The columns of [`WRITE`].
#[derive(Default)]
struct Rows {
    accounts: Vec<i16>,
    spans: Vec<&'static str>,
    starts: Vec<NaiveDate>,
    blocks: Vec<i64>,
    debits: Vec<String>,
    credits: Vec<String>,
}

impl AccountBalances {
    pub(crate) fn apply(&mut self, fact: &Fact) {
        let Some(business_on) = booked_on(&fact.event) else { return };
        let block = fact.position.div_euclid(BLOCK);
        for posting in postings(&fact.event, &fact.stream.id) {
            let totals = self.moved.entry((block, business_on, posting.account)).or_default();
            totals.post(posting.signed_rupiah);
        }
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if self.moved.is_empty() {
            return Ok(());
        }
        let rows = self.rows();
        sqlx::query(WRITE)
            .bind(&rows.accounts)
            .bind(&rows.spans)
            .bind(&rows.starts)
            .bind(&rows.blocks)
            .bind(&rows.debits)
            .bind(&rows.credits)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// A row per account, period and block that was touched: what the batch adds up to the end of the block.
    fn rows(&self) -> Rows {
        let mut running: HashMap<(Account, Span, NaiveDate), Totals> = HashMap::new();
        let mut ends: BTreeMap<(i64, Account, Span, NaiveDate), Totals> = BTreeMap::new();
        for (&(block, day, account), &added) in &self.moved {
            for span in Span::ALL {
                let starts_on = span.start_of(day);
                let totals = running.entry((account, span, starts_on)).or_default();
                *totals += added;
                ends.insert((block, account, span, starts_on), *totals);
            }
        }
        let mut rows = Rows::default();
        for ((block, account, span, starts_on), totals) in ends {
            rows.accounts.push(account.code().cast_signed());
            rows.spans.push(span.as_str());
            rows.starts.push(starts_on);
            rows.blocks.push(block);
            rows.debits.push(totals.debit_rupiah.to_string());
            rows.credits.push(totals.credit_rupiah.to_string());
        }
        rows
    }
}
