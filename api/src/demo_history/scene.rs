//! The ledger with its clock in the teller's hands: what happens when, asked one after the other.
//!
//! Order: a use case that may name a stream for the first time is asked alone, because the loop decides what it must load after
//! what it holds. Those that are asked together name streams that are held, and come into the log in the order in which they
//! were asked. Nothing is under way while the clock is moved, so an event was recorded at the very instant of its asking; if not,
//! somebody else writes to this ledger, and the history ends.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::task::Poll;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use futures_util::future::maybe_done;
use lumbung_commands::ledger::Clock;
use lumbung_commands::{Call, Ledger, UseCase};
use lumbung_domain::{Rejection, UserId};
use uuid::Uuid;

use super::HistoryError;
use super::dice::Dice;
use super::mirror::Mirror;
use crate::numbers::Numbers;

/// How many are asked together: less than the clients' lane holds.
const TOGETHER: usize = 1_024;

/// The hands of the ledger's clock, in microseconds.
#[derive(Clone, Default)]
pub(super) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(super) fn clock(&self) -> Clock {
        let hands = self.clone();
        Arc::new(move || DateTime::from_timestamp_micros(hands.0.load(SeqCst)).unwrap_or_default())
    }

    pub(super) fn set(&self, at: DateTime<Utc>) {
        self.0.store(at.timestamp_micros(), SeqCst);
    }
}

/// Who asks, for the metadata of the events.
#[derive(Clone, Copy)]
pub(super) enum Who {
    /// Somebody with a session, over the API.
    Person(UserId),
    /// What the node does by itself.
    Process(&'static str),
    /// The node's own start.
    Start,
}

/// A use case of any kind on its way; its position in the end.
pub(super) type Asking = Pin<Box<dyn Future<Output = Result<i64, HistoryError>> + Send>>;

pub(super) struct Scene {
    pub(super) ledger: Ledger,
    pub(super) numbers: Numbers,
    pub(super) mirror: Mirror,
    hands: Hands,
    zone: Tz,
    at: DateTime<Utc>,
    ids: Dice,
}

impl Scene {
    pub(super) fn new(ledger: Ledger, hands: Hands, zone: Tz, seed: u64) -> Self {
        Self {
            numbers: Numbers::new(ledger.pool().clone()),
            ledger,
            mirror: Mirror::default(),
            hands,
            zone,
            at: DateTime::UNIX_EPOCH,
            ids: Dice::of(seed, "ids", 0),
        }
    }

    /// Moves the clock on to a second of a day; never back.
    pub(super) fn set(&mut self, day: NaiveDate, second: u32) {
        self.at = self.at.max(instant(self.zone, day, second));
        self.hands.set(self.at);
    }

    /// Lets some seconds pass.
    pub(super) fn pass(&mut self, seconds: i64) {
        self.at += TimeDelta::seconds(seconds);
        self.hands.set(self.at);
    }

    /// An id of the form that the ledger draws, from the dice.
    pub(super) fn id(&mut self) -> Uuid {
        derived_id(self.at, &mut self.ids)
    }

    /// Asks for what must be accepted.
    pub(super) async fn ask<U: UseCase>(
        &mut self,
        who: Who,
        use_case: U,
    ) -> Result<U::Outcome, HistoryError> {
        let told = self.may(who, use_case).await?;
        told.map_err(|rejection| HistoryError::Refused { use_case: U::NAME, rejection })
    }

    /// Asks for what may be refused.
    pub(super) async fn may<U: UseCase>(
        &mut self,
        who: Who,
        use_case: U,
    ) -> Result<Result<U::Outcome, Rejection>, HistoryError> {
        let call = self.call(who);
        let answer = self.ledger.execute(use_case, call).await?;
        if answer.answered_at != self.at {
            return Err(HistoryError::Disturbed);
        }
        self.mirror.follow(self.ledger.feed()).await?;
        Ok(answer.outcome)
    }

    /// A use case that is to be asked with others, must be accepted, and names nothing that is not held.
    pub(super) fn asking<U: UseCase>(&mut self, who: Who, use_case: U) -> Asking {
        let (ledger, call, at) = (self.ledger.clone(), self.call(who), self.at);
        Box::pin(async move {
            let answer = ledger.execute(use_case, call).await?;
            if answer.answered_at != at {
                return Err(HistoryError::Disturbed);
            }
            let position = answer.position;
            let refused = |rejection| HistoryError::Refused { use_case: U::NAME, rejection };
            answer.outcome.map(|_| position).map_err(refused)
        })
    }

    /// Asks for many at once, in this order.
    pub(super) async fn ask_all(&mut self, asking: Vec<Asking>) -> Result<(), HistoryError> {
        let mut asking = asking.into_iter();
        loop {
            let mut together: Vec<_> =
                asking.by_ref().take(TOGETHER).map(|asking| Box::pin(maybe_done(asking))).collect();
            if together.is_empty() {
                return Ok(());
            }
            // The first look at each puts it into the lane.
            for asked in &mut together {
                poll_fn(|context| {
                    let _ = asked.as_mut().poll(context);
                    Poll::Ready(())
                })
                .await;
            }
            let mut last = self.mirror.position();
            for mut asked in together {
                asked.as_mut().await;
                let position = asked.as_mut().take_output().unwrap_or(Err(HistoryError::Disturbed))?;
                if position < last {
                    return Err(HistoryError::Disturbed);
                }
                last = position;
            }
            self.mirror.follow(self.ledger.feed()).await?;
        }
    }

    fn call(&mut self, who: Who) -> Call {
        let metadata = match who {
            Who::Person(user) => vec![("actor", user.to_string()), ("request_id", self.id().to_string())],
            Who::Process(name) => vec![("process", name.to_owned())],
            Who::Start => Vec::new(),
        };
        Call { metadata, key: None }
    }
}

/// A UUID of version 7, as of an instant.
pub(super) fn derived_id(at: DateTime<Utc>, dice: &mut Dice) -> Uuid {
    let milliseconds = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &dice.bytes()).into_uuid()
}

/// A second of a day in a zone; where the zone's clocks leave it out, an hour later.
pub(super) fn instant(zone: Tz, day: NaiveDate, second: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_num_seconds_from_midnight_opt(second, 0).unwrap_or(NaiveTime::MIN);
    let local = day.and_time(time);
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest());
    found.map_or_else(|| local.and_utc(), |found| found.with_timezone(&Utc))
}
