//! Finding entries, newest first, without reading the whole table whatever is asked for.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use lumbung_domain::{Account, LoanNumber};
use uuid::Uuid;

use super::{LedgerEntry, OF_POSITIONS};
use crate::account_balances::{BLOCK, Periods, first_block, last_blocks};
use crate::error::ReadError;
use crate::page::{Cursor, Limit, Page};
use crate::reader::LiveSchema;

/// How many blocks are looked through at first, and at most at a time: each time that they do not fill the page, four
/// times as many.
const FIRST_BLOCKS: i64 = 4;
const MOST_BLOCKS: i64 = 1_024;

/// Positions between $1 and $2, at most $3 of them. $4: an account, of any line of the entry; $5 and $6: business
/// dates; any of these may be null. Not `exists`, which is planned as a scan of the whole table, once.
macro_rules! conditions {
    () => {
        "e.position between $1 and $2
    and ($4::smallint is null or (
        select true from ledger_entries a
        where a.position = e.position and (a.debit_account = $4 or a.credit_account = $4) limit 1))
    and ($5::date is null or e.business_on >= $5) and ($6::date is null or e.business_on <= $6)"
    };
}

macro_rules! of_subject {
    ($debit:literal, $credit:literal) => {
        concat!(
            "
select position from (
    (select distinct e.position from ledger_entries e where e.",
            $debit,
            " = $7 and ",
            conditions!(),
            " order by e.position desc limit $3)
    union
    (select distinct e.position from ledger_entries e where e.",
            $credit,
            " = $7 and ",
            conditions!(),
            " order by e.position desc limit $3)
) found order by position desc limit $3"
        )
    };
}

pub(super) const LAST: &str = "
select distinct position from ledger_entries where position between $1 and $2 order by position desc limit $3";

/// Block by block: nothing may make the planner read all between the first and the last.
pub(super) const IN_BLOCKS: &str = "
select distinct e.position from unnest($7::bigint[]) as b (first) cross join lateral (
    select e.position from ledger_entries e
    where e.position >= b.first and e.position < b.first + $8 and e.position between $1 and $2
        and ($4::smallint is null or e.debit_account = $4 or e.credit_account = $4)
        and ($5::date is null or e.business_on >= $5) and ($6::date is null or e.business_on <= $6)
    offset 0
) e order by e.position desc limit $3";

/// A voucher has a few entries, so they are all fetched, by its index, and then looked at; were the order of positions known
/// inside, the planner might rather walk all of the table along it.
macro_rules! of_reference {
    ($is:literal) => {
        concat!(
            "
select distinct e.position from (select * from ledger_entries where ",
            $is,
            " offset 0) e where ",
            conditions!(),
            "
    and ($8::uuid is null or (
        select true from ledger_entries a
        where a.position = e.position and (a.debit_party = $8 or a.credit_party = $8) limit 1))
    and ($9::bigint is null or (
        select true from ledger_entries a
        where a.position = e.position and (a.debit_loan = $9 or a.credit_loan = $9) limit 1))
order by e.position desc limit $3"
        )
    };
}

pub(super) const OF_REFERENCE: &str = of_reference!("reference = $7");
/// Of a loan itself: what is a voucher of another kind has an id.
pub(super) const OF_LOANS_OWN: &str =
    of_reference!("(debit_loan = $7 or credit_loan = $7) and reference is null");

pub(super) const OF_PARTY: &str = of_subject!("debit_party", "credit_party");
pub(super) const OF_LOAN: &str = of_subject!("debit_loan", "credit_loan");

/// Which entries are wanted. Those that meet everything that is not `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// As far as the log went then; the schema must show it.
    pub position: i64,
    /// With a line on this account.
    pub account: Option<Account>,
    /// With a line on this part of an account.
    pub part: Option<Part>,
    /// That have this voucher.
    pub reference: Option<Voucher>,
    /// Business dates, both included.
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

/// A subject as people name it: ids of wallets' owners and of transfers are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A wallet, by its owner, or a transfer.
    Party(Uuid),
    Loan(LoanNumber),
}

/// What entries refer to, as people name it: ids of top-ups, payments and transfers are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voucher {
    Id(Uuid),
    Loan(LoanNumber),
}

/// The entries that are wanted, newest first, behind `after`.
///
/// # Errors
/// See [`ReadError`].
pub async fn list(
    read: &LiveSchema,
    wanted: &Wanted,
    limit: Limit,
    after: Option<Cursor>,
) -> Result<Page<LedgerEntry>, ReadError> {
    let last = after.map_or(wanted.position, |cursor| wanted.position.min(cursor.0 - 1));
    let search = Search { read, wanted, count: Page::<LedgerEntry>::fetched(limit) };
    let positions = search.positions(last).await?;
    if positions.is_empty() {
        return Ok(Page::cut(Vec::new(), limit, |entry: &LedgerEntry| entry.position));
    }
    let rows = sqlx::query(OF_POSITIONS).bind(positions).fetch_all(read.pool()).await?;
    Ok(Page::cut(LedgerEntry::collect(&rows)?, limit, |entry| entry.position))
}

struct Search<'a> {
    read: &'a LiveSchema,
    wanted: &'a Wanted,
    count: i64,
}

