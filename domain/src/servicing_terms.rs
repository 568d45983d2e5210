//! How a loan is serviced: what a product says beside amount, tenor and rate.

use serde::{Deserialize, Serialize};

use crate::{DayCount, Invalid, Method, Rate, Rupiah};

/// What a rupiah of a repayment may be for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Component {
    Penalty,
    Fee,
    Interest,
    Principal,
}

/// In which order a repayment goes to the parts of one instalment: every component once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Component>", into = "Vec<Component>")]
pub struct Allocation([Component; 4]);

/// Part of the product's terms, and fixed with them in every plafond and loan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicingTerms {
    pub method: Method,
    pub day_count: DayCount,
    /// Days after the due day that cost no penalty.
    pub grace_days: u16,
    /// Percent of the overdue principal and interest of an instalment, for every day after the grace days.
    pub late_penalty_percent_per_day: Rate,
    /// Owed with every instalment.
    pub instalment_fee_rupiah: Rupiah,
    pub allocation: Allocation,
}

/// Which of the terms are to be others; `None` keeps what is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServicingChange {
    pub method: Option<Method>,
    pub day_count: Option<DayCount>,
    pub grace_days: Option<u16>,
    pub late_penalty_percent_per_day: Option<Rate>,
    pub instalment_fee_rupiah: Option<Rupiah>,
    pub allocation: Option<Allocation>,
}

impl Component {
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Allocation {
    /// Penalty, fee, interest, principal.
    pub const STANDARD: Self =
        Self([Component::Penalty, Component::Fee, Component::Interest, Component::Principal]);

    /// # Errors
    /// Not every component once.
    pub fn new(order: &[Component]) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("must name PENALTY, FEE, INTEREST and PRINCIPAL once each");
        let order: [Component; 4] = order.try_into().map_err(|_| wrong())?;
        let complete = Component::ALL.iter().all(|component| order.contains(component));
        if complete { Ok(Self(order)) } else { Err(wrong()) }
    }

    #[must_use]
    pub fn order(&self) -> &[Component; 4] {
        &self.0
    }
}

impl ServicingTerms {
    /// The most days of grace.
    pub const MAX_GRACE_DAYS: u16 = 90;
    /// An annuity by whole months, with nothing charged for being late: what was agreed where nothing else was said.
    pub const PLAIN: Self = Self {
        method: Method::Annuity,
        day_count: DayCount::Thirty360,
        grace_days: 0,
        late_penalty_percent_per_day: Rate::ZERO,
        instalment_fee_rupiah: Rupiah::ZERO,
        allocation: Allocation::STANDARD,
    };
    /// What new products begin with: three days of grace, then 0.1 % of what is overdue a day.
    pub const STANDARD: Self =
        Self { grace_days: 3, late_penalty_percent_per_day: Rate::from_e4_const(1_000), ..Self::PLAIN };

    /// The terms after a change.
    #[must_use]
    pub fn with(self, change: &ServicingChange) -> Self {
        Self {
            method: change.method.unwrap_or(self.method),
            day_count: change.day_count.unwrap_or(self.day_count),
            grace_days: change.grace_days.unwrap_or(self.grace_days),
            late_penalty_percent_per_day: change
                .late_penalty_percent_per_day
                .unwrap_or(self.late_penalty_percent_per_day),
            instalment_fee_rupiah: change.instalment_fee_rupiah.unwrap_or(self.instalment_fee_rupiah),
            allocation: change.allocation.unwrap_or(self.allocation),
        }
    }

    /// # Errors
    /// More than [`ServicingTerms::MAX_GRACE_DAYS`].
    pub fn check_grace_days(days: i64) -> Result<u16, Invalid> {
        u16::try_from(days)
            .ok()
            .filter(|days| *days <= Self::MAX_GRACE_DAYS)
            .ok_or_else(|| Invalid::new("must be between 0 and 90"))
    }
}

impl Default for ServicingTerms {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl TryFrom<Vec<Component>> for Allocation {
    type Error = Invalid;
    fn try_from(order: Vec<Component>) -> Result<Self, Invalid> {
        Self::new(&order)
    }
}

impl From<Allocation> for Vec<Component> {
    fn from(order: Allocation) -> Self {
        order.0.into()
    }
}
