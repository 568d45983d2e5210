//! How often a password may be guessed.
//!
//! Every account has so many failures in a quarter of an hour; each one after them makes everybody wait twice as long
//! as the one before. Strangers share one count per account, whether it exists or not. A device that has logged in to
//! the account, and a session of it, have counts of their own: others' failures never hold the owner back. Strangers of
//! one address are counted together too, whatever the accounts, so that nobody tries one secret on everybody.
//!
//! Bounds: [`KEPT_PER_WORKER`] counts, the least recently used goes first. Only failures are counted, and whoever fails
//! had a place among the password hashes and used it; so filling them takes longer than a window lasts, and nobody's
//! count is pushed out by who was turned away. While an account's last attempts are under way, one more waits for them:
//! together they cannot fail more often than one after the other. Counts are a node's own and forgotten when it ends.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use tokio::sync::Notify;

use super::passwords::{Place, workers};

/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// After the first failure too many.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = WINDOW;
/// For each thread that makes hashes: more than it makes in a window, at 14 ms and more for each.
const KEPT_PER_WORKER: usize = 65_536;

/// Whose failures are counted together: a keyed hash.
pub type CountKey = [u8; 32];

/// The counts of a node.
pub struct FailedLogins {
    allowed: u32,
    kept: usize,
    counts: Mutex<Counts>,
    settled: Notify,
}

struct Counts {
    failed: LruCache<CountKey, Count>,
    /// No more than there are places for hashes.
    under_way: HashMap<CountKey, u32>,
}

/// One attempt under way. Dropped without a word it has failed: whoever hangs up has guessed all the same.
pub struct Attempt<'a> {
    logins: &'a FailedLogins,
    key: CountKey,
    settled: bool,
}

/// Too many failures; how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldBack(pub Duration);

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Instant,
    failures: u32,
    held_until: Option<Instant>,
}

/// What to do with one more attempt.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    GoOn,
    /// Until another one is settled.
    Wait,
    HoldBack(Duration),
}

impl FailedLogins {
    /// `allowed`: failures in a quarter of an hour before the first delay.
    #[must_use]
    pub fn new(allowed: u64) -> Self {
        Self {
            allowed: u32::try_from(allowed).unwrap_or(u32::MAX).max(1),
            kept: KEPT_PER_WORKER.saturating_mul(workers()),
            counts: Mutex::new(Counts { failed: LruCache::unbounded(), under_way: HashMap::new() }),
            settled: Notify::new(),
        }
    }

    /// Begins an attempt, if need be after others that are under way. Whoever has no place for the hash that it takes
    /// cannot begin.
    ///
    /// # Errors
    /// [`HeldBack`].
    pub async fn begin(&self, key: CountKey, _: &Place) -> Result<Attempt<'_>, HeldBack> {
        self.begin_unplaced(key).await
    }

    async fn begin_unplaced(&self, key: CountKey) -> Result<Attempt<'_>, HeldBack> {
        loop {
            let mut settled = std::pin::pin!(self.settled.notified());
            // From here on nothing that is settled is missed.
            settled.as_mut().enable();
            let verdict = self.lock().begin(key, self.allowed, Instant::now());
            match verdict {
                Verdict::GoOn => return Ok(Attempt { logins: self, key, settled: false }),
                Verdict::Wait => settled.await,
                Verdict::HoldBack(wait) => return Err(HeldBack(wait)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn begin(&mut self, key: CountKey, allowed: u32, now: Instant) -> Verdict {
        let under_way = self.under_way.get(&key).copied().unwrap_or_default();
        let verdict = Count::judge(self.failed.get(&key).copied(), under_way, allowed, now);
        if verdict == Verdict::GoOn {
            self.under_way.insert(key, under_way + 1);
        }
        verdict
    }

    fn end(&mut self, key: CountKey) {
        if let Entry::Occupied(mut under_way) = self.under_way.entry(key) {
            *under_way.get_mut() -= 1;
            if *under_way.get() == 0 {
                under_way.remove();
            }
        }
    }

    fn fail(&mut self, key: CountKey, allowed: u32, kept: usize, now: Instant) {
        self.failed.get_or_insert_mut(key, || Count::new(now)).fail(allowed, now);
        while self.failed.len() > kept {
            self.failed.pop_lru();
        }
    }
}

impl Attempt<'_> {
    /// It was the right password, or nobody looked at it.
    pub fn not_failed(mut self) {
        self.settle(false);
    }

    /// It was not.
    pub fn failed(mut self) {
        self.settle(true);
    }

    fn settle(&mut self, failed: bool) {
        self.settled = true;
        let mut counts = self.logins.lock();
        counts.end(self.key);
        if failed {
            counts.fail(self.key, self.logins.allowed, self.logins.kept, Instant::now());
        }
        drop(counts);
        self.logins.settled.notify_waiters();
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(true);
        }
    }
}

