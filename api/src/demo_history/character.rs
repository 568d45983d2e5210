//! What a customer is like: drawn once, and the reason for everything they do.
//!
//! The first dozen are cast, so that a small history has one of every kind and somebody waiting at every stage; after them the dice
//! say.

use chrono::{Days, NaiveDate};
use lumbung_domain::Stage;

use super::dice::Dice;

pub(super) struct Character {
    pub(super) joins_on: NaiveDate,
    /// The place of the nearest branch in the list.
    pub(super) branch: usize,
    pub(super) manner: Manner,
    pub(super) income_rupiah: i64,
    /// Day of the month on which they top their wallet up.
    pub(super) payday: u32,
    /// Came lately: the application waits at this stage when the history ends.
    pub(super) waits_for: Option<Stage>,
    /// One of the first dozen.
    pub(super) cast: bool,
}

/// How somebody pays what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Punctual,
    /// Before it is due, and all of it before its time.
    Early,
    /// Some days late, now and then some weeks.
    Slow,
    /// First a part.
    Partly,
    /// So many instalments, and then never again.
    Stops {
        after: u16,
    },
    /// Has a wallet and borrows nothing.
    NoLoans,
}

/// When a part of what is due is paid, in days after the due day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) after_days: i64,
    pub(super) percent: i64,
}

/// Whose loan is past due when the history ends, and how many days before that they come: too few for a write-off.
const LATE_PAYER: usize = 6;
const LATE_PAYER_DAYS: i64 = 150;
/// How many days before the end those come who still wait then: enough for two stages and two weekends.
const LATELY_DAYS: u64 = 11;

impl Character {
    pub(super) fn draw(dice: &mut Dice, n: usize, begins_on: NaiveDate, ends_on: NaiveDate) -> Self {
        let days = (ends_on - begins_on).num_days().max(1);
        let cast = n < 12;
        let waits_for = match n {
            3 => Some(Stage::Marketing),
            7 => Some(Stage::BranchManager),
            11 => Some(Stage::Backoffice),
            _ => None,
        };
        let joins_after = match n {
            LATE_PAYER => (days - LATE_PAYER_DAYS).max(0),
            _ if cast => dice.between(0..=days.min(6)),
            _ => dice.between(0..=days * 9 / 10),
        };
        let drawn = Self::manner(dice);
        Self {
            joins_on: match waits_for {
                Some(_) => ends_on.checked_sub_days(Days::new(LATELY_DAYS)).unwrap_or(ends_on).max(begins_on),
                None => begins_on.checked_add_days(Days::new(joins_after.unsigned_abs())).unwrap_or(ends_on),
            },
            branch: n % 3,
            manner: match n {
                0 | 9 => Manner::Slow,
                1 | 3 | 7 | 8 | 11 => Manner::Punctual,
                2 => Manner::Stops { after: 0 },
                4 => Manner::Early,
                5 => Manner::Partly,
                LATE_PAYER => Manner::Stops { after: 1 },
                10 => Manner::NoLoans,
                _ => drawn,
            },
            income_rupiah: dice.rupiah(2_500_000..=12_000_000, 100_000)
                + if dice.chance(60) { 9_000_000 } else { 0 },
            payday: u32::try_from(dice.between(1..=28)).unwrap_or(25),
            waits_for,
            cast,
        }
    }

    fn manner(dice: &mut Dice) -> Manner {
        match dice.below(100) {
            0..45 => Manner::Punctual,
            45..53 => Manner::Early,
            53..72 => Manner::Slow,
            72..80 => Manner::Partly,
            80..86 => Manner::Stops { after: u16::try_from(dice.below(5)).unwrap_or_default() },
            _ => Manner::NoLoans,
        }
    }

    /// When they pay an instalment; empty if they never do. With their own dice for that instalment.
    pub(super) fn attempts(&self, instalment: u16, dice: &mut Dice) -> Vec<Attempt> {
        let all = |after_days| vec![Attempt { after_days, percent: 100 }];
        match self.manner {
            Manner::NoLoans => Vec::new(),
            Manner::Punctual if dice.chance(50) => all(dice.between(1..=3)),
            Manner::Punctual => all(dice.between(-2..=0)),
            Manner::Early => all(dice.between(-9..=-1)),
            Manner::Slow if dice.chance(100) => all(dice.between(20..=45)),
            Manner::Slow => all(dice.between(1..=14)),
            Manner::Partly => vec![
                Attempt { after_days: dice.between(0..=6), percent: dice.between(40..=70) },
                Attempt { after_days: dice.between(10..=40), percent: 100 },
            ],
            Manner::Stops { after } if instalment > after => Vec::new(),
            Manner::Stops { .. } => all(dice.between(0..=9)),
        }
    }
}
