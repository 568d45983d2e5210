//! What moved money into and out of a wallet? One row per movement.
//!
//! This is the table that grows with every command on money, so it has one index for all rows and no look-up on the way
//! in; the two others hold only the transfers on their way. Rows are inserted and stay as they are: a row per wallet that
//! every command updates would rot under a long snapshot. The newest row of a wallet tells its balance and version (see
//! [`crate::wallets`]). Only the debit of a transfer is written a second time, when the transfer ends.

mod list;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lumbung_domain::{AnyEvent, Remarks, Rupiah, Sealed, TransferEvent, TransferId, UserId, WalletEvent};
use lumbung_journal::Fact;
use sqlx::PgConnection;
use uuid::Uuid;

pub use lumbung_domain::{Direction, Movement, MovementKind as Kind};

pub use list::{Transaction, Wanted, as_of, list};

use crate::cell::{all_found, column};
use crate::error::ProjectionError;

pub(crate) const VERSION: u32 = 1;
pub(crate) const DDL: &str = "
create table transactions (
    owner          uuid        not null,
    position       bigint      not null,
    version        bigint      not null,
    kind           text        not null,
    reference      uuid,
    loan           bigint,
    amount_rupiah  bigint      not null,
    balance_rupiah bigint      not null,
    remarks        text,
    status         text        not null,
    ended_position bigint,
    created_at     timestamptz not null,
    primary key (owner, position)
);
create index transactions_in_transit on transactions (reference) where status = 'PENDING';
create index transactions_in_transit_of on transactions (owner, amount_rupiah) where status = 'PENDING';";
pub(crate) const STATEMENTS: &[&str] = &{
    let [page, first_since] = list::STATEMENTS;
    let [of, total] = crate::wallets::STATEMENTS;
    [INSERT, END, page, first_since, of, total]
};

const INSERT: &str = "
insert into transactions (owner, position, version, kind, reference, loan, amount_rupiah, balance_rupiah, remarks, status,
    ended_position, created_at)
select t.owner, t.position, t.version, t.kind, t.reference, t.loan, t.amount_rupiah, t.balance_rupiah, t.remarks,
    t.status, t.ended_position, t.created_at
from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::uuid[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::text[], $10::text[], $11::bigint[], $12::timestamptz[])
    as t (owner, position, version, kind, reference, loan, amount_rupiah, balance_rupiah, remarks, status,
        ended_position, created_at)";

const END: &str = "
update transactions t set status = e.status, ended_position = e.position
from unnest($1::uuid[], $2::text[], $3::bigint[]) as e (reference, status, position)
where t.reference = e.reference and t.status = 'PENDING'";

/// How far a movement got. What is not on its way is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The debit of a transfer whose money is in transit.
    Pending,
    Success,
    /// The debit of a transfer that came back.
    Returned,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Success, Self::Returned];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Success => "SUCCESS",
            Self::Returned => "RETURNED",
        }
    }
}

/// What a batch of events changes in the table.
#[derive(Default)]
pub(crate) struct Transactions {
    rows: Vec<NewRow>,
    /// The debits among the rows whose transfers have not ended, by place.
    in_transit: HashMap<TransferId, usize>,
    /// Transfers of earlier batches: how they ended, and where.
    ended: Vec<(TransferId, Status, i64)>,
}

struct NewRow {
    owner: Uuid,
    position: i64,
    version: i64,
    movement: Movement,
    amount: Rupiah,
    balance: Rupiah,
    remarks: Option<Sealed<Remarks>>,
    status: Status,
    ended_position: Option<i64>,
    created_at: DateTime<Utc>,
}