impl Count {
    fn new(now: Instant) -> Self {
        Self { since: now, failures: 0, held_until: None }
    }

    fn judge(count: Option<Self>, under_way: u32, allowed: u32, now: Instant) -> Verdict {
        let count = count.filter(|count| !count.is_over(now)).unwrap_or_else(|| Self::new(now));
        if let Some(until) = count.held_until.filter(|until| *until > now) {
            return Verdict::HoldBack(until - now);
        }
        if under_way > 0 && count.failures.saturating_add(under_way) >= allowed {
            return Verdict::Wait;
        }
        Verdict::GoOn
    }

    /// No delay is cut short.
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= WINDOW && self.held_until.is_none_or(|until| until <= now)
    }

    fn fail(&mut self, allowed: u32, now: Instant) {
        if self.is_over(now) {
            *self = Self::new(now);
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(too_many) = self.failures.checked_sub(allowed) {
            let delay = FIRST_DELAY.saturating_mul(1 << too_many.min(20)).min(LONGEST_DELAY);
            self.held_until = Some(now + delay);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fail(count: &mut Count, now: Instant) {
        assert_eq!(Count::judge(Some(*count), 0, 3, now), Verdict::GoOn);
        count.fail(3, now);
    }

    #[test]
    fn delays_grow_and_end() {
        let start = Instant::now();
        let mut count = Count::new(start);
        (0..3).for_each(|_| fail(&mut count, start));
        let mut now = start;
        for seconds in [1, 2, 4, 8] {
            let delay = Duration::from_secs(seconds);
            assert_eq!(Count::judge(Some(count), 0, 3, now), Verdict::HoldBack(delay), "{seconds}");
            now += delay;
            fail(&mut count, now);
        }
        // A window after the first failure the slate is clean, but no delay is cut short.
        let second = Duration::from_secs(1);
        let mut patient = Count { failures: 1_000, ..Count::new(start) };
        patient.fail(3, start + second);
        assert_eq!(Count::judge(Some(patient), 1, 3, start + WINDOW), Verdict::HoldBack(second));
        assert_eq!(Count::judge(Some(patient), 1, 3, start + WINDOW + second), Verdict::GoOn);
        patient.fail(3, start + WINDOW + second);
        assert_eq!((patient.failures, patient.held_until), (1, None));
        let mut quiet = Count::new(start);
        (0..2).for_each(|_| fail(&mut quiet, start));
        fail(&mut quiet, start + WINDOW);
        assert_eq!((quiet.failures, quiet.held_until), (1, None));
    }

    #[tokio::test]
    async fn successes_do_not_count_and_are_not_remembered() {
        let logins = FailedLogins::new(3);
        for number in 0..100 {
            logins.begin_unplaced([number; 32]).await.unwrap().not_failed();
        }
        let counts = logins.lock();
        assert!(counts.failed.is_empty() && counts.under_way.is_empty());
    }

    /// However many accounts are tried by who fails at none, or is turned away before.
    #[tokio::test]
    async fn only_failures_push_out_failures() {
        let logins = FailedLogins { kept: 2, ..FailedLogins::new(1) };
        logins.begin_unplaced([1; 32]).await.unwrap().failed();
        for number in 2..100 {
            logins.begin_unplaced([number; 32]).await.unwrap().not_failed();
        }
        assert!(logins.begin_unplaced([1; 32]).await.is_err());
        for number in 2..4 {
            logins.begin_unplaced([number; 32]).await.unwrap().failed();
        }
        assert_eq!(logins.lock().failed.len(), 2);
        assert!(logins.begin_unplaced([1; 32]).await.is_ok());
    }

    #[tokio::test]
    async fn attempts_side_by_side_fail_no_more_often_than_one_after_the_other() {
        let logins = std::sync::Arc::new(FailedLogins::new(10));
        let tasks = (0..200).map(|_| {
            let logins = std::sync::Arc::clone(&logins);
            tokio::spawn(async move {
                let Ok(attempt) = logins.begin_unplaced([1; 32]).await else { return false };
                tokio::task::yield_now().await;
                drop(attempt);
                true
            })
        });
        let mut tried = 0;
        for task in tasks.collect::<Vec<_>>() {
            tried += u32::from(task.await.unwrap());
        }
        assert_eq!(tried, 10);
        assert!(logins.begin_unplaced([1; 32]).await.is_err());
        assert!(logins.begin_unplaced([2; 32]).await.is_ok());
    }

    #[tokio::test]
    async fn a_crowd_that_knows_the_password_gets_in() {
        let logins = std::sync::Arc::new(FailedLogins::new(10));
        let tasks = (0..200).map(|_| {
            let logins = std::sync::Arc::clone(&logins);
            tokio::spawn(async move { logins.begin_unplaced([1; 32]).await.map(Attempt::not_failed).is_ok() })
        });
        for task in tasks.collect::<Vec<_>>() {
            assert!(task.await.unwrap());
        }
    }
}
