//! Transfers as they are started, and what becomes of them.

use std::time::Duration;

use lumbung_commands::{Actor, Book, Halt, Ledger, UseCase};
use lumbung_domain::{
    Instruction, Rupiah, Transfer, TransferCommand, TransferId, TransferStatus, UserId, Wallet,
    WalletCommand, WalletPurpose,
};
use lumbung_journal::{Lease, read};
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use crate::support::ledger::run;

/// Starts a transfer without asking who may.
#[derive(Debug, Clone, Copy)]
pub(super) struct Send {
    pub(super) transfer: TransferId,
    pub(super) from: UserId,
    pub(super) to: UserId,
    pub(super) rupiah: i64,
}

impl UseCase for Send {
    const NAME: &'static str = "Send";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let (amount, business_on) = (Rupiah::positive(self.rupiah).unwrap(), book.business_on());
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

pub(super) fn sending(from: Actor, to: Actor, rupiah: i64) -> Send {
    Send { transfer: TransferId(Uuid::now_v7()), from: from.user, to: to.user, rupiah }
}

pub(super) async fn start(ledger: &Ledger, from: Actor, to: Actor, rupiah: i64) -> TransferId {
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

pub(super) async fn status(ledger: &Ledger, transfer: TransferId) -> TransferStatus {
    let look = Look::<Transfer>(transfer.to_string(), std::marker::PhantomData);
    run(ledger, look).await.status().unwrap()
}

pub(super) async fn balance(ledger: &Ledger, owner: Actor) -> i64 {
    run(ledger, Look::<Wallet>(owner.user.to_string(), std::marker::PhantomData)).await.balance().get()
}

/// Waits for the event after which the transfer stands so.
pub(super) async fn until(ledger: &Ledger, transfer: TransferId, wanted: TransferStatus) {
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
pub(super) async fn hold_back(database: &PgConnectOptions) -> Lease {
    Lease::wait(database, lumbung_commands::settlement::PROCESS).await.unwrap()
}

/// The types of the events of a transfer.
pub(super) async fn story(ledger: &Ledger, transfer: TransferId) -> Vec<String> {
    let head = read::head(ledger.pool()).await.unwrap().position;
    let records = read::after(ledger.pool(), 0, head).await.unwrap();
    let of_it = records.iter().filter(|record| *record.stream.id == *transfer.to_string());
    of_it.map(|record| record.event_type.to_string()).collect()
}
