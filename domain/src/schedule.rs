//! What a loan costs and when it is due: the repayment schedule, in whole rupiah.
//!
//! All arithmetic is exact; amounts are rounded once each, half up. The remainder of all rounding is in the last instalment, so
//! the principal is repaid to the rupiah.

use chrono::{Datelike, Months, NaiveDate};
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};

use crate::{Rate, Rupiah, Tenor};

/// A rate is ten-thousandths of a percent, so this many of its steps are one whole.
const WHOLE: i128 = 1_000_000;

/// How a loan is paid back.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// Equal instalments; interest on what is still owed. `A = P / Σₖ Πⱼ₌₁..ₖ 1/(1 + rⱼ)`, which for equal periods is the
    /// annuity formula `P·r / (1 − (1 + r)⁻ⁿ)`.
    #[default]
    Annuity,
    /// Equal parts of the principal; interest on what was lent, however much is still owed.
    Flat,
}

/// How days become interest.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DayCount {
    /// 30/360: a month is a twelfth of a year. Within a month by 30E/360 (ISDA 2006 §4.16(g)).
    #[default]
    #[serde(rename = "THIRTY_360")]
    #[strum(serialize = "THIRTY_360")]
    Thirty360,
    /// Actual/365 (Fixed): every calendar day is 1/365 of a year, in leap years too (ISDA 2006 §4.16(d)).
    #[serde(rename = "ACTUAL_365")]
    #[strum(serialize = "ACTUAL_365")]
    Actual365,
}

/// What a schedule is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub principal_rupiah: Rupiah,
    pub interest_rate: Rate,
    pub tenor_months: Tenor,
    pub method: Method,
    pub day_count: DayCount,
    /// Owed with every instalment.
    pub instalment_fee_rupiah: Rupiah,
    /// The day of the disbursement. Instalments are due on its day of the month, clipped to the month's end.
    pub begins_on: NaiveDate,
}

/// What is due on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instalment {
    /// Counted from 1.
    pub number: u16,
    pub due_on: NaiveDate,
    pub principal_rupiah: Rupiah,
    pub interest_rupiah: Rupiah,
    pub fee_rupiah: Rupiah,
}

impl Plan {
    /// The schedule: one instalment a month. `None` if it leaves the calendar, or an instalment [`Rupiah::MAX`].
    ///
    /// Invariant: the principals sum to the loan's.
    #[must_use]
    pub fn instalments(&self) -> Option<Vec<Instalment>> {
        let periods = self.periods()?;
        let level = match self.method {
            Method::Annuity => self.level_payment(&periods),
            Method::Flat => half_up(self.principal(), periods.len() as i128),
        };
        let mut rows = Vec::with_capacity(periods.len());
        let flat_interest = self.flat_interest(&periods);
        let (mut owed, mut interest_so_far) = (self.principal(), 0);
        for (number, period) in (1..).zip(&periods) {
            let last = usize::from(number) == periods.len();
            let interest = match self.method {
                Method::Annuity => self.interest(owed, period.days),
                Method::Flat if last => flat_interest - interest_so_far,
                // Rounded up month by month it may be used up before the end.
                Method::Flat => {
                    self.interest(self.principal(), period.days).min(flat_interest - interest_so_far)
                }
            };
            let principal = match self.method {
                _ if last => owed,
                Method::Annuity => (level - interest).clamp(0, owed),
                Method::Flat => level.min(owed),
            };
            owed -= principal;
            interest_so_far += interest;
            rows.push(Instalment {
                number,
                due_on: period.due_on,
                principal_rupiah: rupiah(principal)?,
                interest_rupiah: rupiah(interest)?,
                fee_rupiah: self.instalment_fee_rupiah,
            });
        }
        Some(rows)
    }

    fn principal(&self) -> i128 {
        self.principal_rupiah.get().into()
    }

    /// Interest on an amount for so many days of this day count, rounded half up.
    fn interest(&self, amount: i128, days: i128) -> i128 {
        let rate = i128::from(self.interest_rate.get_e4());
        half_up(amount * rate * days, self.day_count.days_of_a_year() * WHOLE)
    }

