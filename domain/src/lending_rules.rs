//! What law and supervision say of lending: caps on its cost, and how late is how bad. Data with a date from which it holds.
//!
//! The values that a ledger begins with are **examples**, after OJK's circular SEOJK 19/SEOJK.06/2023 (caps) and regulation
//! POJK 40/POJK.03/2019 (collectibility). The lender's counsel sets the real ones.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{Aggregate, Event, Instalment, Invalid, Plan, Rate, Rejection, Rupiah, UserId, text};

/// Stream id: [`LendingRules::STREAM`]. Versions are added and never changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LendingRules {
    /// In the order of their versions.
    editions: Vec<Edition>,
}

/// The rules from one day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// Counted from 1; 0 is the built-in example.
    pub version: u32,
    pub effective_on: NaiveDate,
    /// Where they come from.
    pub citation: String,
    pub caps: LegalCaps,
    pub collectibility: Collectibility,
}

/// What a loan may cost at most. Fixed in the loan when it is disbursed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalCaps {
    /// Interest and fees together, in percent of the principal per day of the loan.
    pub daily_cost_percent: Rate,
    /// Penalties, in percent of what is overdue per day.
    pub daily_penalty_percent: Rate,
    /// Interest, fees and penalties over the whole life, in percent of the principal.
    pub total_cost_percent: Rate,
}

