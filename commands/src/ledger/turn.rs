//! The ledger loop: one task per node, one batch per turn.
//!
//! Take a batch → decide every use case in memory → encode and chain once → append by one call → answer everyone. The
//! next batch is decided while this one commits ([`super::relay`]). Bounds: so many use cases and bytes per batch,
//! [`LOAD_ROUNDS`] rounds of loading. Order: nobody is answered before the batch's outcome is definite, and the feed
//! learns of it before the callers do.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use chrono::{DateTime, Utc};
use lumbung_domain::StreamId;
use lumbung_journal::{
    AppendError, Appender, Feed, Head, JournalError, KeyedAnswer, LockedLedger, Vault, Verdict, idempotency,
};
use sqlx::PgPool;
use tokio::sync::{mpsc, watch};
use tracing::{error, info};

use super::book::Book;
use super::cache::Cache;
use super::draft::{Decided, Draft};
use super::lanes::{Control, Lanes};
use super::snapshots::Snapshots;
use super::stats::Stats;
use super::ticket::{Decision, Keeping, NoAnswer, Ticket, panic_text};
use super::upkeep::Heard;
use super::{Calendar, Clock};

/// How often a use case may name streams that are not in memory before it fails.
const LOAD_ROUNDS: usize = 8;

/// How often another node may win before this one takes the lock first.
const LOST_RACES: u32 = 2;

/// What happens inside the loop's task; nothing else touches it.
pub(super) struct Loop {
    pub(super) head: Head,
    /// The instant of the last event; the next one is never before it.
    pub(super) time: DateTime<Utc>,
    pub(super) cache: Cache,
    pub(super) pool: PgPool,
    pub(super) feed: Arc<Feed>,
    pub(super) lanes: Lanes,
    pub(super) controls: mpsc::Receiver<Control>,
    /// Taken from the lanes and not decided yet: the batch was full, or their key is being answered.
    pub(super) backlog: VecDeque<Box<dyn Ticket>>,
    pub(super) calendar: Calendar,
    pub(super) clock: Clock,
    /// The ledger's own stream.
    pub(super) ledger: StreamId,
    pub(super) stats: Arc<Stats>,
    pub(super) vault: Arc<Vault>,
    pub(super) snapshots: Arc<Snapshots>,
    /// Where the log ends, as far as was heard.
    pub(super) elsewhere: watch::Receiver<Heard>,
    /// Compare what a batch changed with the log after every so many batches; 0 is never.
    pub(super) sample_every: u64,
    /// The most events that one such comparison folds.
    pub(super) sample_events: u64,
    pub(super) batch_commands: usize,
    pub(super) batch_bytes: usize,
}

/// Use cases that must be decided again, and why they may need help.
#[derive(Default)]
pub(super) struct Again {
    /// Decided from the last group to the first.
    pub(super) groups: Vec<Vec<Box<dyn Ticket>>>,
    /// How often another node wrote first.
    pub(super) lost: u32,
}

