//! Which entries stand in the books, newest first? Of every money event a row per pair of accounts: one, unless the
//! entry has more than two sides.
//!
//! This is the most written table, so its rows are narrow and its indexes few: the position, and the subject of each
//! side that has one, and what the entry refers to, whose ids are made in the order of time and so go to the index's last pages. Entries of an account or of business dates are found through the blocks of
//! [`crate::account_balances`].
//!
//! A subject is a wallet, named by its owner, or a transfer (`party`), or a loan. Only parts of `TRANSFERS_IN_TRANSIT` are
//! transfers.

mod find;

use chrono::{DateTime, NaiveDate, Utc};
use lumbung_domain::{
    Account, AnyEvent, LoanNumber, Movement, Pair, Side, Subject, TransferId, UserId, booked_on, movement,
    pairs, postings,
};
use lumbung_journal::Fact;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

pub use find::{Part, Voucher, Wanted, list};

use crate::cell::{account, column, parsed};
use crate::error::{ProjectionError, ReadError};

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table ledger_entries (
    position       bigint      not null,
    amount_rupiah  bigint      not null,
    recorded_at    timestamptz not null,
    business_on    date        not null,
    debit_account  smallint    not null,
    credit_account smallint    not null,
    line           smallint    not null,
    debit_party    uuid,
    credit_party   uuid,
    event_type     text        not null,
    debit_loan     bigint,
    credit_loan    bigint,
    kind           text        not null,
    -- null if it is a loan, which is one of the parts
    reference      uuid,
    primary key (position, line)
);
create index ledger_entries_debit_party on ledger_entries (debit_party, position) where debit_party is not null;
create index ledger_entries_credit_party on ledger_entries (credit_party, position) where credit_party is not null;
create index ledger_entries_debit_loan on ledger_entries (debit_loan, position) where debit_loan is not null;
create index ledger_entries_credit_loan on ledger_entries (credit_loan, position) where credit_loan is not null;
create index ledger_entries_reference on ledger_entries (reference) where reference is not null;";
pub(crate) const STATEMENTS: &[&str] = &[
    INSERT,
    OF_POSITIONS,
    find::LAST,
    find::IN_BLOCKS,
    find::OF_PARTY,
    find::OF_LOAN,
    find::OF_REFERENCE,
    find::OF_LOANS_OWN,
];

const INSERT: &str = "
insert into ledger_entries (position, amount_rupiah, recorded_at, business_on, debit_account, credit_account, line,
    debit_party, credit_party, event_type, debit_loan, credit_loan, kind,
    reference)
select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::date[], $5::smallint[], $6::smallint[],
    $7::smallint[], $8::uuid[], $9::uuid[], $10::text[], $11::bigint[], $12::bigint[],
    $13::text[], $14::uuid[])";

const OF_POSITIONS: &str = "
select position, amount_rupiah, recorded_at, business_on, debit_account, credit_account, debit_party, credit_party,
    event_type, debit_loan, credit_loan, kind, reference
from ledger_entries where position = any($1) order by position desc, line";

/// What one money event posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    pub position: i64,
    pub event_type: String,
    /// What it was, and its voucher.
    pub movement: Movement,
    pub business_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    /// Debits equal credits.
    pub lines: Vec<Line>,
}

/// What an entry has on one side of an account, or of a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub account: Account,
    pub subject: Option<Subject>,
    /// Debits are positive, credits negative, in whole rupiah.
    pub signed_rupiah: i64,
}

impl LedgerEntry {
    /// Of the rows of one entry, the next one.
    fn take(&mut self, row: &PgRow) -> Result<(), ReadError> {
        let amount: i64 = row.try_get("amount_rupiah")?;
        let debit = side(row, "debit_account", "debit_party", "debit_loan")?;
        let credit = side(row, "credit_account", "credit_party", "credit_loan")?;
        for (Side { account, subject }, signed_rupiah) in [(debit, amount), (credit, -amount)] {
            let known = self.lines.iter_mut().find(|line| {
                (line.account, line.subject) == (account, subject)
                    && (line.signed_rupiah > 0) == (signed_rupiah > 0)
            });
            match known {
                Some(line) => line.signed_rupiah += signed_rupiah,
                None => self.lines.push(Line { account, subject, signed_rupiah }),
            }
        }
        Ok(())
    }