    /// All of the interest of a flat loan, rounded once.
    fn flat_interest(&self, periods: &[Period]) -> i128 {
        self.interest(self.principal(), periods.iter().map(|period| period.days).sum())
    }

    /// The annuity that repays the principal over these periods, rounded half up.
    fn level_payment(&self, periods: &[Period]) -> i128 {
        let rate = i128::from(self.interest_rate.get_e4());
        let whole = self.day_count.days_of_a_year() * WHOLE;
        // growth = Π (1 + rⱼ) and annuities = Σₖ Πⱼ₊₁ (1 + rⱼ), both as numerators over wholeⁿ.
        let (mut growth, mut annuities) = (BigUint::from(1_u8), BigUint::ZERO);
        let mut wholes = BigUint::from(1_u8);
        for period in periods {
            let factor = BigUint::from((whole + rate * period.days).unsigned_abs());
            wholes *= whole.unsigned_abs();
            growth *= &factor;
            annuities = annuities * &factor + &wholes;
        }
        let numerator = growth * self.principal().unsigned_abs();
        let rounded = (numerator * 2_u8 + &annuities) / (annuities * 2_u8);
        // It is less than the principal and its interest of a month, which always fit.
        i128::try_from(rounded).unwrap_or(i128::MAX)
    }

    fn periods(&self) -> Option<Vec<Period>> {
        let mut begins_on = self.begins_on;
        let mut periods = Vec::with_capacity(self.tenor_months.get().into());
        for number in 1..=self.tenor_months.get() {
            let due_on = due_on(self.begins_on, number)?;
            let days = match self.day_count {
                DayCount::Thirty360 => 30,
                DayCount::Actual365 => (due_on - begins_on).num_days().into(),
            };
            periods.push(Period { due_on, days });
            begins_on = due_on;
        }
        Some(periods)
    }
}

impl Instalment {
    /// Principal, interest and fee, in whole rupiah.
    #[must_use]
    pub fn total_rupiah(&self) -> i64 {
        self.principal_rupiah.get() + self.interest_rupiah.get() + self.fee_rupiah.get()
    }

    /// The part of the interest that was earned by the end of `on`, in a period that began after `begins_on`. Grows with the
    /// days, rounded down, and is the whole from the due day on.
    #[must_use]
    pub(crate) fn earned_interest(&self, begins_on: NaiveDate, on: NaiveDate, day_count: DayCount) -> i64 {
        if on >= self.due_on {
            return self.interest_rupiah.get();
        }
        if on <= begins_on {
            return 0;
        }
        let (passed, all) = match day_count {
            DayCount::Thirty360 => (days_360(begins_on, on).clamp(0, 30), 30),
            DayCount::Actual365 => ((on - begins_on).num_days(), (self.due_on - begins_on).num_days()),
        };
        let earned = i128::from(self.interest_rupiah.get()) * i128::from(passed) / i128::from(all.max(1));
        i64::try_from(earned).unwrap_or(i64::MAX)
    }
}

impl Method {
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl DayCount {
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    fn days_of_a_year(self) -> i128 {
        match self {
            Self::Thirty360 => 360,
            Self::Actual365 => 365,
        }
    }
}

struct Period {
    due_on: NaiveDate,
    /// Of the day count.
    days: i128,
}

/// The same day of the month, so many months later; the last of the month if it is shorter.
fn due_on(begins_on: NaiveDate, months: u16) -> Option<NaiveDate> {
    begins_on.checked_add_months(Months::new(months.into()))
}

/// Days from one date to another if every month had 30 (30E/360).
fn days_360(from: NaiveDate, to: NaiveDate) -> i64 {
    let day = |date: NaiveDate| i64::from(date.day().min(30));
    let months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month());
    months * 30 + day(to) - day(from)
}

/// The quotient of two amounts that are not negative, rounded half up.
fn half_up(dividend: i128, divisor: i128) -> i128 {
    (2 * dividend + divisor) / (2 * divisor)
}

fn rupiah(amount: i128) -> Option<Rupiah> {
    Rupiah::new(i64::try_from(amount).ok()?).ok()
}