/// The loop cannot go on: the log is not what this node knows of it, or holds what this software cannot read.
#[derive(Debug, thiserror::Error)]
#[error("the ledger loop stopped")]
pub struct LoopFailed(#[from] pub(super) JournalError);

impl Loop {
    /// Runs until every handle is gone and everything taken was answered.
    pub(super) async fn run(mut self, mut appender: Appender) -> Result<(), LoopFailed> {
        loop {
            self.cache.evict();
            self.obey_all().await?;
            if self.backlog.is_empty() {
                tokio::select! {
                    taken = self.lanes.take(self.batch_commands, &mut self.backlog) => if !taken { break },
                    Some(control) = self.controls.recv() => { self.obey(control).await?; continue }
                    Ok(()) = self.elsewhere.changed() => { self.hear_of_others().await?; continue }
                }
            } else {
                self.lanes.take_ready(self.batch_commands, &mut self.backlog);
            }
            let mut draft = self.draft_on(None);
            self.decide(&mut draft, None).await?;
            let again = self.relay(&mut appender, draft).await?;
            self.turn(&mut appender, again).await?;
        }
        info!(head = %self.head, "the ledger loop is done");
        Ok(())
    }

    /// Decides and commits what could not be committed as it was, whatever it takes: one batch after the other.
    async fn turn(&mut self, appender: &mut Appender, mut again: Again) -> Result<(), LoopFailed> {
        while let Some(tickets) = again.groups.pop() {
            if tickets.is_empty() {
                continue;
            }
            // Beside a busy node there may be no end of races, and whoever asks whether this one lives asks now.
            self.obey_all().await?;
            let locked = if again.lost < LOST_RACES { None } else { self.lock(appender).await? };
            let mut draft = self.draft_on(None);
            self.decide_all(&mut draft, None, tickets).await?;
            let verdict = self.append(appender, locked, &draft).await;
            self.conclude(draft, verdict, &mut again).await?;
        }
        Ok(())
    }

    /// Acts on a definite answer of the database; what must be decided again goes to `again`.
    pub(super) async fn conclude(
        &mut self,
        draft: Draft,
        verdict: Result<Verdict, AppendError>,
        again: &mut Again,
    ) -> Result<(), LoopFailed> {
        match verdict {
            Ok(Verdict::Appended) => self.commit(draft).await?,
            Ok(Verdict::Moved(head)) => {
                again.lost += 1;
                self.stats.moved.fetch_add(1, Relaxed);
                if head.position <= self.head.position {
                    return Err(JournalError::WentBack { known: self.head, found: head }.into());
                }
                self.catch_up().await?;
                again.groups.push(draft.into_tickets());
            }
            Ok(Verdict::Replayed) => again.groups.push(self.replay(draft).await?),
            Err(AppendError::Data(source)) => again.groups.extend(bisect(draft, &source)),
            Err(AppendError::Fatal(source)) => return Err(source.into()),
        }
        Ok(())
    }

    /// Lost the race again and again: takes the ledger's lock and catches up behind it, so that nobody can write before
    /// we do. `None` if the database is in trouble; the plain way will meet the same trouble and sit it out.
    async fn lock(&mut self, appender: &Appender) -> Result<Option<LockedLedger>, LoopFailed> {
        let Ok(mut locked) = appender.lock().await else { return Ok(None) };
        match self.catch_up_on(&mut locked).await {
            Ok(()) => {
                self.stats.locked.fetch_add(1, Relaxed);
                Ok(Some(locked))
            }
            Err(failed) if failed.0.is_transient() => Ok(None),
            Err(failed) => Err(failed),
        }
    }

    async fn append(
        &mut self,
        appender: &mut Appender,
        locked: Option<LockedLedger>,
        draft: &Draft,
    ) -> Result<Verdict, AppendError> {
        if let Some(locked) = locked
            && let Ok(verdict) = locked.append(&draft.batch).await
        {
            return Ok(verdict);
        }
        // Also when nobody knows what became of the locked append: the same bytes, in the way that finds out.
        let started = Instant::now();
        let verdict = appender.append(&draft.batch).await;
        self.stats.meters.append.record(started.elapsed());
        self.stats.resends.store(appender.resends(), Relaxed);
        verdict
    }

    /// An empty draft: on the committed head, or on the batch that is on its way.
    pub(super) fn draft_on(&self, under: Option<&Draft>) -> Draft {
        let now = super::now(&self.clock);
        let (head, time) =
            under.map_or((self.head, self.time), |under| (under.batch.last, under.batch.recorded_at));
        Draft::new(head, now.max(time), self.batch_bytes)
    }

    /// Decides what waits in the backlog, as far as the draft has room.
    pub(super) async fn decide(
        &mut self,
        draft: &mut Draft,
        under: Option<&Draft>,
    ) -> Result<(), LoopFailed> {
        let room = self.batch_commands.saturating_sub(draft.decided.len());
        let tickets = self.backlog.drain(..self.backlog.len().min(room)).collect();
        self.decide_all(draft, under, tickets).await
    }

    /// Decides every use case on the cache and the batch on its way, loading what is missing between the rounds.
    async fn decide_all(
        &mut self,
        draft: &mut Draft,
        under: Option<&Draft>,
        tickets: Vec<Box<dyn Ticket>>,
    ) -> Result<(), LoopFailed> {
        let mut undecided = tickets;
        for _ in 0..LOAD_ROUNDS {
            let mut missing = HashSet::new();
            let mut again = Vec::new();
            for ticket in undecided {
                self.decide_one(ticket, draft, under, &mut again, &mut missing);
            }
            undecided = again;
            if undecided.is_empty() {
                break;
            }
            self.load(missing.into_iter().collect()).await?;
        }
        for ticket in undecided {
            error!(use_case = ticket.name(), "a command keeps naming streams that are not in memory");
            ticket.fail(NoAnswer::Failed);
        }
        Ok(())
    }

    fn decide_one(
        &mut self,
        mut ticket: Box<dyn Ticket>,
        draft: &mut Draft,
        under: Option<&Draft>,
        again: &mut Vec<Box<dyn Ticket>>,
        missing: &mut HashSet<StreamId>,
    ) {
        let key_on_its_way = under.is_some_and(|under| under.holds_key(ticket.as_ref()));
        if draft.is_full() || draft.holds_key(ticket.as_ref()) || key_on_its_way {
            self.backlog.push_back(ticket);
            return;
        }
        let now = draft.batch.recorded_at;
        let overlays = [Some(&draft.overlay), under.map(|under| &under.overlay)];
        let mut book = Book::new(&mut self.cache, overlays, now, (self.calendar)(now), &self.ledger);
        // A panic in one decision is a defect, but not everybody's.
        match catch_unwind(AssertUnwindSafe(|| ticket.decide(&mut book))) {
            Ok(Decision::Done) => {
                let work = book.into_work();
                draft.take_done(ticket, work);
            }
            Ok(Decision::Refused(keeping)) => {
                draft.take_refused(ticket, keeping == Keeping::Keep, keeping == Keeping::LookOnly);
            }
            Ok(Decision::Missing) => {
                missing.extend(book.into_missing());
                again.push(ticket);
            }
            Err(panic) => {
                error!(use_case = ticket.name(), panic = panic_text(&*panic), "a decision panicked");
                ticket.fail(NoAnswer::Failed);
            }
        }
    }

    /// The batch is in the log: memory first, then the feed, then the callers.
    pub(super) async fn commit(&mut self, draft: Draft) -> Result<(), LoopFailed> {
        let Draft { batch, facts, overlay, decided, .. } = draft;
        self.stats.committed(&batch, decided.len());
        self.stats.hits.store(self.cache.hits(), Relaxed);
        self.head = batch.last;
        let changed: Vec<StreamId> = self.sampled(&overlay);
        self.cache.commit(overlay, &batch.records, &self.snapshots);
        if !facts.is_empty() {
            self.time = batch.recorded_at;
            self.feed.publish(facts.into());
        }
        let (looking, definite): (Vec<_>, Vec<_>) =
            decided.into_iter().partition(|decided| decided.look_first && decided.ticket.key().is_some());
        for Decided { ticket, position, .. } in definite {
            ticket.answer(position, batch.recorded_at);
        }
        if !looking.is_empty() {
            self.answer_unless_kept(looking, batch.recorded_at).await?;
        }
        if !changed.is_empty() {
            self.check_streams(changed).await?;
        }
        Ok(())
    }

    /// Answers those whose key is kept from their records; the others must be decided again.
    async fn replay(&mut self, draft: Draft) -> Result<Vec<Box<dyn Ticket>>, LoopFailed> {
        let keys: Vec<[u8; 32]> = draft.batch.answers.iter().map(|answer| answer.key).collect();
        let kept = super::patiently(|| idempotency::find(&self.pool, &keys)).await?;
        let ours: HashMap<[u8; 32], KeyedAnswer> =
            draft.batch.answers.into_iter().map(|answer| (answer.key, answer)).collect();
        let mut again = Vec::with_capacity(draft.decided.len());
        for Decided { ticket, position, .. } in draft.decided {
            let key = ticket.key().map(|key| key.key);
            match key.and_then(|key| Some((kept.get(&key)?, ours.get(&key)?))) {
                // This very answer, from a sending whose outcome was lost; a batch without events leaves no other trace.
                Some((answer, ours)) if answer.outcome == ours.outcome && answer.body == ours.body => {
                    ticket.answer(position, draft.batch.recorded_at);
                }
                Some((answer, _)) => {
                    self.stats.replayed.fetch_add(1, Relaxed);
                    ticket.replay(&answer.body, &answer.outcome);
                }
                None => again.push(ticket),
            }
        }
        Ok(again)
    }

    async fn answer_unless_kept(
        &mut self,
        refused: Vec<Decided>,
        at: DateTime<Utc>,
    ) -> Result<(), LoopFailed> {
        let keys: Vec<[u8; 32]> =
            refused.iter().filter_map(|decided| decided.ticket.key()).map(|key| key.key).collect();
        let kept = super::patiently(|| idempotency::find(&self.pool, &keys)).await?;
        for Decided { ticket, position, .. } in refused {
            match ticket.key().and_then(|key| kept.get(&key.key)) {
                Some(answer) => ticket.replay(&answer.body, &answer.outcome),
                None => ticket.answer(position, at),
            }
        }
        Ok(())
    }
}

/// The database refuses a value in the batch: halves it until the culprit stands alone, and fails that one.
fn bisect(draft: Draft, source: &sqlx::Error) -> Vec<Vec<Box<dyn Ticket>>> {
    let mut tickets = draft.into_tickets();
    if tickets.len() > 1 {
        let second = tickets.split_off(tickets.len() / 2);
        return vec![second, tickets];
    }
    for ticket in tickets {
        let error: &dyn std::error::Error = source;
        error!(use_case = ticket.name(), error, "the database refuses a command's events");
        ticket.fail(NoAnswer::Failed);
    }
    Vec::new()
}