/// Days past due at which a loan falls into the next grade. Grade 1 is current; the last one has no end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u32>", into = "Vec<u32>")]
pub struct Collectibility(Vec<u32>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LendingRulesCommand {
    /// Adds an edition. Refused with [`Rejection::LendingRulesFull`].
    Adopt {
        actor: Option<UserId>,
        effective_on: NaiveDate,
        citation: String,
        caps: LegalCaps,
        collectibility: Collectibility,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum LendingRulesEvent {
    /// An edition of the rules, which holds from its own date on.
    LendingRulesAdopted {
        edition: Edition,
        /// Nobody adopted those that a ledger begins with.
        actor: Option<UserId>,
    },
}

/// Which cap an agreement breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Cap {
    DailyCost,
    TotalCost,
}

impl Event for LendingRulesEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl LendingRules {
    pub const STREAM: &'static str = "lending";
    /// A list that is read whole for every decision stays short.
    const MOST: usize = 200;

    #[must_use]
    pub fn editions(&self) -> &[Edition] {
        &self.editions
    }

    /// What holds on a day: of those in effect the one that came into effect last, and of two of one day the later version.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Edition {
        let in_effect = self.editions.iter().filter(|edition| edition.effective_on <= day);
        let newest = in_effect.max_by_key(|edition| (edition.effective_on, edition.version));
        newest.cloned().unwrap_or_else(Edition::example)
    }
}

impl Edition {
    /// What holds where nothing was adopted; marked as the example that it is.
    #[must_use]
    pub fn example() -> Self {
        Self {
            version: 0,
            effective_on: NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default(),
            citation: "EXAMPLE, after SEOJK 19/SEOJK.06/2023 and POJK 40/POJK.03/2019; to be set by counsel"
                .to_owned(),
            caps: LegalCaps {
                daily_cost_percent: Rate::from_e4_const(3_000),
                daily_penalty_percent: Rate::from_e4_const(3_000),
                total_cost_percent: Rate::from_e4_const(1_000_000),
            },
            collectibility: Collectibility(vec![0, 90, 120, 180]),
        }
    }

    /// # Errors
    /// Blank, longer than 200 characters, or with control characters.
    pub fn read_citation(text: &str) -> Result<String, Invalid> {
        text::line(text, 1..=200).map(String::from)
    }
}

impl LegalCaps {
    /// The cap that a schedule would break before anybody is late; the stricter ones first.
    ///
    /// Daily cost: `(Σ interest + Σ fees) / (principal × days from disbursement to the last due day)`.
    #[must_use]
    pub fn broken_by(&self, plan: &Plan, instalments: &[Instalment]) -> Option<Cap> {
        let principal = i128::from(plan.principal_rupiah.get());
        let cost: i128 =
            instalments.iter().map(|row| i128::from(row.interest_rupiah.get() + row.fee_rupiah.get())).sum();
        let days = instalments.last().map_or(0, |last| (last.due_on - plan.begins_on).num_days());
        let within = |cap: Rate, base: i128| cost * WHOLE <= base * i128::from(cap.get_e4());
        if !within(self.daily_cost_percent, principal * i128::from(days)) {
            return Some(Cap::DailyCost);
        }
        (!within(self.total_cost_percent, principal)).then_some(Cap::TotalCost)
    }

    /// The most that a day's penalty may be on an overdue amount, in whole rupiah, rounded down.
    #[must_use]
    pub(crate) fn penalty_of_a_day(&self, overdue_rupiah: i64) -> i64 {
        share(self.daily_penalty_percent, overdue_rupiah)
    }

    /// The most that a loan may cost over its whole life, in whole rupiah, rounded down.
    #[must_use]
    pub(crate) fn total_cost(&self, principal: Rupiah) -> i64 {
        share(self.total_cost_percent, principal.get())
    }
}

/// A rate is ten-thousandths of a percent, so this many of its steps are one whole.
const WHOLE: i128 = 1_000_000;

/// So many percent of an amount, rounded down.
pub(crate) fn share(percent: Rate, amount_rupiah: i64) -> i64 {
    let share = i128::from(amount_rupiah) * i128::from(percent.get_e4()) / WHOLE;
    i64::try_from(share).unwrap_or(i64::MAX)
}

impl Collectibility {
    /// The most grades there may be.
    const MOST: usize = 9;

    /// `last_days`: the last day past due of every grade but the last one, e.g. 0, 90, 120, 180 for the five grades of
    /// *kolektibilitas*.
    ///
    /// # Errors
    /// Not one to nine, not growing, or a first one that is not 0.
    pub fn new(last_days: Vec<u32>) -> Result<Self, Invalid> {
        let growing = last_days.windows(2).all(|pair| pair[0] < pair[1]);
        if last_days.first() == Some(&0) && growing && last_days.len() <= Self::MOST {
            Ok(Self(last_days))
        } else {
            Err(Invalid::new("must be one to nine growing numbers of days, the first of them 0"))
        }
    }

    /// The grade of a loan, from 1.
    #[must_use]
    pub fn grade(&self, days_past_due: u32) -> u8 {
        let passed = self.0.iter().filter(|last| days_past_due > **last).count();
        u8::try_from(passed + 1).unwrap_or(u8::MAX)
    }

    #[must_use]
    pub fn last_days(&self) -> &[u32] {
        &self.0
    }
}

impl TryFrom<Vec<u32>> for Collectibility {
    type Error = Invalid;
    fn try_from(last_days: Vec<u32>) -> Result<Self, Invalid> {
        Self::new(last_days)
    }
}

impl From<Collectibility> for Vec<u32> {
    fn from(grades: Collectibility) -> Self {
        grades.0
    }
}

impl Cap {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Aggregate for LendingRules {
    tie_to_any!(LendingRules);
    type Command = LendingRulesCommand;
    type Event = LendingRulesEvent;

    fn decide(&self, command: LendingRulesCommand) -> Result<Vec<LendingRulesEvent>, Rejection> {
        let LendingRulesCommand::Adopt { actor, effective_on, citation, caps, collectibility } = command;
        if self.editions.len() >= Self::MOST {
            return Err(Rejection::LendingRulesFull);
        }
        let version = self.editions.last().map_or(1, |last| last.version + 1);
        let edition = Edition { version, effective_on, citation, caps, collectibility };
        Ok(vec![LendingRulesEvent::LendingRulesAdopted { edition, actor }])
    }

    fn evolve(&mut self, event: &LendingRulesEvent) {
        let LendingRulesEvent::LendingRulesAdopted { edition, .. } = event;
        self.editions.push(edition.clone());
    }
}
