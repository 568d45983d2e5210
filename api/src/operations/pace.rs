//! How fast transfers are started and settled, over the last seconds.

use chrono::{DateTime, Utc};

/// Seconds that are remembered; the mean is of those before the current one.
const SECONDS: usize = 16;
const MEAN_OF: i64 = 10;

/// Counts by the second in which the ledger recorded them.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace([Second; SECONDS]);

#[derive(Debug, Clone, Copy, Default)]
struct Second {
    /// Since 1970.
    number: i64,
    started: u64,
    settled: u64,
}

impl Pace {
    pub(super) fn started(&mut self, at: DateTime<Utc>) {
        self.second(at).started += 1;
    }

    pub(super) fn settled(&mut self, at: DateTime<Utc>) {
        self.second(at).settled += 1;
    }

    fn second(&mut self, at: DateTime<Utc>) -> &mut Second {
        let number = at.timestamp();
        let second = &mut self.0[number.rem_euclid(SECONDS as i64) as usize];
        if second.number != number {
            *second = Second { number, started: 0, settled: 0 };
        }
        second
    }

    /// Started and settled per second, over the last ten whole seconds.
    pub(super) fn per_second(&self, now: DateTime<Utc>) -> (f64, f64) {
        let now = now.timestamp();
        let lately = self.0.iter().filter(|second| (now - MEAN_OF..now).contains(&second.number));
        let (started, settled) = lately
            .fold((0, 0), |(started, settled), second| (started + second.started, settled + second.settled));
        (started as f64 / MEAN_OF as f64, settled as f64 / MEAN_OF as f64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000_000 + second, 0).unwrap()
    }

    #[test]
    fn the_mean_is_of_the_last_ten_whole_seconds() {
        let mut pace = Pace::default();
        assert_eq!(pace.per_second(at(0)), (0.0, 0.0));
        for second in 0..100 {
            (0..20).for_each(|_| pace.started(at(second)));
            (0..10).for_each(|_| pace.settled(at(second)));
        }
        assert_eq!(pace.per_second(at(100)), (20.0, 10.0));
        assert_eq!(pace.per_second(at(105)), (10.0, 5.0));
        assert_eq!(pace.per_second(at(110)), (0.0, 0.0));
    }
}
