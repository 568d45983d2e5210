//! Loans whose days could not be closed, and when each is tried again. Pure bookkeeping.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lumbung_domain::LoanNumber;
use lumbung_journal::process::pause;
use tokio::time::Instant;

use super::progress::Failing;

/// The most loans that are remembered; further ones are tried with every look.
pub(super) const MOST: usize = 10_000;
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

pub(super) struct Resting {
    first_pause: Duration,
    loans: HashMap<LoanNumber, Rest>,
    /// Of the look that is going on.
    look: u64,
}

struct Rest {
    attempts: u32,
    code: &'static str,
    until: Instant,
    retry_at: DateTime<Utc>,
    /// The look that found it last.
    seen: u64,
}

impl Resting {
    pub(super) fn new(first_pause: Duration) -> Self {
        Self { first_pause, loans: HashMap::new(), look: 0 }
    }

    /// A look at all loans begins.
    pub(super) fn begin(&mut self) {
        self.look += 1;
    }

    /// It was a whole one: what it did not find has no days to close any more, whoever closed them.
    pub(super) fn forget_unseen(&mut self) {
        self.loans.retain(|_, rest| rest.seen == self.look);
    }

    /// Whether a loan that was found is to be left alone.
    pub(super) fn rests(&mut self, loan: LoanNumber, now: Instant) -> bool {
        let Some(rest) = self.loans.get_mut(&loan) else { return false };
        rest.seen = self.look;
        now < rest.until
    }

    /// Its days could not be closed. Answers how often in a row.
    pub(super) fn failed(&mut self, loan: LoanNumber, code: &'static str) -> u32 {
        let attempts = self.loans.get(&loan).map_or(1, |rest| rest.attempts.saturating_add(1));
        if self.loans.len() < MOST || self.loans.contains_key(&loan) {
            let pause = pause(self.first_pause, attempts, LONGEST_PAUSE);
            let retry_at = Utc::now() + TimeDelta::from_std(pause).unwrap_or_default();
            let rest = Rest { attempts, code, until: Instant::now() + pause, retry_at, seen: self.look };
            self.loans.insert(loan, rest);
        }
        attempts
    }

    pub(super) fn done(&mut self, loan: LoanNumber) {
        self.loans.remove(&loan);
    }

    /// When the next one is tried again.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.loans.values().map(|rest| rest.until).min()
    }

    /// How many there are, and the first so many of them by their numbers.
    pub(super) fn shown(&self, most: usize) -> (usize, Vec<Failing>) {
        let mut failing: Vec<Failing> = self
            .loans
            .iter()
            .map(|(loan, rest)| Failing {
                loan: *loan,
                code: rest.code,
                attempts: rest.attempts,
                retry_at: rest.retry_at,
            })
            .collect();
        failing.sort_unstable_by_key(|failing| failing.loan);
        failing.truncate(most);
        (self.loans.len(), failing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAN: LoanNumber = LoanNumber(7);

    #[test]
    fn what_failed_rests_longer_each_time_until_it_works() {
        let mut resting = Resting::new(Duration::from_secs(10));
        resting.begin();
        let now = Instant::now();
        assert!(!resting.rests(LOAN, now));
        assert_eq!((resting.failed(LOAN, "CODE"), resting.failed(LOAN, "CODE")), (1, 2));
        let next = resting.next_at().unwrap_or(now);
        assert!(next >= now + Duration::from_secs(20));
        assert!(resting.rests(LOAN, now) && !resting.rests(LOAN, next));
        let (count, shown) = resting.shown(1);
        assert_eq!((count, shown[0].loan, shown[0].code, shown[0].attempts), (1, LOAN, "CODE", 2));
        resting.done(LOAN);
        assert!(!resting.rests(LOAN, now) && resting.next_at().is_none());
    }

    #[test]
    fn what_a_whole_look_did_not_find_is_forgotten() {
        let mut resting = Resting::new(Duration::from_secs(10));
        resting.begin();
        for loan in 1..=3 {
            resting.failed(LoanNumber(loan), "CODE");
        }
        resting.begin();
        assert!(resting.rests(LoanNumber(2), Instant::now()));
        resting.forget_unseen();
        assert_eq!(resting.shown(10).0, 1);
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let mut resting = Resting::new(Duration::from_secs(10));
        for loan in 0..MOST as i64 + 10 {
            resting.failed(LoanNumber(loan), "CODE");
        }
        assert_eq!(resting.shown(3).0, MOST);
        assert_eq!(resting.shown(3).1.len(), 3);
    }
}
