//! Whole stories of transfers and wallets, and every way in which they must not go.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use chrono::{DateTime, NaiveDate};
use lumbung_domain::{
    Instruction, ParkReason, ReturnReason, Rupiah, TopUpId, Transfer, TransferEvent, TransferId, UserId,
    Wallet, WalletPurpose, WalletSource,
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
    tally.take(&wallet_of(SENDER), &topped_up(500, 500)).unwrap();
    let found = tally.take(&wallet_of(SENDER), &topped_up(100, 700)).unwrap_err();
    assert_eq!(found.reason, BreakReason::WrongBalance { expected: 600, found: 700 });
    assert_eq!(found.position, 7);
}

/// What may happen to a transfer of 100 from customer 1 to customer 2, and what must not.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Which transfer, by whom, how much.
    Debited(u128, u128, i64),
    Started(u128),
    StartedAgain(u128),
    Parked(u128),
    Retried(u128),
    Credited(u128, u128, i64),
    Back(u128, u128, i64),
    Settled(u128),
    Returned(u128),
}
use Step::*;

const SENDER: u128 = 1;
const TARGET: u128 = 2;

/// Wallets that hold enough, and the events that go on from what they hold.
struct Story {
    tally: Tally,
    balances: HashMap<u128, i64>,
}

impl Story {
    fn begin() -> Self {
        let mut story = Self { tally: Tally::default(), balances: HashMap::new() };
        for owner in [SENDER, TARGET, 3] {
            story.tally.take(&wallet_of(owner), &topped_up(1_000, 1_000)).unwrap();
            story.balances.insert(owner, 1_000);
        }
        story
    }

    fn moved(&mut self, owner: u128, signed: i64) -> Rupiah {
        let balance = self.balances.get_mut(&owner).unwrap();
        *balance += signed;
        rupiah(*balance)
    }

    fn credited(&mut self, owner: u128, amount: i64, source: WalletSource) -> (Record, AnyEvent) {
        let event = WalletEvent::WalletCredited {
            amount_rupiah: rupiah(amount),
            balance_rupiah: self.moved(owner, amount),
            source,
            remarks: None,
            business_on: NaiveDate::MIN,
        };
        (wallet_of(owner), event.into())
    }

    fn take(&mut self, step: Step) -> Result<(), Break> {
        let business_on = NaiveDate::MIN;
        let transfer_id = |id| TransferId(Uuid::from_u128(id));
        let (record, event) = match step {
            Debited(id, owner, amount) => {
                let event = WalletEvent::WalletDebited {
                    amount_rupiah: rupiah(amount),
                    balance_rupiah: self.moved(owner, -amount),
                    purpose: WalletPurpose::Transfer { transfer_id: transfer_id(id) },
                    remarks: None,
                    business_on,
                };
                (wallet_of(owner), event.into())
            }
            Credited(id, owner, amount) => {
                self.credited(owner, amount, WalletSource::Transfer { transfer_id: transfer_id(id) })
            }
            Back(id, owner, amount) => {
                self.credited(owner, amount, WalletSource::Return { transfer_id: transfer_id(id) })
            }
            Started(id) => (transfer_of(id, 1), started(id)),
            StartedAgain(id) => (transfer_of(id, 3), started(id)),
            Parked(id) => {
                (transfer_of(id, 2), TransferEvent::TransferParked { because: ParkReason::Operator }.into())
            }
            Retried(id) => (transfer_of(id, 3), TransferEvent::TransferRetried {}.into()),
            Settled(id) => (transfer_of(id, 2), TransferEvent::TransferSettled { business_on }.into()),
            Returned(id) => {
                let because = ReturnReason::TargetNotActive;
                (transfer_of(id, 2), TransferEvent::TransferReturned { because, business_on }.into())
            }
        };
        self.tally.take(&record, &event)
    }
}

fn wallet_of(owner: u128) -> Record {
    record(StreamId::of::<Wallet>(UserId(Uuid::from_u128(owner))))
}

fn transfer_of(id: u128, sequence: i64) -> Record {
    Record { sequence, ..record(StreamId::of::<Transfer>(TransferId(Uuid::from_u128(id)))) }
}

fn started(id: u128) -> AnyEvent {
    TransferEvent::TransferStarted(Instruction {
        transfer_id: TransferId(Uuid::from_u128(id)),
        sender: UserId(Uuid::from_u128(SENDER)),
        target: UserId(Uuid::from_u128(TARGET)),
        amount_rupiah: rupiah(100),
        remarks: None,
        remarks_for_target: None,
        business_on: NaiveDate::MIN,
    })
    .into()
}

/// The step at which a break is found, or the number of steps if in the end; and what it is.
fn first_break(steps: &[Step]) -> Option<(usize, BreakReason)> {
    let mut story = Story::begin();
    for (at, step) in steps.iter().enumerate() {
        if let Err(found) = story.take(*step) {
            return Some((at, found.reason));
        }
    }
    story.tally.finish(8).err().map(|found| (steps.len(), found.reason))
}

