//! How many days are asked for at once: as many as the ledger answers so soon that a customer who comes in between hardly notices.
//!
//! A customer's command waits about as long as the daily run's own. Loans that are in memory cost little; after a restart each is read
//! from the log first, while the ledger does nothing else. So the answers' times say what is right. Never fewer than a quarter
//! of the most: where every commit is slow, fewer at once would help nobody.

use std::time::Duration;

use tokio::time::Instant;

/// Answers that take longer are too slow: half of what a customer may be made to wait, who may have to wait for two batches.
const SLOW: Duration = Duration::from_millis(40);
/// With answers that take less there is room for more.
const QUICK: Duration = Duration::from_millis(20);

pub(super) struct Pace {
    most: u64,
    now: u64,
    /// What was asked before this was asked at another pace, and says nothing of this one.
    since: Instant,
}

impl Pace {
    /// Begins carefully: nobody knows what is in memory.
    pub(super) fn new(most: u64, now: Instant) -> Self {
        let mut pace = Self { most: most.max(1), now: 0, since: now };
        pace.now = pace.fewest();
        pace
    }

    /// Days that may be under way.
    pub(super) fn days(&self) -> u64 {
        self.now
    }

    fn fewest(&self) -> u64 {
        (self.most / 4).max(1)
    }

    /// An answer came to what was asked then.
    pub(super) fn answered(&mut self, asked: Instant, now: Instant) {
        if asked < self.since {
            return;
        }
        let took = now - asked;
        let next = if took > SLOW {
            self.now - self.now / 4
        } else if took < QUICK {
            self.now + self.now / 8 + 1
        } else {
            return;
        };
        self.now = next.clamp(self.fewest(), self.most);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_answers_mean_fewer_and_quick_ones_more() {
        let start = Instant::now();
        let mut pace = Pace::new(128, start);
        let mut at = start;
        let mut answer = |pace: &mut Pace, millis| {
            let asked = at;
            at += Duration::from_millis(millis);
            pace.answered(asked, at);
            pace.days()
        };
        assert_eq!(pace.days(), 32);
        assert_eq!((answer(&mut pace, 5), answer(&mut pace, 30), answer(&mut pace, 5)), (37, 37, 42));
        while answer(&mut pace, 5) < 128 {}
        assert_eq!((answer(&mut pace, 5), answer(&mut pace, 200), answer(&mut pace, 41)), (128, 96, 72));
        while answer(&mut pace, 90) > 32 {}
        assert_eq!(answer(&mut pace, 10_000), 32);
    }

    #[test]
    fn what_was_asked_before_says_nothing() {
        let start = Instant::now();
        let mut pace = Pace::new(128, start);
        let later = start + Duration::from_millis(10);
        // All of one batch, answered together: one step.
        for _ in 0..50 {
            pace.answered(start, later);
        }
        assert_eq!(pace.days(), 37);
    }

    #[test]
    fn one_at_least() {
        for most in [0, 1, 3] {
            assert_eq!(Pace::new(most, Instant::now()).days(), 1);
        }
    }
}
