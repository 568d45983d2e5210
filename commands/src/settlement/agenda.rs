//! Which transfers are still to be settled, in the order in which they were started. Pure bookkeeping.
//!
//! Bounds: [`WINDOW`] transfers; whoever reads on beyond it forgets nothing, for the log holds them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use lumbung_domain::{AnyEvent, TransferEvent, TransferId};
use lumbung_journal::Fact;

/// While so many are open no further one is read.
pub(super) const WINDOW: usize = 16_384;

/// The open transfers, and how far the log was read for them.
#[derive(Debug)]
pub(super) struct Agenda {
    read_to: i64,
    /// By the position of the event that calls for it.
    open: BTreeMap<i64, Open>,
    positions: HashMap<TransferId, i64>,
    /// Of the open ones, those whose turn has come, and those whose turn comes later.
    ready: BTreeSet<i64>,
    resting: BTreeSet<(Instant, i64)>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    transfer: TransferId,
    /// In a row, whatever failed.
    attempts: u32,
    /// Those that were this command's own fault.
    failures: u32,
    rests_until: Option<Instant>,
}

/// A transfer whose turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) position: i64,
    pub(super) transfer: TransferId,
    pub(super) attempts: u32,
    pub(super) failures: u32,
}

impl Agenda {
    pub(super) fn new(checkpoint: i64) -> Self {
        Self {
            read_to: checkpoint,
            open: BTreeMap::new(),
            positions: HashMap::new(),
            ready: BTreeSet::new(),
            resting: BTreeSet::new(),
        }
    }

    pub(super) fn read_to(&self) -> i64 {
        self.read_to
    }

    pub(super) fn has_room(&self) -> bool {
        self.open.len() < WINDOW
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Everything up to here is finished.
    pub(super) fn checkpoint(&self) -> i64 {
        self.open.first_key_value().map_or(self.read_to, |(position, _)| position - 1)
    }

    /// Takes in the next event of the log.
    pub(super) fn take_in(&mut self, fact: &Fact) {
        self.read_to = self.read_to.max(fact.position);
        let AnyEvent::Transfer(event) = &fact.event else { return };
        let Ok(transfer) = fact.stream.id.parse::<TransferId>() else { return };
        match event {
            TransferEvent::TransferStarted(_) | TransferEvent::TransferRetried {} => {
                let open = Open { transfer, attempts: 0, failures: 0, rests_until: None };
                self.open.insert(fact.position, open);
                self.positions.insert(transfer, fact.position);
                self.ready.insert(fact.position);
            }
            // Whoever did it, it is done.
            TransferEvent::TransferSettled { .. }
            | TransferEvent::TransferReturned { .. }
            | TransferEvent::TransferParked { .. } => {
                if let Some(position) = self.positions.get(&transfer).copied() {
                    self.finish(position);
                }
            }
        }
    }

    /// The next transfer to settle. It is not due again before [`Agenda::rest`].
    pub(super) fn next(&mut self, now: Instant) -> Option<Due> {
        while let Some((at, position)) = self.resting.first().copied()
            && at <= now
        {
            self.resting.pop_first();
            self.ready.insert(position);
        }
        let position = self.ready.pop_first()?;
        let Open { transfer, attempts, failures, .. } = *self.open.get(&position)?;
        Some(Due { position, transfer, attempts, failures })
    }

    /// When the next one that rests is due.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.resting.first().map(|(at, _)| *at)
    }

    pub(super) fn finish(&mut self, position: i64) {
        if let Some(open) = self.open.remove(&position) {
            self.positions.remove(&open.transfer);
            self.ready.remove(&position);
            if let Some(until) = open.rests_until {
                self.resting.remove(&(until, position));
            }
        }
    }

