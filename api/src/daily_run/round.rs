//! One look at all loans, and whatever it finds to close.

use std::collections::VecDeque;
use std::time::Duration;

use lumbung_commands::ledger::Lane;
use lumbung_commands::loan::servicing::{CloseLoanDays, DaysClosed};
use lumbung_commands::{Answer, Call, Ledger, NoAnswer};
use lumbung_journal::Lease;
use lumbung_projections::Limit;
use lumbung_projections::loan_accounts::{Due, due};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::pace::Pace;
use super::resting::Resting;
use super::{DailyRun, Interrupted, PROCESS};
use crate::business_date::BusinessDay;

/// How often the lease is looked at meanwhile.
const LOOK_AT_LEASE: Duration = Duration::from_secs(1);

/// What the answer to a request was.
struct Ended {
    due: Due,
    /// That it was to close.
    days: u64,
    asked: Instant,
    answer: Result<Answer<DaysClosed>, NoAnswer>,
}

/// The loans that one look finds, and how far it got.
struct Look {
    day: BusinessDay,
    waiting: VecDeque<Due>,
    after: Option<Due>,
    /// There are no more.
    whole: bool,
    lease_at: Instant,
    /// Behind the last event that was asked for.
    position: i64,
    closed: u64,
}

impl DailyRun {
    /// Closes whatever is to be closed up to `day`, until that is done or it is another day. Answers the position behind which the
    /// read models show it.
    pub(super) async fn round(
        &self,
        day: BusinessDay,
        lease: &mut Lease,
        resting: &mut Resting,
    ) -> Result<i64, Interrupted> {
        let mut look = Look {
            day,
            waiting: VecDeque::new(),
            after: None,
            whole: false,
            lease_at: Instant::now() + LOOK_AT_LEASE,
            position: 0,
            closed: 0,
        };
        resting.begin();
        let (mut under_way, mut days_under_way) = (JoinSet::new(), 0);
        let mut pace = Pace::new(self.settings.days_at_once, Instant::now());
        loop {
            if look.waiting.is_empty() && !look.whole && !self.find_more(&mut look, lease, resting).await? {
                break;
            }
            while let Some(next) = look.waiting.front().copied() {
                let days = days_to_close(next, day);
                if days_under_way > 0 && days_under_way + days > pace.days() {
                    break;
                }
                look.waiting.pop_front();
                days_under_way += days;
                self.progress.begin(day.on);
                under_way.spawn(close(self.ledger.clone(), next, days));
            }
            let Some(ended) = under_way.join_next().await else {
                if look.whole && look.waiting.is_empty() {
                    break;
                }
                continue;
            };
            // A panic is the loop's to catch; what is left is a task that was ended with its runtime.
            let ended = ended.map_err(|_| NoAnswer::OutcomeUnknown)?;
            days_under_way -= ended.days;
            pace.answered(ended.asked, Instant::now());
            self.conclude(ended, &mut look, resting)?;
        }
        if look.whole {
            resting.forget_unseen();
        }
        self.progress.rest(resting);
        if look.closed > 0 {
            info!(business_on = %day.on, loans = look.closed, "closed the days of loans");
        }
        Ok(look.position)
    }

    /// Looks for the next loans. False if it is another day: then those that are furthest behind come first again.
    async fn find_more(
        &self,
        look: &mut Look,
        lease: &mut Lease,
        resting: &mut Resting,
    ) -> Result<bool, Interrupted> {
        if Instant::now() >= look.lease_at {
            lease.check().await?;
            self.progress.rest(resting);
            look.lease_at = Instant::now() + LOOK_AT_LEASE;
        }
        if self.today().await? != look.day {
            return Ok(false);
        }
        let read = self.freshness.shown().schema;
        let found = due(&read, look.day.on, Limit::MAX, look.after).await?;
        look.whole = found.len() < usize::from(Limit::MAX.get());
        look.after = found.last().copied().or(look.after);
        let now = Instant::now();
        look.waiting.extend(found.into_iter().filter(|due| !resting.rests(due.loan, now)));
        Ok(true)
    }

    /// A ledger that gives no answer ends the round; a loan that cannot be closed does not hold up the others.
    fn conclude(&self, ended: Ended, look: &mut Look, resting: &mut Resting) -> Result<(), NoAnswer> {
        let loan = ended.due.loan;
        let code = match ended.answer {
            Ok(Answer { outcome: Ok(DaysClosed { days }), position, .. }) => {
                resting.done(loan);
                if days > 0 {
                    look.position = look.position.max(position);
                    look.closed += 1;
                    self.progress.closed(days);
                }
                return Ok(());
            }
            Ok(Answer { outcome: Err(rejection), .. }) => {
                warn!(%loan, code = rejection.code(), %rejection, "the days of a loan are refused");
                rejection.code()
            }
            Err(NoAnswer::Failed) => "FAILED",
            Err(away @ (NoAnswer::Overloaded | NoAnswer::OutcomeUnknown)) => return Err(away),
        };
        let attempts = resting.failed(loan, code);
        self.progress.failed();
        error!(%loan, code, attempts, "the days of a loan could not be closed; it is tried again later");
        Ok(())
    }
}

/// Days that a loan has to close, 1 at least.
fn days_to_close(due: Due, day: BusinessDay) -> u64 {
    u64::try_from((day.on - due.closed_through_on).num_days()).unwrap_or(0).max(1)
}

async fn close(ledger: Ledger, due: Due, days: u64) -> Ended {
    let asked = Instant::now();
    let call = Call { metadata: vec![("process", PROCESS.to_owned())], key: None };
    let answer = ledger.execute_in(Lane::Manager, CloseLoanDays { loan: due.loan }, call).await;
    Ended { due, days, asked, answer }
}
