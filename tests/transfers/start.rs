//! Transfers as they are started, and what becomes of them.

use std::time::Duration;

use lumbung_commands::settlement::Settlement;
use lumbung_commands::{Actor, Book, Halt, Ledger, UseCase};
use lumbung_domain::{
    Instruction, Rupiah, TopUpId, Transfer, TransferCommand, TransferId, TransferStatus, User, UserCommand,
    UserId, Wallet, WalletCommand, WalletPurpose, WalletSource,
};
use lumbung_journal::Lease;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use crate::support::ledger::run;

/// Starts a transfer without asking who may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Send {
    pub(crate) transfer: TransferId,
    pub(crate) from: UserId,
    pub(crate) to: UserId,
    pub(crate) rupiah: i64,
}

impl UseCase for Send {
    const NAME: &'static str = "Send";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let (amount, business_on) = (Rupiah::positive(self.rupiah).unwrap(), book.business_on()?);
        let purpose = WalletPurpose::Transfer { transfer_id: self.transfer };
        book.run::<Wallet>(self.from, WalletCommand::Debit { amount, purpose, remarks: None, business_on })?;
        let instruction = Instruction {
            transfer_id: self.transfer,
            sender: self.from,
            target: self.to,
            amount_rupiah: amount,
            remarks: None,
            remarks_for_target: None,
            business_on,
        };
        book.run::<Transfer>(self.transfer, TransferCommand::Start(instruction))
    }
}

pub(crate) fn sending(from: Actor, to: Actor, rupiah: i64) -> Send {
    Send { transfer: TransferId(Uuid::now_v7()), from: from.user, to: to.user, rupiah }
}

pub(crate) async fn start(ledger: &Ledger, from: Actor, to: Actor, rupiah: i64) -> TransferId {
    let sending = sending(from, to, rupiah);
    run(ledger, sending).await;
    sending.transfer
}

/// Reads a stream as the ledger has it.
struct Look<A>(String, std::marker::PhantomData<fn() -> A>);

impl<A> UseCase for Look<A>
where
    A: lumbung_domain::Aggregate + serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    const NAME: &'static str = "Look";
    type Outcome = A;

    fn decide(&self, book: &mut Book<'_>) -> Result<A, Halt> {
        Ok(A::clone(&*book.read::<A>(self.0.as_str())?))
    }
}

pub(crate) async fn status(ledger: &Ledger, transfer: TransferId) -> TransferStatus {
    let look = Look::<Transfer>(transfer.to_string(), std::marker::PhantomData);
    run(ledger, look).await.status().unwrap()
}

pub(crate) async fn balance(ledger: &Ledger, owner: Actor) -> i64 {
    run(ledger, Look::<Wallet>(owner.user.to_string(), std::marker::PhantomData)).await.balance().get()
}

/// Waits for the event after which the transfer stands so.
pub(crate) async fn until(ledger: &Ledger, transfer: TransferId, wanted: TransferStatus) {
    let mut news = ledger.feed().watch();
    let waiting = async {
        loop {
            news.mark_unchanged();
            if status(ledger, transfer).await == wanted {
                return;
            }
            news.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it never stood so");
}

/// Keeps every node from settling until it is given back.
pub(crate) async fn hold_back(database: &PgConnectOptions) -> Lease {
    Lease::wait(database, lumbung_commands::settlement::PROCESS).await.unwrap()
}

/// The types of the events of a transfer.
pub(crate) async fn story(ledger: &Ledger, transfer: TransferId) -> Vec<String> {
    sqlx::query_scalar("select event_type from journal.events where aggregate_id = $1 order by sequence")
        .bind(transfer.to_string())
        .fetch_all(ledger.pool())
        .await
        .unwrap()
}

/// Transfers that ended more than once, or twice what a wallet was credited for one: there must be none of either.
pub(crate) async fn doubled(ledger: &Ledger) -> i64 {
    sqlx::query_scalar(
        "select (select count(*) from (
             select from journal.events where event_type in ('TransferSettled', 'TransferReturned')
             group by aggregate_id having count(*) > 1) as ended)
         + (select count(*) from (
             select from journal.events
                 cross join lateral (select payload -> 'WalletCredited' -> 'source' as source) as from_
             where event_type = 'WalletCredited' and coalesce(source -> 'transfer', source -> 'return') is not null
             group by coalesce(source -> 'transfer', source -> 'return') ->> 'transfer_id'
             having count(*) > 1) as credited)",
    )
    .fetch_one(ledger.pool())
    .await
    .unwrap()
}

/// Fills a wallet up to what it can hold, or to so much less.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    pub(crate) owner: UserId,
    pub(crate) room: i64,
}

impl UseCase for Fill {
    const NAME: &'static str = "Fill";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let balance = book.read::<Wallet>(self.owner)?.balance().get();
        let amount = Rupiah::positive(Rupiah::MAX.get() - balance - self.room).unwrap();
        let (owner, business_on) = (self.owner, book.business_on()?);
        let source = WalletSource::TopUp { top_up_id: TopUpId(Uuid::now_v7()) };
        book.run::<Wallet>(owner, WalletCommand::Credit { owner, amount, source, remarks: None, business_on })
    }
}

/// Locks somebody out.
pub(crate) struct Deactivate(pub(crate) UserId);

impl UseCase for Deactivate {
    const NAME: &'static str = "Deactivate";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        book.run::<User>(self.0, UserCommand::Deactivate)
    }
}

/// Starts the settlement of transfers on a ledger.
pub(crate) fn settle(database: &PgConnectOptions, ledger: &Ledger) -> Settlement {
    Settlement::start(database.clone(), ledger.clone())
}
