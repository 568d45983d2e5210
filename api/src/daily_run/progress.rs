//! What the daily run does and has done on this node.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use lumbung_domain::LoanNumber;
use tokio::time::Instant;

use super::resting::Resting;

/// How many failing loans are shown.
const SHOWN: usize = 100;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DailyRunState {
    /// Another node works, or the database is away.
    #[default]
    Standby,
    /// Everything is closed, as far as this node knows.
    Idle,
    /// It closes days.
    Running,
}

/// Counts of this node since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DailyRunCounts {
    /// Times that days of a loan were closed.
    pub loans: u64,
    pub days: u64,
    /// Times that the days of a loan could not be closed.
    pub failures: u64,
    /// Loans that rest because their days could not be closed.
    pub failing: usize,
}

/// A loan whose days could not be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    pub loan: LoanNumber,
    pub code: &'static str,
    /// In a row.
    pub attempts: u32,
    pub retry_at: DateTime<Utc>,
}

/// What was done for the latest business date that there was something to do for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    pub day: NaiveDate,
    pub started_at: DateTime<Utc>,
    /// Loans whose days it closed.
    pub loans: u64,
    /// Time that it worked.
    pub busy: Duration,
}

/// For operators. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct DailyRunProgress(Arc<Mutex<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    state: DailyRunState,
    run: Option<Run>,
    /// Since when it works on the run.
    since: Option<Instant>,
    counts: DailyRunCounts,
    failing: Vec<Failing>,
}

impl DailyRunState {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Idle => "idle",
            Self::Running => "running",
        }
    }
}

impl Run {
    /// Loans a second, while it works.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        // Two decimals say enough; a run that has just begun has no pace yet.
        let pace = self.loans as f64 / self.busy.as_secs_f64().max(0.001);
        (pace * 100.0).round() / 100.0
    }
}

impl DailyRunProgress {
    #[must_use]
    pub fn state(&self) -> DailyRunState {
        self.shown().state
    }

    #[must_use]
    pub fn counts(&self) -> DailyRunCounts {
        self.shown().counts
    }

    /// The latest run of this node; its time counts until now.
    #[must_use]
    pub fn run(&self) -> Option<Run> {
        let shown = self.shown();
        let mut run = shown.run?;
        run.busy += shown.since.map_or(Duration::ZERO, |since| since.elapsed());
        Some(run)
    }

    /// Loans that rest, at most a hundred of them.
    #[must_use]
    pub fn failing(&self) -> Vec<Failing> {
        self.shown().failing.clone()
    }

    pub(super) fn standby(&self) {
        self.shown().pause(DailyRunState::Standby);
    }

    pub(super) fn idle(&self) {
        self.shown().pause(DailyRunState::Idle);
    }

    /// Something is to be closed up to `day`. A run for the same day goes on.
    pub(super) fn begin(&self, day: NaiveDate) {
        let mut shown = self.shown();
        shown.state = DailyRunState::Running;
        if shown.run.is_none_or(|run| run.day != day) {
            shown.run = Some(Run { day, started_at: Utc::now(), loans: 0, busy: Duration::ZERO });
            shown.since = None;
        }
        shown.since.get_or_insert_with(Instant::now);
    }

    /// So many events of a loan closed its days.
    pub(super) fn closed(&self, events: i64) {
        let mut shown = self.shown();
        shown.counts.loans += 1;
        shown.counts.days += u64::try_from(events).unwrap_or(0);
        if let Some(run) = &mut shown.run {
            run.loans += 1;
        }
    }

    pub(super) fn failed(&self) {
        self.shown().counts.failures += 1;
    }

    pub(super) fn rest(&self, resting: &Resting) {
        let (failing, shown) = resting.shown(SHOWN);
        let mut held = self.shown();
        held.counts.failing = failing;
        held.failing = shown;
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn pause(&mut self, state: DailyRunState) {
        self.state = state;
        let worked = self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        if let Some(run) = &mut self.run {
            run.busy += worked;
        }
        if state == DailyRunState::Standby {
            self.counts.failing = 0;
            self.failing.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_while_it_is_the_same_day() {
        let progress = DailyRunProgress::default();
        let day = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap_or_default();
        assert_eq!((progress.state(), progress.run()), (DailyRunState::Standby, None));
        progress.begin(day);
        progress.closed(1);
        progress.idle();
        progress.begin(day);
        progress.closed(3);
        assert_eq!(progress.run().map(|run| (run.day, run.loans)), Some((day, 2)));
        let next = day.succ_opt().unwrap_or_default();
        progress.begin(next);
        assert_eq!(progress.run().map(|run| (run.day, run.loans)), Some((next, 0)));
        assert_eq!(progress.state(), DailyRunState::Running);
        progress.failed();
        let counts = DailyRunCounts { loans: 2, days: 4, failures: 1, failing: 0 };
        assert_eq!(progress.counts(), counts);
        progress.standby();
        assert_eq!(progress.state(), DailyRunState::Standby);
    }
}
