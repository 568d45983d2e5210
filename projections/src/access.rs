//! The streams that authentication and authorisation read on every request, in memory.
//!
//! Bounds: an LRU of its own per kind of stream, so that a flood of sessions does not push out the roles. Order: the feed
//! is applied by position, under one lock: by the task that follows it, or by whoever needs a position before that task
//! had its turn. A cached stream takes an event only at its own sequence + 1; a smaller one it has already;
//! a gap evicts it, and the next reader loads it.
//!
//! A load races with the feed: it sees the log as of some position, while the view may have applied a later one, and
//! with it events that nobody held the stream for. So a loaded stream first takes what the feed says behind its
//! position, and enters the cache, under the lock, only when it is as far as the view.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use lumbung_domain::{Aggregate, AggregateType, AnyAggregate, StreamId};
use lumbung_journal::feed::RING_FACTS;
use lumbung_journal::{Fact, Facts, Feed, JournalError, read};
use sqlx::PgPool;
use tokio::sync::watch;
use tracing::{error, warn};

use crate::freshness::Behind;
use crate::known::Known;
use lumbung_journal::Stop;

const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);
const STEP_FACTS: usize = 4_096;

/// The coherent cache of streams.
pub struct AccessView {
    pool: PgPool,
    feed: Arc<Feed>,
    shelves: Mutex<Shelves>,
    applied: watch::Sender<i64>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How many streams of a kind are kept.
pub type Capacity = fn(AggregateType) -> usize;

/// A stream as far as the view has applied the feed, or as far as it was loaded if that is further.
#[derive(Clone)]
pub(crate) struct Cached {
    pub(crate) state: AnyAggregate,
    pub(crate) version: i64,
    /// Where the log was when it was loaded.
    loaded_at: i64,
}

pub(crate) struct Shelves {
    by_kind: HashMap<AggregateType, LruCache<Arc<str>, Cached>>,
    capacity: Capacity,
    applied: i64,
}

impl AccessView {
    /// A view that begins at the feed's position, empty. `pool`: any connections of the application.
    #[must_use]
    pub fn new(pool: PgPool, feed: Arc<Feed>) -> Arc<Self> {
        Self::bounded(pool, feed, capacity)
    }

    /// Like [`AccessView::new`], with bounds of one's own.
    #[must_use]
    pub fn bounded(pool: PgPool, feed: Arc<Feed>, capacity: Capacity) -> Arc<Self> {
        let applied = feed.reached();
        Arc::new(Self {
            pool,
            feed,
            shelves: Mutex::new(Shelves { by_kind: HashMap::new(), capacity, applied }),
            applied: watch::Sender::new(applied),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    /// Follows the feed until `stop` is raised; run it as a task.
    ///
    /// # Errors
    /// The log holds what this software cannot read. The view then stays where it is: the node must not go on serving.
    pub async fn follow(&self, stop: &Stop) -> Result<(), JournalError> {
        let mut woken = self.feed.watch();
        while !stop.is_raised() {
            woken.mark_unchanged();
            let applied = self.applied();
            let batches = match self.feed.after(applied, STEP_FACTS).await {
                Ok(batches) => batches,
                Err(error) if error.is_transient() => {
                    warn!(error = &error as &dyn std::error::Error, "the access view waits for the database");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                    continue;
                }
                Err(error) => {
                    error!(error = &error as &dyn std::error::Error, "the access view cannot go on");
                    return Err(error);
                }
            };
            let Some(last) = batches.iter().rev().find_map(|batch| batch.last()) else {
                tokio::select! {
                    changed = woken.changed() => if changed.is_err() { return Ok(()) },
                    () = stop.raised() => {}
                }
                continue;
            };
            let last = last.position;
            self.take_in(&mut self.shelves(), &batches, last);
        }
        Ok(())
    }

    /// Applies what is not applied yet of facts up to `last`.
    fn take_in(&self, shelves: &mut Shelves, batches: &[Facts], last: i64) {
        let applied = shelves.applied;
        if last <= applied {
            return;
        }
        let facts = batches.iter().flat_map(|batch| batch.iter());
        facts.filter(|fact| fact.position > applied).for_each(|fact| shelves.apply(fact));
        shelves.applied = last;
        // Under the lock, so that it never falls.
        self.applied.send_replace(last);
    }

    /// Applies a step of what the feed has in memory.
    fn step(&self) {
        let mut shelves = self.shelves();
        let Some(batches) = self.feed.in_memory(shelves.applied, STEP_FACTS) else { return };
        let last = batches.iter().rev().find_map(|batch| batch.last()).map(|fact| fact.position);
        if let Some(last) = last {
            self.take_in(&mut shelves, &batches, last);
        }
    }

    /// The position up to which the view has applied the feed.
    #[must_use]
    pub fn applied(&self) -> i64 {
        *self.applied.borrow()
    }

    /// Waits until [`AccessView::get`] shows `position`, for at most `patience`.
    ///
    /// # Errors
    /// [`Behind`] when the time is over.
    pub async fn wait_until_applied(&self, position: i64, patience: Duration) -> Result<i64, Behind> {
        let held = self.applied();
        if held >= position {
            return Ok(held);
        }
        // Nearly always that is all there is to wait for.
        self.step();
        let mut applied = self.applied.subscribe();
        let reached = tokio::time::timeout(patience, applied.wait_for(|held| *held >= position)).await;
        match reached {
            Ok(Ok(held)) => Ok(*held),
            Ok(Err(_)) | Err(_) => Err(Behind { wanted: position, projected: self.applied() }),
        }
    }

    /// Waits until [`AccessView::get`] shows everything that this node has acknowledged until now.
    ///
    /// # Errors
    /// [`Behind`] when the time is over.
    pub async fn wait_until_current(&self, patience: Duration) -> Result<i64, Behind> {
        self.wait_until_applied(self.feed.reached(), patience).await
    }

    /// The state of a stream and its version, the sequence of its last event; a stream without events is in its
    /// default state at version 0.
    ///
    /// # Errors
    /// The stream was not in memory, and the journal could not be read.
    pub async fn get<A: Aggregate>(&self, id: impl Into<Arc<str>>) -> Result<(Arc<A>, i64), JournalError> {
        self.known::<A>(id).await.map(|known| (known.state, known.version))
    }

    /// As [`AccessView::get`], with the position that it is known as of: whatever the stream holds up to there, and nothing
    /// behind it.
    ///
    /// # Errors
    /// As of [`AccessView::get`].
    pub async fn known<A: Aggregate>(&self, id: impl Into<Arc<str>>) -> Result<Known<A>, JournalError> {
        let stream = StreamId::of::<A>(id);
        let cached = self.cached(&stream);
        let counter = if cached.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Relaxed);
        let (cached, applied) = match cached {
            Some(cached) => cached,
            None => self.load(&stream).await?,
        };
        let state =
            A::of(&cached.state).ok_or(JournalError::Malformed { what: "kind of a cached stream" })?;
        let position = applied.max(cached.loaded_at);
        Ok(Known { state: Arc::clone(state), version: cached.version, position })
    }

    /// How often a stream that was asked for was in memory, and how often it was not.
    #[must_use]
    pub fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits.load(Relaxed), self.misses.load(Relaxed))
    }

