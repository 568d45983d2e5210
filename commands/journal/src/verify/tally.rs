//! The books, worked out along the way: what every account adds up to, and that wallets, transfers and loans agree with it.
//!
//! Bounds: some 40 bytes for every wallet, and what [`InTransit`] and [`Lent`] need; a million wallets take 50 MB.

use std::collections::HashMap;

use lumbung_domain::{
    Account, AnyEvent, LoanNumber, StreamId, TransferId, TrialBalance, WalletEvent, postings,
};
use uuid::Uuid;

use super::lent::Lent;
use super::transit::InTransit;
use crate::record::{Break, BreakReason, Record, Unreconciled};

#[derive(Default)]
pub(super) struct Tally {
    books: TrialBalance,
    wallets: HashMap<Uuid, i64>,
    in_transit: InTransit,
    lent: Lent,
}

impl Tally {
    /// Takes in the next event; the break if a wallet does not go on from where it stood, or a transfer.
    pub(super) fn take(&mut self, record: &Record, event: &AnyEvent) -> Result<(), Break> {
        for posting in postings(event, &record.stream.id) {
            self.books.post(&posting);
        }
        let position = record.position;
        match event {
            AnyEvent::Wallet(event) => {
                self.wallet(record, event)?;
                self.lent.wallet(event).map_err(|reason| Break { position, reason })?;
                let moved = self.in_transit.wallet(record.stream.id.parse().ok(), event);
                moved.map_err(|reason| Break { position, reason })
            }
            AnyEvent::Transfer(event) => {
                let moved = self.in_transit.transfer(TransferId(id(&record.stream)), record.sequence, event);
                moved.map_err(|reason| Break { position, reason })
            }
            AnyEvent::Loan(event) => {
                let number = LoanNumber(record.stream.id.parse().unwrap_or_default());
                self.lent.loan(number, event).map_err(|reason| Break { position, reason })
            }
            AnyEvent::Ledger(_)
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
            | AnyEvent::Message(_) => Ok(()),
        }
    }

    fn wallet(&mut self, record: &Record, event: &WalletEvent) -> Result<(), Break> {
        let (signed_rupiah, says) = match event {
            WalletEvent::WalletOpened { .. } => return Ok(()),
            WalletEvent::WalletCredited { amount_rupiah, balance_rupiah, .. } => {
                (amount_rupiah.get(), balance_rupiah.get())
            }
            WalletEvent::WalletDebited { amount_rupiah, balance_rupiah, .. } => {
                (-amount_rupiah.get(), balance_rupiah.get())
            }
        };
        let balance = self.wallets.entry(id(&record.stream)).or_default();
        let expected = *balance + signed_rupiah;
        *balance = says;
        if expected == says {
            Ok(())
        } else {
            let reason = BreakReason::WrongBalance { expected, found: says };
            Err(Break { position: record.position, reason })
        }
    }

    /// The books at the end of the log, which is the end of an append; the break if the streams say otherwise.
    pub(super) fn finish(self, position: i64) -> Result<TrialBalance, Break> {
        self.in_transit.finish().map_err(|reason| Break { position, reason })?;
        self.lent.finish().map_err(|reason| Break { position, reason })?;
        let of_customers = [
            (Account::CustomerWallets, self.wallets.values().map(|balance| i128::from(*balance)).sum()),
            (Account::TransfersInTransit, self.in_transit.total()),
        ];
        for (account, found) in of_customers.into_iter().chain(self.lent.owed()) {
            let posted = self.books.of(account).balance_rupiah(account.class());
            if posted != found {
                let unreconciled = Unreconciled { account: account.as_str(), posted, found };
                let reason = BreakReason::NotReconciled(Box::new(unreconciled));
                return Err(Break { position, reason });
            }
        }
        Ok(self.books)
    }
}

/// Streams of money are named by UUIDs; should one not be, all such are one.
fn id(stream: &StreamId) -> Uuid {
    stream.id.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests;