#[test]
fn transfers_that_go_their_way_are_reconciled_and_forgotten() {
    let mut story = Story::begin();
    for step in [
        Debited(9, SENDER, 100),
        Started(9),
        Debited(8, SENDER, 100),
        Started(8),
        Parked(8),
        Credited(9, TARGET, 100),
        Settled(9),
        Retried(8),
        Back(8, SENDER, 100),
        Returned(8),
    ] {
        story.take(step).unwrap();
    }
    assert_eq!(story.tally.in_transit.len(), 0);
    assert_eq!(story.tally.finish(8).unwrap().difference_rupiah(), 0);
    // On their way at the end of the log, waiting or parked.
    assert_eq!(first_break(&[Debited(9, SENDER, 100), Started(9)]), None);
    assert_eq!(first_break(&[Debited(9, SENDER, 100), Started(9), Parked(9)]), None);
}

/// The sums agree: what the one got twice, the other never got.
#[test]
fn a_transfer_that_is_credited_twice_is_found_though_another_one_was_not() {
    let both = [Debited(9, SENDER, 100), Started(9), Debited(8, SENDER, 100), Started(8)];
    let twice = BreakReason::Transfer { transfer: Uuid::from_u128(9), what: "it was credited a second time" };
    let again = BreakReason::Transfer {
        transfer: Uuid::from_u128(9),
        what: "it was credited, but is not on its way",
    };
    let credited = Credited(9, TARGET, 100);
    let steps = [&both[..], &[credited, credited, Settled(9), Settled(8)]].concat();
    assert_eq!(first_break(&steps), Some((5, twice)));
    let steps = [&both[..], &[credited, Settled(9), credited, Settled(8)]].concat();
    assert_eq!(first_break(&steps), Some((6, again)));
}

#[test]
fn whatever_is_not_one_transfer_is_found_where_it_stands() {
    let (debited, on) = (Debited(9, SENDER, 100), [Debited(9, SENDER, 100), Started(9)]);
    let settled = [&on[..], &[Credited(9, TARGET, 100), Settled(9)]].concat();
    for (before, last, found) in [
        (&on[..0], Started(9), "it was started, and nobody was debited for it"),
        (&[Debited(9, SENDER, 90)], Started(9), "another sender or amount than was debited"),
        (&[Debited(9, 3, 100)], Started(9), "another sender or amount than was debited"),
        (&[debited], debited, "it was debited a second time"),
        (&[debited], StartedAgain(9), "it was started a second time"),
        (&on, Started(9), "it was started a second time"),
        (&on, debited, "it was debited a second time"),
        (&[debited], Credited(9, TARGET, 100), "it was credited before it was started"),
        (&on[..0], Credited(9, TARGET, 100), "it was credited, but is not on its way"),
        (&on, Credited(9, 3, 100), "credited to another wallet, or with another amount"),
        (&on, Credited(9, TARGET, 90), "credited to another wallet, or with another amount"),
        (&on, Credited(9, SENDER, 100), "credited to another wallet, or with another amount"),
        (&on, Back(9, TARGET, 100), "credited to another wallet, or with another amount"),
        (&on, Settled(9), "it ended, and nobody was credited"),
        (&on, Returned(9), "it ended, and nobody was credited"),
        (&[on[0], on[1], Credited(9, TARGET, 100)], Returned(9), "ended otherwise than it was credited"),
        (&[on[0], on[1], Back(9, SENDER, 100)], Settled(9), "ended otherwise than it was credited"),
        (&[on[0], on[1], Back(9, SENDER, 100)], Parked(9), "it is parked or retried, but not on its way"),
        (&on[..0], Retried(9), "it is parked or retried, but not on its way"),
        (&settled, Settled(9), "it ended, but was not on its way"),
        (&settled, Back(9, SENDER, 100), "it was credited, but is not on its way"),
        (&[&settled[..], &[debited]].concat(), StartedAgain(9), "it was started a second time"),
    ] {
        let steps = [before, &[last]].concat();
        let (at, reason) = first_break(&steps).expect(found);
        assert_eq!(at, before.len(), "{steps:?}: {reason}");
        assert!(reason.to_string().contains(found), "{steps:?}: {reason}");
    }
    // What the end of the log must not leave half done.
    for (steps, found) in [
        (vec![debited], "its sender was debited, and it was never started"),
        (vec![on[0], on[1], Credited(9, TARGET, 100)], "it was credited, and it never ended"),
        ([settled, vec![debited]].concat(), "its sender was debited, and it was never started"),
    ] {
        let (at, reason) = first_break(&steps).expect(found);
        assert_eq!(at, steps.len(), "{steps:?}: {reason}");
        assert!(reason.to_string().contains(found), "{steps:?}: {reason}");
    }
}