    /// It did not work; it is due again at an instant.
    pub(super) fn rest(&mut self, due: Due, until: Instant, failed: bool) {
        if let Some(open) = self.open.get_mut(&due.position) {
            open.attempts = due.attempts.saturating_add(1);
            open.failures = due.failures.saturating_add(u32::from(failed));
            open.rests_until = Some(until);
            self.resting.insert((until, due.position));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use chrono::{DateTime, NaiveDate};
    use lumbung_domain::{Instruction, ParkReason, Rupiah, StreamId, Transfer, UserId};
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> TransferId {
        TransferId(Uuid::from_u128(number))
    }

    fn fact(position: i64, transfer: u128, event: TransferEvent) -> Fact {
        let (stream, recorded_at) = (StreamId::of::<Transfer>(id(transfer)), DateTime::UNIX_EPOCH);
        Fact { position, stream, sequence: 1, recorded_at, event: AnyEvent::Transfer(event) }
    }

    fn started(position: i64, transfer: u128) -> Fact {
        let person = UserId(Uuid::nil());
        let instruction = Instruction {
            transfer_id: id(transfer),
            sender: person,
            target: person,
            amount_rupiah: Rupiah::positive(1).unwrap(),
            remarks: None,
            remarks_for_target: None,
            business_on: NaiveDate::MIN,
        };
        fact(position, transfer, TransferEvent::TransferStarted(instruction))
    }

    #[test]
    fn the_checkpoint_stays_before_the_lowest_open_position() {
        let mut agenda = Agenda::new(10);
        assert_eq!(agenda.checkpoint(), 10);
        for position in 11..=14 {
            agenda.take_in(&started(position, position as u128));
        }
        let now = Instant::now();
        let due: Vec<i64> = std::iter::from_fn(|| agenda.next(now)).map(|due| due.position).collect();
        assert_eq!((due, agenda.checkpoint()), (vec![11, 12, 13, 14], 10));
        agenda.finish(12);
        assert_eq!(agenda.checkpoint(), 10);
        agenda.finish(11);
        assert_eq!(agenda.checkpoint(), 12);
        agenda.finish(11);
        agenda.finish(13);
        agenda.finish(14);
        assert_eq!((agenda.checkpoint(), agenda.open()), (14, 0));
    }

    #[test]
    fn what_the_log_says_is_over_is_not_asked_for() {
        let mut agenda = Agenda::new(0);
        agenda.take_in(&started(1, 1));
        agenda.take_in(&started(2, 2));
        agenda.take_in(&fact(3, 1, TransferEvent::TransferSettled { business_on: NaiveDate::MIN }));
        agenda.take_in(&fact(4, 2, TransferEvent::TransferParked { because: ParkReason::Operator }));
        assert_eq!((agenda.next(Instant::now()), agenda.checkpoint()), (None, 4));
        // A retry has a position, and with it an id, of its own.
        agenda.take_in(&fact(5, 2, TransferEvent::TransferRetried {}));
        let due = agenda.next(Instant::now()).unwrap();
        assert_eq!((due.position, due.transfer, agenda.checkpoint()), (5, id(2), 4));
    }

    #[test]
    fn of_what_is_over_nothing_is_held() {
        let mut agenda = Agenda::new(0);
        let now = Instant::now();
        for transfer in 0..50_000_u32 {
            let position = i64::from(transfer) * 2;
            agenda.take_in(&started(position + 1, transfer.into()));
            if transfer % 2 == 0 {
                let due = agenda.next(now).unwrap();
                agenda.rest(due, now + Duration::from_secs(1), false);
            }
            let settled = TransferEvent::TransferSettled { business_on: NaiveDate::MIN };
            agenda.take_in(&fact(position + 2, transfer.into(), settled));
            let held = (agenda.open.len(), agenda.positions.len(), agenda.ready.len(), agenda.resting.len());
            assert_eq!(held, (0, 0, 0, 0));
        }
    }

    #[test]
    fn what_rests_comes_back_in_its_time_unless_it_is_over() {
        let mut agenda = Agenda::new(0);
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        for position in 1..=2 {
            agenda.take_in(&started(position, position as u128));
            let due = agenda.next(now).unwrap();
            agenda.rest(due, later, position == 1);
        }
        assert_eq!((agenda.next(now), agenda.next_at()), (None, Some(later)));
        agenda.finish(2);
        let due = agenda.next(later).unwrap();
        assert_eq!((due.position, due.attempts, due.failures), (1, 1, 1));
        assert_eq!((agenda.next(later), agenda.next_at()), (None, None));
    }
}