impl Transactions {
    pub(crate) fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        match &fact.event {
            AnyEvent::Wallet(WalletEvent::WalletCredited {
                amount_rupiah,
                balance_rupiah,
                source,
                remarks,
                ..
            }) => self.moved(fact, (*source).into(), *amount_rupiah, *balance_rupiah, remarks.as_ref()),
            AnyEvent::Wallet(WalletEvent::WalletDebited {
                amount_rupiah,
                balance_rupiah,
                purpose,
                remarks,
                ..
            }) => self.moved(fact, (*purpose).into(), *amount_rupiah, *balance_rupiah, remarks.as_ref()),
            AnyEvent::Transfer(TransferEvent::TransferSettled { .. }) => self.ended(fact, Status::Success),
            AnyEvent::Transfer(TransferEvent::TransferReturned { .. }) => self.ended(fact, Status::Returned),
            AnyEvent::Wallet(WalletEvent::WalletOpened { .. })
            | AnyEvent::Transfer(
                TransferEvent::TransferStarted(_)
                | TransferEvent::TransferParked { .. }
                | TransferEvent::TransferRetried {},
            )
            | AnyEvent::Ledger(_)
            | AnyEvent::LendingRules(_)
            | AnyEvent::Role(_)
            | AnyEvent::Branch(_)
            | AnyEvent::Product(_)
            | AnyEvent::Staff(_)
            | AnyEvent::User(_)
            | AnyEvent::Document(_)
            | AnyEvent::Claim(_)
            | AnyEvent::Session(_)
            | AnyEvent::Plafond(_)
            | AnyEvent::Loan(_)
            | AnyEvent::Message(_) => Ok(()),
        }
    }

    fn moved(
        &mut self,
        fact: &Fact,
        movement: Movement,
        amount: Rupiah,
        balance: Rupiah,
        remarks: Option<&Sealed<Remarks>>,
    ) -> Result<(), ProjectionError> {
        let owner: UserId =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        let mut status = Status::Success;
        if let Movement::TransferOut(transfer) = movement {
            status = Status::Pending;
            self.in_transit.insert(transfer, self.rows.len());
        }
        self.rows.push(NewRow {
            owner: owner.0,
            position: fact.position,
            version: fact.sequence,
            movement,
            amount,
            balance,
            remarks: remarks.cloned(),
            status,
            ended_position: None,
            created_at: fact.recorded_at,
        });
        Ok(())
    }

    fn ended(&mut self, fact: &Fact, status: Status) -> Result<(), ProjectionError> {
        let transfer: TransferId =
            fact.stream.id.parse().map_err(|_| ProjectionError::StrangeStream { position: fact.position })?;
        match self.in_transit.remove(&transfer).and_then(|place| self.rows.get_mut(place)) {
            Some(row) => (row.status, row.ended_position) = (status, Some(fact.position)),
            None => self.ended.push((transfer, status, fact.position)),
        }
        Ok(())
    }

    pub(crate) async fn write(&self, connection: &mut PgConnection) -> Result<(), ProjectionError> {
        if !self.rows.is_empty() {
            insert(connection, &self.rows).await?;
        }
        if self.ended.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(END)
            .bind(column(&self.ended, |(transfer, ..)| transfer.0))
            .bind(column(&self.ended, |(_, status, _)| status.as_str()))
            .bind(column(&self.ended, |(.., position)| *position))
            .execute(connection)
            .await?;
        all_found("transactions", self.ended.len(), done.rows_affected())
    }
}

async fn insert(connection: &mut PgConnection, rows: &[NewRow]) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT)
        .bind(column(rows, |row| row.owner))
        .bind(column(rows, |row| row.position))
        .bind(column(rows, |row| row.version))
        .bind(column(rows, |row| row.movement.kind().as_str()))
        .bind(column(rows, |row| row.movement.reference().id()))
        .bind(column(rows, |row| row.movement.reference().loan().map(|loan| loan.0)))
        .bind(column(rows, |row| row.amount.get()))
        .bind(column(rows, |row| row.balance.get()))
        .bind(column(rows, |row| row.remarks.as_ref().map(Sealed::ciphertext)))
        .bind(column(rows, |row| row.status.as_str()))
        .bind(column(rows, |row| row.ended_position))
        .bind(column(rows, |row| row.created_at))
        .execute(connection)
        .await?;
    Ok(())
}
