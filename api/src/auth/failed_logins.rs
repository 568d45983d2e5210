//! How often a password may be guessed.
//!
//! Every account has so many failures in a quarter of an hour; each one after them makes everybody wait twice as long
//! as the one before. Strangers share one count per account, whether it exists or not. A device that has logged in to
//! the account, and a session of it, have counts of their own: others' failures never hold the owner back.
//!
//! Bounds: [`KEPT`] counts, the least recently used goes first; filling them takes longer than a window lasts, because
//! each failure costs a password hash. While an account's last attempts are under way, one more waits for them: together
//! they cannot fail more often than one after the other. Counts are a node's own and forgotten when it ends.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use tokio::sync::Notify;

/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// After the first failure too many.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = WINDOW;
const KEPT: usize = 65_536;

/// Whose failures are counted together: a keyed hash.
pub type CountKey = [u8; 32];

/// The counts of a node.
pub struct FailedLogins {
    allowed: u32,
    counts: Mutex<LruCache<CountKey, Count>>,
    settled: Notify,
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
    under_way: u32,
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
            counts: Mutex::new(LruCache::new(NonZeroUsize::new(KEPT).unwrap_or(NonZeroUsize::MIN))),
            settled: Notify::new(),
        }
    }

    /// Begins an attempt, if need be after others that are under way.
    ///
    /// # Errors
    /// [`HeldBack`].
    pub async fn begin(&self, key: CountKey) -> Result<Attempt<'_>, HeldBack> {
        loop {
            let mut settled = std::pin::pin!(self.settled.notified());
            // From here on nothing that is settled is missed.
            settled.as_mut().enable();
            match self.with(key, |count| count.judge(self.allowed, Instant::now())) {
                Verdict::GoOn => return Ok(Attempt { logins: self, key, settled: false }),
                Verdict::Wait => settled.await,
                Verdict::HoldBack(wait) => return Err(HeldBack(wait)),
            }
        }
    }

    fn with<T>(&self, key: CountKey, judge: impl FnOnce(&mut Count) -> T) -> T {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        judge(counts.get_or_insert_mut(key, || Count::new(Instant::now())))
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
        let allowed = self.logins.allowed;
        self.logins.with(self.key, |count| count.settle(failed, allowed, Instant::now()));
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
        Self { since: now, failures: 0, under_way: 0, held_until: None }
    }

    fn judge(&mut self, allowed: u32, now: Instant) -> Verdict {
        if let Some(until) = self.held_until.filter(|until| *until > now) {
            return Verdict::HoldBack(until - now);
        }
        if now.duration_since(self.since) >= WINDOW {
            *self = Self { under_way: self.under_way, ..Self::new(now) };
        }
        if self.under_way > 0 && self.failures.saturating_add(self.under_way) >= allowed {
            return Verdict::Wait;
        }
        self.under_way += 1;
        Verdict::GoOn
    }

    fn settle(&mut self, failed: bool, allowed: u32, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        if !failed {
            return;
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
        assert_eq!(count.judge(3, now), Verdict::GoOn);
        count.settle(true, 3, now);
    }

    #[test]
    fn delays_grow_and_end() {
        let start = Instant::now();
        let mut count = Count::new(start);
        (0..3).for_each(|_| fail(&mut count, start));
        let mut now = start;
        for seconds in [1, 2, 4, 8] {
            let delay = Duration::from_secs(seconds);
            assert_eq!(count.judge(3, now), Verdict::HoldBack(delay), "{seconds}");
            now += delay;
            fail(&mut count, now);
        }
        // A window after the first failure the slate is clean, but no delay is cut short.
        let second = Duration::from_secs(1);
        let mut patient = Count { failures: 1_000, under_way: 1, ..Count::new(start) };
        patient.settle(true, 3, start + second);
        assert_eq!(patient.judge(3, start + WINDOW), Verdict::HoldBack(second));
        assert_eq!(patient.judge(3, start + WINDOW + second), Verdict::GoOn);
        assert_eq!((patient.failures, patient.under_way), (0, 1));
        let mut quiet = Count::new(start);
        (0..2).for_each(|_| fail(&mut quiet, start));
        fail(&mut quiet, start + WINDOW);
        assert_eq!((quiet.failures, quiet.held_until), (1, None));
    }

    #[test]
    fn successes_do_not_count() {
        let (mut count, now) = (Count::new(Instant::now()), Instant::now());
        for _ in 0..100 {
            assert_eq!(count.judge(3, now), Verdict::GoOn);
            count.settle(false, 3, now);
        }
        assert_eq!((count.failures, count.held_until), (0, None));
    }

    #[tokio::test]
    async fn attempts_side_by_side_fail_no_more_often_than_one_after_the_other() {
        let logins = std::sync::Arc::new(FailedLogins::new(10));
        let tasks = (0..200).map(|_| {
            let logins = std::sync::Arc::clone(&logins);
            tokio::spawn(async move {
                let Ok(attempt) = logins.begin([1; 32]).await else { return false };
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
        assert!(logins.begin([1; 32]).await.is_err());
        assert!(logins.begin([2; 32]).await.is_ok());
    }

    #[tokio::test]
    async fn a_crowd_that_knows_the_password_gets_in() {
        let logins = std::sync::Arc::new(FailedLogins::new(10));
        let tasks = (0..200).map(|_| {
            let logins = std::sync::Arc::clone(&logins);
            tokio::spawn(async move { logins.begin([1; 32]).await.map(Attempt::not_failed).is_ok() })
        });
        for task in tasks.collect::<Vec<_>>() {
            assert!(task.await.unwrap());
        }
    }
}