impl Search<'_> {
    /// Of the entries up to `last`, the newest first.
    async fn positions(&self, last: i64) -> Result<Vec<i64>, ReadError> {
        let Wanted { account, part, reference, from, to, .. } = self.wanted;
        if let Some(voucher) = reference {
            return self.of_voucher(*voucher, last).await;
        }
        if let Some(part) = part {
            return self.of_part(*part, last).await;
        }
        if account.is_none() && from.is_none() && to.is_none() {
            let positions = sqlx::query_scalar(LAST).bind(1_i64).bind(last).bind(self.count);
            return Ok(positions.fetch_all(self.read.pool()).await?);
        }
        self.in_blocks(last).await
    }

    async fn of_voucher(&self, voucher: Voucher, last: i64) -> Result<Vec<i64>, ReadError> {
        let query = match voucher {
            Voucher::Id(_) => sqlx::query_scalar(OF_REFERENCE),
            Voucher::Loan(_) => sqlx::query_scalar(OF_LOANS_OWN),
        };
        let query = query
            .bind(1_i64)
            .bind(last)
            .bind(self.count)
            .bind(self.code())
            .bind(self.wanted.from)
            .bind(self.wanted.to);
        let query = match voucher {
            Voucher::Id(id) => query.bind(id),
            Voucher::Loan(loan) => query.bind(loan.0),
        };
        let (party, loan) = match self.wanted.part {
            Some(Part::Party(party)) => (Some(party), None),
            Some(Part::Loan(loan)) => (None, Some(loan.0)),
            None => (None, None),
        };
        Ok(query.bind(party).bind(loan).fetch_all(self.read.pool()).await?)
    }

    async fn of_part(&self, part: Part, last: i64) -> Result<Vec<i64>, ReadError> {
        let Some(within) = self.bounds(last).await? else { return Ok(Vec::new()) };
        let query = match part {
            Part::Party(_) => sqlx::query_scalar(OF_PARTY),
            Part::Loan(_) => sqlx::query_scalar(OF_LOAN),
        };
        let query = query
            .bind(*within.start())
            .bind(*within.end())
            .bind(self.count)
            .bind(self.code())
            .bind(self.wanted.from)
            .bind(self.wanted.to);
        let query = match part {
            Part::Party(party) => query.bind(party),
            Part::Loan(loan) => query.bind(loan.0),
        };
        Ok(query.fetch_all(self.read.pool()).await?)
    }

    /// Between which positions entries of the account and the business dates are. A subject may have a million more.
    async fn bounds(&self, last: i64) -> Result<Option<RangeInclusive<i64>>, ReadError> {
        let Wanted { account, from, to, .. } = self.wanted;
        if account.is_none() && from.is_none() && to.is_none() {
            return Ok(Some(1..=last));
        }
        let periods = Periods::between(*from, *to);
        let end = last_blocks(self.read, self.accounts(), &periods, last.div_euclid(BLOCK), 1).await?;
        let Some(end) = end.first() else { return Ok(None) };
        let begin = first_block(self.read, self.accounts(), &periods, *end).await?.unwrap_or(*end);
        Ok(Some(begin * BLOCK..=last.min(end * BLOCK + BLOCK - 1)))
    }

    /// In every block that the index names there is an entry, so this ends as soon as the page is full, or with it.
    async fn in_blocks(&self, last: i64) -> Result<Vec<i64>, ReadError> {
        let periods = Periods::between(self.wanted.from, self.wanted.to);
        let mut positions = Vec::new();
        let mut last_block = last.div_euclid(BLOCK);
        let mut ahead = FIRST_BLOCKS;
        loop {
            let blocks = last_blocks(self.read, self.accounts(), &periods, last_block, ahead).await?;
            let Some(oldest) = blocks.last() else { return Ok(positions) };
            let missing = self.count - i64::try_from(positions.len()).unwrap_or(self.count);
            let found: Vec<i64> = sqlx::query_scalar(IN_BLOCKS)
                .bind(oldest * BLOCK)
                .bind(last)
                .bind(missing)
                .bind(self.code())
                .bind(self.wanted.from)
                .bind(self.wanted.to)
                .bind(blocks.iter().map(|block| block * BLOCK).collect::<Vec<_>>())
                .bind(BLOCK)
                .fetch_all(self.read.pool())
                .await?;
            positions.extend(found);
            if positions.len() >= usize::try_from(self.count).unwrap_or(0) {
                return Ok(positions);
            }
            last_block = oldest - 1;
            ahead = (ahead * 4).min(MOST_BLOCKS);
        }
    }

    fn accounts(&self) -> &[Account] {
        self.wanted.account.as_ref().map_or(Account::ALL, std::slice::from_ref)
    }

    fn code(&self) -> Option<i16> {
        self.wanted.account.map(|account| account.code().cast_signed())
    }
}