    fn cached(&self, stream: &StreamId) -> Option<(Cached, i64)> {
        let mut shelves = self.shelves();
        shelves.get(stream).map(|cached| (cached, shelves.applied))
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn load(&self, stream: &StreamId) -> Result<(Cached, i64), JournalError> {
        'reading: loop {
            let (mut as_of, records) = read::streams(&self.pool, std::slice::from_ref(stream)).await?;
            let mut loaded =
                Cached { state: AnyAggregate::unborn(stream.kind), version: 0, loaded_at: as_of };
            for record in &records {
                if !loaded.take(&Fact::decode(record)?) {
                    return Err(JournalError::Malformed { what: "sequence of a stream" });
                }
            }
            loop {
                let applied = {
                    let mut shelves = self.shelves();
                    if as_of >= shelves.applied {
                        loaded.loaded_at = as_of;
                        return Ok((shelves.put(stream, loaded), as_of));
                    }
                    shelves.applied
                };
                // Reading the stream again is cheaper than going through a long piece of the log for it.
                if usize::try_from(applied - as_of).unwrap_or(usize::MAX) >= RING_FACTS / 2 {
                    continue 'reading;
                }
                for fact in self.feed.after(as_of, RING_FACTS).await?.iter().flat_map(|batch| batch.iter()) {
                    as_of = fact.position;
                    if fact.stream == *stream && !loaded.take(fact) {
                        continue 'reading;
                    }
                }
            }
        }
    }
}

impl Cached {
    /// Takes an event in, if it is the next. False: one before it is missing.
    fn take(&mut self, fact: &Fact) -> bool {
        if fact.sequence <= self.version {
            return true;
        }
        if fact.sequence != self.version + 1 || self.state.evolve(&fact.event).is_err() {
            return false;
        }
        self.version = fact.sequence;
        true
    }
}

impl Shelves {
    pub(crate) fn get(&mut self, stream: &StreamId) -> Option<Cached> {
        self.by_kind.get_mut(&stream.kind)?.get(&stream.id).cloned()
    }

    /// Answers what the cache holds then: someone may have put in a newer state meanwhile.
    fn put(&mut self, stream: &StreamId, loaded: Cached) -> Cached {
        let streams = NonZeroUsize::new((self.capacity)(stream.kind)).unwrap_or(NonZeroUsize::MIN);
        let shelf = self.by_kind.entry(stream.kind).or_insert_with(|| LruCache::new(streams));
        match shelf.get(&stream.id) {
            Some(held) if held.version >= loaded.version => held.clone(),
            _ => {
                shelf.put(Arc::clone(&stream.id), loaded.clone());
                loaded
            }
        }
    }

    fn apply(&mut self, fact: &Fact) {
        let Some(shelf) = self.by_kind.get_mut(&fact.stream.kind) else { return };
        let Some(cached) = shelf.peek_mut(&fact.stream.id) else { return };
        if !cached.take(fact) {
            warn!(stream = %fact.stream, position = fact.position, "a cached stream missed an event; dropping it");
            shelf.pop(&fact.stream.id);
        }
    }
}

fn capacity(kind: AggregateType) -> usize {
    match kind {
        AggregateType::Session | AggregateType::User | AggregateType::Claim => 65_536,
        AggregateType::Role | AggregateType::Branch | AggregateType::Product | AggregateType::Staff => 4_096,
        AggregateType::Ledger
        | AggregateType::LendingRules
        | AggregateType::Plafond
        | AggregateType::Loan
        | AggregateType::Wallet
        | AggregateType::Transfer
        | AggregateType::Message
        | AggregateType::Document => 16_384,
    }
}