    /// Of the rows of any number of entries, in order.
    fn collect(rows: &[PgRow]) -> Result<Vec<Self>, ReadError> {
        let mut entries: Vec<Self> = Vec::new();
        for row in rows {
            let position = row.try_get("position")?;
            if entries.last().is_none_or(|last| last.position != position) {
                entries.push(Self {
                    position,
                    event_type: row.try_get("event_type")?,
                    movement: named(row)?,
                    business_on: row.try_get("business_on")?,
                    recorded_at: row.try_get("recorded_at")?,
                    lines: Vec::with_capacity(2),
                });
            }
            if let Some(entry) = entries.last_mut() {
                entry.take(row)?;
            }
        }
        Ok(entries)
    }
}

fn side(row: &PgRow, of: &'static str, party: &'static str, loan: &'static str) -> Result<Side, ReadError> {
    let account = account(row, of)?;
    let party: Option<Uuid> = row.try_get(party)?;
    let loan: Option<i64> = row.try_get(loan)?;
    let party = party
        .map(|id| match account {
            Account::TransfersInTransit => Ok(Subject::Transfer(TransferId(id))),
            Account::CustomerWallets => Ok(Subject::Wallet(UserId(id))),
            // These have no parts, or loans for parts.
            Account::CashAtGateway
            | Account::LoansReceivablePrincipal
            | Account::LoansReceivableInterest
            | Account::LoansReceivableFees
            | Account::LoansReceivablePenalties
            | Account::MerchantSettlement
            | Account::InterestIncome
            | Account::PenaltyIncome
            | Account::FeeIncome
            | Account::WriteOffs => Err(ReadError::Malformed { column: of }),
        })
        .transpose()?;
    Ok(Side { account, subject: party.or(loan.map(|loan| Subject::Loan(LoanNumber(loan)))) })
}

fn named(row: &PgRow) -> Result<Movement, ReadError> {
    let debit: Option<i64> = row.try_get("debit_loan")?;
    let credit: Option<i64> = row.try_get("credit_loan")?;
    let movement =
        Movement::new(parsed(row, "kind")?, row.try_get("reference")?, debit.or(credit).map(LoanNumber));
    movement.ok_or(ReadError::Malformed { column: "reference" })
}

/// The rows that a batch of events adds to the table.
#[derive(Default)]
pub(crate) struct LedgerEntries {
    rows: Vec<Booked>,
}

struct Booked {
    position: i64,
    line: i16,
    recorded_at: DateTime<Utc>,
    business_on: NaiveDate,
    event_type: &'static str,
    movement: Movement,
    pair: Pair,
}

impl LedgerEntries {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        let Some((business_on, movement)) = booked_on(&fact.event).zip(movement(&fact.event)) else {
            return Ok(());
        };
        let pairs = pairs(&postings(&fact.event, &fact.stream.id));
        let pairs = pairs.ok_or(ProjectionError::Unbalanced { position: fact.position })?;
        let event_type = AnyEvent::event_type(&fact.event);
        self.rows.extend((0..).zip(pairs).map(|(line, pair)| Booked {
            position: fact.position,
            line,
            recorded_at: fact.recorded_at,
            business_on,
            event_type,
            movement,
            pair,
        }));
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = &self.rows;
        sqlx::query(INSERT)
            .bind(column(rows, |row| row.position))
            .bind(column(rows, |row| row.pair.amount_rupiah))
            .bind(column(rows, |row| row.recorded_at))
            .bind(column(rows, |row| row.business_on))
            .bind(column(rows, |row| row.pair.debit.account.code().cast_signed()))
            .bind(column(rows, |row| row.pair.credit.account.code().cast_signed()))
            .bind(column(rows, |row| row.line))
            .bind(column(rows, |row| party(row.pair.debit)))
            .bind(column(rows, |row| party(row.pair.credit)))
            .bind(column(rows, |row| row.event_type))
            .bind(column(rows, |row| loan(row.pair.debit)))
            .bind(column(rows, |row| loan(row.pair.credit)))
            .bind(column(rows, |row| row.movement.kind().as_str()))
            .bind(column(rows, |row| row.movement.reference().id()))
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn party(side: Side) -> Option<Uuid> {
    match side.subject? {
        Subject::Wallet(user) => Some(user.0),
        Subject::Transfer(transfer) => Some(transfer.0),
        Subject::Loan(_) => None,
    }
}

fn loan(side: Side) -> Option<i64> {
    match side.subject? {
        Subject::Loan(loan) => Some(loan.0),
        Subject::Wallet(_) | Subject::Transfer(_) => None,
    }
}
