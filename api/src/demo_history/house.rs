//! The staff of the demo data, and when they are in the office.

use std::collections::HashMap;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use lumbung_commands::Actor;
use lumbung_commands::session::{EndSession, OpenSession};
use lumbung_domain::{BranchId, SessionId, Stage};

use super::HistoryError;
use super::dice::Dice;
use super::scene::{Scene, Who};
use crate::demo::Made;

/// In the order of the list of cities.
pub(super) const BRANCHES: [BranchId; 3] = [BranchId(1), BranchId(2), BranchId(3)];

const MARKETING: [&str; 3] = ["marketing.jkt@loan.com", "marketing.sby@loan.com", "marketing.bdg@loan.com"];
const MANAGERS: [&str; 3] = ["bm.jkt@loan.com", "bm.sby@loan.com", "bm.bdg@loan.com"];
const BACKOFFICE: &str = "backoffice@loan.com";

/// Everybody at work, with a session.
pub(super) struct House {
    officers: HashMap<&'static str, Actor>,
}

impl House {
    /// Logs in whoever the history needs, by what they were made with.
    pub(super) async fn open(scene: &mut Scene, made: &[Made]) -> Result<Self, HistoryError> {
        let mut officers = HashMap::new();
        for account in made {
            let at_work = account.email == BACKOFFICE
                || MARKETING.contains(&account.email)
                || MANAGERS.contains(&account.email);
            if !at_work {
                continue;
            }
            let session = SessionId(scene.id());
            let opening = OpenSession {
                user: account.user,
                session,
                password: account.password.clone(),
                rehashed: None,
            };
            scene.ask(Who::Person(account.user), opening).await?;
            officers.insert(account.email, Actor { user: account.user, session });
        }
        Ok(Self { officers })
    }

    /// Who decides at a stage, for the branch at a place of the list.
    pub(super) fn officer(&self, stage: Stage, branch: usize) -> Result<Actor, HistoryError> {
        let email = match stage {
            Stage::Marketing => MARKETING[branch % MARKETING.len()],
            Stage::BranchManager => MANAGERS[branch % MANAGERS.len()],
            Stage::Backoffice => BACKOFFICE,
        };
        self.officers.get(email).copied().ok_or(HistoryError::NoOfficer(email))
    }

    /// Nobody holds a token of these sessions; they end with the history.
    pub(super) async fn close(self, scene: &mut Scene) -> Result<(), HistoryError> {
        let mut actors: Vec<Actor> = self.officers.into_values().collect();
        actors.sort_by_key(|actor| actor.user);
        for actor in actors {
            scene.ask(Who::Person(actor.user), EndSession { actor }).await?;
        }
        Ok(())
    }
}

/// The first day of work that is at least so many days later.
pub(super) fn workday_after(day: NaiveDate, days: i64) -> NaiveDate {
    let mut day = day.checked_add_days(Days::new(days.unsigned_abs())).unwrap_or(day);
    while is_weekend(day) {
        day = day.succ_opt().unwrap_or(NaiveDate::MAX);
    }
    day
}

pub(super) fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// A second of the day between two hours.
pub(super) fn between_hours(dice: &mut Dice, first: i64, last: i64) -> u32 {
    u32::try_from(dice.between(first * 3_600..=last * 3_600 - 1)).unwrap_or_default()
}
