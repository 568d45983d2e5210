//! What a use case sees of the ledger while it decides.
//!
//! Layers: the cache of committed streams, the overlay of the batch that is on its way, the overlay of this batch's
//! earlier use cases, and a scratch layer of its own. A use case that is refused loses its scratch layer and nothing else.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use lumbung_domain::{Aggregate, AnyEvent, Ledger, Rejection, StreamId};

use super::cache::{Cache, Overlay, Slot};

/// Why a decision ended early.
#[derive(Debug)]
pub enum Halt {
    /// The business reason.
    Rejected(Rejection),
    /// A stream is not in memory; it is loaded, and the use case decides again.
    Missing,
}

impl From<Rejection> for Halt {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// An event that is decided and not yet placed in the log.
#[derive(Debug)]
pub(super) struct NewEvent {
    pub(super) stream: StreamId,
    pub(super) sequence: i64,
    pub(super) event: AnyEvent,
}

/// The streams, the clock and the pen of one use case.
pub struct Book<'a> {
    cache: &'a mut Cache,
    /// The batch in the making, then the one on its way.
    overlays: [Option<&'a Overlay>; 2],
    scratch: Vec<(StreamId, Slot)>,
    events: Vec<NewEvent>,
    missing: Vec<StreamId>,
    now: DateTime<Utc>,
    /// What the calendar says of `now`.
    calendar_day_on: NaiveDate,
    /// The stream on which operators set the business date.
    ledger: &'a StreamId,
}

impl<'a> Book<'a> {
    pub(super) fn new(
        cache: &'a mut Cache,
        overlays: [Option<&'a Overlay>; 2],
        now: DateTime<Utc>,
        calendar_day_on: NaiveDate,
        ledger: &'a StreamId,
    ) -> Self {
        let (scratch, events, missing) = (Vec::new(), Vec::new(), Vec::new());
        Self { cache, overlays, scratch, events, missing, now, calendar_day_on, ledger }
    }

    /// The instant at which the batch is decided and recorded.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The business date: the one that an operator set, or what the calendar says.
    ///
    /// # Errors
    /// [`Halt::Missing`] while the stream that says so is not in memory.
    pub fn business_on(&mut self) -> Result<NaiveDate, Halt> {
        let ledger = self.read::<Ledger>(Arc::clone(&self.ledger.id))?;
        Ok(ledger.business_on().unwrap_or(self.calendar_day_on))
    }

    /// The day that the calendar says it is, whatever operators set.
    #[must_use]
    pub fn calendar_day_on(&self) -> NaiveDate {
        self.calendar_day_on
    }

    /// The id of the ledger's own stream.
    #[must_use]
    pub fn ledger(&self) -> Arc<str> {
        Arc::clone(&self.ledger.id)
    }

    /// The state of a stream; its default if it has no events.
    ///
    /// # Errors
    /// [`Halt::Missing`] while the stream is not in memory.
    pub fn read<A: Aggregate>(&mut self, id: impl Into<Arc<str>>) -> Result<Arc<A>, Halt> {
        let stream = StreamId::of::<A>(id);
        let state = self.slot(&stream).and_then(|slot| A::of(&slot.state).cloned());
        state.ok_or_else(|| self.miss(stream))
    }

    /// The sequence of the last event of a stream, this use case's own included; 0 before the first.
    ///
    /// # Errors
    /// [`Halt::Missing`] while the stream is not in memory.
    pub fn version<A: Aggregate>(&mut self, id: impl Into<Arc<str>>) -> Result<i64, Halt> {
        let stream = StreamId::of::<A>(id);
        let version = self.slot(&stream).map(|slot| slot.version);
        version.ok_or_else(|| self.miss(stream))
    }

    /// Has an aggregate decide a command, and takes its events into this use case.
    ///
    /// # Errors
    /// The aggregate's rejection, or [`Halt::Missing`].
    pub fn run<A: Aggregate>(&mut self, id: impl Into<Arc<str>>, command: A::Command) -> Result<(), Halt> {
        self.decide::<A>(StreamId::of::<A>(id), command, |_| {})
    }

    /// As [`Book::run`]; answers what was decided.
    ///
    /// # Errors
    /// The aggregate's rejection, or [`Halt::Missing`].
    pub fn run_for<A: Aggregate>(
        &mut self,
        id: impl Into<Arc<str>>,
        command: A::Command,
    ) -> Result<Vec<A::Event>, Halt> {
        let mut decided = Vec::new();
        self.decide::<A>(StreamId::of::<A>(id), command, |event| decided.push(event.clone()))?;
        Ok(decided)
    }

    fn decide<A: Aggregate>(
        &mut self,
        stream: StreamId,
        command: A::Command,
        mut tell: impl FnMut(&A::Event),
    ) -> Result<(), Halt> {
        let found = self.slot(&stream).and_then(|slot| Some((slot.version, A::of(&slot.state)?.clone())));
        let Some((mut version, mut state)) = found else { return Err(self.miss(stream)) };
        let events = state.decide(command)?;
        if events.is_empty() {
            return Ok(());
        }
        for event in events {
            version += 1;
            Arc::make_mut(&mut state).evolve(&event);
            tell(&event);
            let event = A::event_into_any(event);
            self.events.push(NewEvent { stream: stream.clone(), sequence: version, event });
        }
        let slot = Slot { version, state: A::into_any(state) };
        match self.scratch.iter_mut().find(|(held, _)| *held == stream) {
            Some((_, held)) => *held = slot,
            None => self.scratch.push((stream, slot)),
        }
        Ok(())
    }

    /// Where this use case stands, to come back to by [`Book::undo`].
    pub(crate) fn mark(&self) -> Mark {
        Mark { events: self.events.len(), scratch: self.scratch.clone() }
    }

    /// Takes back whatever was decided since.
    pub(crate) fn undo(&mut self, mark: Mark) {
        self.events.truncate(mark.events);
        self.scratch = mark.scratch;
    }

    /// Begins a stream whose random id was made for this call, so that nobody can have begun it before: it is not looked for in
    /// the log. If somebody had, the log's unique key would refuse the events.
    pub fn begin<A: Aggregate>(&mut self, id: impl Into<Arc<str>>) {
        let stream = StreamId::of::<A>(id);
        if self.slot(&stream).is_none() {
            let slot = Slot::unborn(&stream);
            self.scratch.push((stream, slot));
        }
    }

    /// Names streams that will be read later, so that all that are not in memory are loaded at once.
    pub fn prefetch(&mut self, streams: impl IntoIterator<Item = StreamId>) {
        for stream in streams {
            if self.slot(&stream).is_none() {
                self.missing.push(stream);
            }
        }
    }

    fn slot(&mut self, stream: &StreamId) -> Option<&Slot> {
        if let Some(at) = self.scratch.iter().position(|(held, _)| held == stream) {
            return Some(&self.scratch[at].1);
        }
        let changed = self.overlays.into_iter().flatten().find_map(|overlay| overlay.get(stream));
        changed.or_else(|| self.cache.get(stream))
    }

    fn miss(&mut self, stream: StreamId) -> Halt {
        self.missing.push(stream);
        Halt::Missing
    }

    pub(super) fn into_missing(self) -> Vec<StreamId> {
        self.missing
    }

    pub(super) fn into_work(self) -> Work {
        Work { events: self.events, slots: self.scratch }
    }
}

/// A place in a use case's decision.
pub(crate) struct Mark {
    events: usize,
    scratch: Vec<(StreamId, Slot)>,
}

/// What a use case did.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) events: Vec<NewEvent>,
    pub(super) slots: Vec<(StreamId, Slot)>,
}
