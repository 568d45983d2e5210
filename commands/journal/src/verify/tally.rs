//! The books, worked out along the way: what every account adds up to, and that wallets and transfers agree with it.
//!
//! Bounds: some 40 bytes for every wallet and every transfer that is on its way; a million wallets take 50 MB.

use std::collections::HashMap;

use lumbung_domain::{
    Account, AccountClass, AnyEvent, StreamId, TransferEvent, TrialBalance, WalletEvent, postings,
};
use uuid::Uuid;

use crate::record::{Break, BreakReason, Record, Unreconciled};

#[derive(Default)]
pub(super) struct Tally {
    books: TrialBalance,
    wallets: HashMap<Uuid, i64>,
    /// Of transfers that have not ended.
    in_transit: HashMap<Uuid, i64>,
}

impl Tally {
    /// Takes in the next event; the break if a wallet does not go on from where it stood.
    pub(super) fn take(&mut self, record: &Record, event: &AnyEvent) -> Result<(), Break> {
        for posting in postings(event, &record.stream.id) {
            self.books.post(&posting);
        }
        match event {
            AnyEvent::Wallet(WalletEvent::WalletCredited { amount_rupiah, balance_rupiah, .. }) => {
                self.wallet(record, amount_rupiah.get(), balance_rupiah.get())
            }
            AnyEvent::Wallet(WalletEvent::WalletDebited { amount_rupiah, balance_rupiah, .. }) => {
                self.wallet(record, -amount_rupiah.get(), balance_rupiah.get())
            }
            AnyEvent::Transfer(TransferEvent::TransferStarted(instruction)) => {
                self.in_transit.insert(id(&record.stream), instruction.amount_rupiah.get());
                Ok(())
            }
            AnyEvent::Transfer(
                TransferEvent::TransferSettled { .. } | TransferEvent::TransferReturned { .. },
            ) => {
                self.in_transit.remove(&id(&record.stream));
                Ok(())
            }
            AnyEvent::Transfer(TransferEvent::TransferParked { .. } | TransferEvent::TransferRetried {})
            | AnyEvent::Wallet(WalletEvent::WalletOpened { .. })
            | AnyEvent::Ledger(_)
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

    fn wallet(&mut self, record: &Record, signed_rupiah: i64, says: i64) -> Result<(), Break> {
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
        for (account, streams) in [
            (Account::CustomerWallets, self.wallets.values()),
            (Account::TransfersInTransit, self.in_transit.values()),
        ] {
            let found: i128 = streams.map(|amount| i128::from(*amount)).sum();
            let posted = self.books.of(account).balance_rupiah(AccountClass::Liability);
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::{DateTime, NaiveDate};
    use lumbung_domain::{
        Instruction, Rupiah, TopUpId, Transfer, TransferId, UserId, Wallet, WalletPurpose, WalletSource,
    };

    use super::*;
    use crate::head::Hash;

    fn record(stream: StreamId) -> Record {
        Record {
            position: 7,
            stream,
            sequence: 1,
            event_type: "".into(),
            event_version: "".into(),
            payload: String::new(),
            metadata: String::new(),
            recorded_at: DateTime::UNIX_EPOCH,
            hash: Hash([0; 32]),
        }
    }

    fn wallet() -> Record {
        record(StreamId::of::<Wallet>(UserId(Uuid::from_u128(1))))
    }

    fn rupiah(amount: i64) -> Rupiah {
        Rupiah::new(amount).unwrap()
    }

    fn topped_up(amount: i64, balance: i64) -> AnyEvent {
        WalletEvent::WalletCredited {
            amount_rupiah: rupiah(amount),
            balance_rupiah: rupiah(balance),
            source: WalletSource::TopUp { top_up_id: TopUpId(Uuid::nil()) },
            remarks: None,
            business_on: NaiveDate::MIN,
        }
        .into()
    }

    #[test]
    fn a_balance_that_does_not_follow_is_found_where_it_stands() {
        let mut tally = Tally::default();
        tally.take(&wallet(), &topped_up(500, 500)).unwrap();
        let found = tally.take(&wallet(), &topped_up(100, 700)).unwrap_err();
        assert_eq!(found.reason, BreakReason::WrongBalance { expected: 600, found: 700 });
        assert_eq!(found.position, 7);
    }

    #[test]
    fn a_debit_without_its_transfer_is_found_in_the_end() {
        let transfer_id = TransferId(Uuid::from_u128(9));
        let debited = WalletEvent::WalletDebited {
            amount_rupiah: rupiah(200),
            balance_rupiah: rupiah(300),
            purpose: WalletPurpose::Transfer { transfer_id },
            remarks: None,
            business_on: NaiveDate::MIN,
        };
        let started = TransferEvent::TransferStarted(Instruction {
            transfer_id,
            sender: UserId(Uuid::from_u128(1)),
            target: UserId(Uuid::from_u128(2)),
            amount_rupiah: rupiah(200),
            remarks: None,
            remarks_for_target: None,
            business_on: NaiveDate::MIN,
        });
        for with_transfer in [true, false] {
            let mut tally = Tally::default();
            tally.take(&wallet(), &topped_up(500, 500)).unwrap();
            tally.take(&wallet(), &debited.clone().into()).unwrap();
            if with_transfer {
                tally.take(&record(StreamId::of::<Transfer>(transfer_id)), &started.clone().into()).unwrap();
            }
            match tally.finish(8) {
                Ok(books) => assert!(with_transfer && books.difference_rupiah() == 0),
                Err(found) => {
                    let account = "TRANSFERS_IN_TRANSIT";
                    let unreconciled = Unreconciled { account, posted: 200, found: 0 };
                    assert_eq!(found.reason, BreakReason::NotReconciled(Box::new(unreconciled)));
                    assert!(!with_transfer);
                }
            }
        }
    }
}
