//! Money.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;
use crate::decimal::{Decimal, NotWhole};

/// An amount of money in whole rupiah, 0 to 999,999,999,999,999.
///
/// There is no smaller unit and no sign: what direction an amount moves is told by the event that carries it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Rupiah(i64);

impl Rupiah {
    pub const ZERO: Self = Self(0);
    /// Exact in every JSON reader, whose integers end at 2⁵³.
    pub const MAX: Self = Self(999_999_999_999_999);

    /// # Errors
    /// The amount is below zero or above [`Rupiah::MAX`].
    pub fn new(rupiah: i64) -> Result<Self, Invalid> {
        if rupiah < 0 {
            return Err(Invalid::new("must not be negative"));
        }
        if rupiah > Self::MAX.0 {
            return Err(too_large());
        }
        Ok(Self(rupiah))
    }

    /// An amount that something costs or moves.
    ///
    /// # Errors
    /// The amount is zero, below, or above [`Rupiah::MAX`].
    pub fn positive(rupiah: i64) -> Result<Self, Invalid> {
        if rupiah <= 0 {
            return Err(not_positive());
        }
        Self::new(rupiah)
    }

    /// An amount known when the program is compiled; one out of range does not compile in a `const`.
    #[must_use]
    pub const fn from_const(rupiah: i64) -> Self {
        assert!(0 <= rupiah && rupiah <= Self::MAX.0, "rupiah out of range");
        Self(rupiah)
    }

    /// Reads the text of a JSON number exactly: `3000000`, `3000000.00` and `3e6` are one amount.
    ///
    /// # Errors
    /// No number, a fraction of a rupiah, zero, below, or above [`Rupiah::MAX`].
    pub fn parse_positive(decimal_text: &str) -> Result<Self, Invalid> {
        let decimal = Decimal::parse(decimal_text).ok_or_else(|| Invalid::new("must be a number"))?;
        if decimal.is_zero() || decimal.is_negative() {
            return Err(not_positive());
        }
        Self::positive(whole(&decimal)?)
    }

    /// As [`Rupiah::parse_positive`], of an amount that may be zero.
    ///
    /// # Errors
    /// No number, a fraction of a rupiah, below zero, or above [`Rupiah::MAX`].
    pub fn parse(decimal_text: &str) -> Result<Self, Invalid> {
        let decimal = Decimal::parse(decimal_text).ok_or_else(|| Invalid::new("must be a number"))?;
        if decimal.is_negative() {
            return Err(Invalid::new("must not be negative"));
        }
        Self::new(whole(&decimal)?)
    }

    /// The sum, unless it passes [`Rupiah::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0.checked_add(other.0)?).ok()
    }

    /// The difference, unless it is below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Self::new(self.0.checked_sub(other.0)?).ok()
    }

    /// Whole rupiah.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

fn whole(decimal: &Decimal) -> Result<i64, Invalid> {
    let rupiah = decimal.in_steps(0).map_err(|why| match why {
        NotWhole::TooFine => Invalid::new("must be a whole amount of rupiah"),
        NotWhole::TooLarge => too_large(),
    })?;
    i64::try_from(rupiah).map_err(|_| too_large())
}

fn not_positive() -> Invalid {
    Invalid::new("must be greater than 0")
}

fn too_large() -> Invalid {
    Invalid::new("must not be greater than 999999999999999")
}

impl TryFrom<i64> for Rupiah {
    type Error = Invalid;
    fn try_from(rupiah: i64) -> Result<Self, Invalid> {
        Self::new(rupiah)
    }
}

impl From<Rupiah> for i64 {
    fn from(amount: Rupiah) -> Self {
        amount.0
    }
}

impl fmt::Display for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrong(text: &str) -> String {
        Rupiah::parse_positive(text).unwrap_err().to_string()
    }

    #[test]
    fn bounds() {
        assert_eq!(Rupiah::new(-1).unwrap_err().as_str(), "must not be negative");
        assert_eq!(Rupiah::new(0), Ok(Rupiah::ZERO));
        assert_eq!(Rupiah::new(999_999_999_999_999), Ok(Rupiah::MAX));
        assert_eq!(Rupiah::new(1_000_000_000_000_000), Err(too_large()));
        assert_eq!(Rupiah::new(i64::MIN).unwrap_err().as_str(), "must not be negative");
        assert_eq!(Rupiah::positive(0), Err(not_positive()));
        assert_eq!(Rupiah::positive(-1), Err(not_positive()));
        assert_eq!(Rupiah::positive(1).map(Rupiah::get), Ok(1));
        assert_eq!(Rupiah::positive(i64::MAX), Err(too_large()));
    }

    #[test]
    fn parses_exactly() {
        for text in ["3000000", "3000000.00", "3e6", "0.03E8"] {
            assert_eq!(Rupiah::parse_positive(text).map(Rupiah::get), Ok(3_000_000), "{text}");
        }
        // One past 2^53: a float would drop the last digit.
        assert_eq!(wrong("9007199254740993"), "must not be greater than 999999999999999");
        assert_eq!(Rupiah::parse_positive("999999999999999"), Ok(Rupiah::MAX));
        assert_eq!(Rupiah::parse_positive("999999999999999.0"), Ok(Rupiah::MAX));
    }

    #[test]
    fn says_what_is_wrong() {
        for text in ["0.5", "1.01", "999999999999999.5", "1e-1"] {
            assert_eq!(wrong(text), "must be a whole amount of rupiah", "{text}");
        }
        for text in ["0", "-0", "0.00", "-1", "-0.5", "-1e400"] {
            assert_eq!(wrong(text), "must be greater than 0", "{text}");
        }
        for text in ["1000000000000000", "1e15", "1e400", "99999999999999999999999"] {
            assert_eq!(wrong(text), "must not be greater than 999999999999999", "{text}");
        }
        for text in ["", "true", "\"5\"", "NaN", "Infinity", "1 000"] {
            assert_eq!(wrong(text), "must be a number", "{text}");
        }
    }

    #[test]
    fn arithmetic_stays_inside() {
        let one = Rupiah::positive(1).unwrap();
        assert_eq!(Rupiah::MAX.checked_add(one), None);
        assert_eq!(Rupiah::MAX.checked_add(Rupiah::ZERO), Some(Rupiah::MAX));
        assert_eq!(Rupiah::ZERO.checked_sub(one), None);
        assert_eq!(one.checked_sub(one), Some(Rupiah::ZERO));
    }

    #[test]
    fn stored_as_a_plain_integer_and_checked_on_the_way_back() {
        assert_eq!(serde_json::to_string(&Rupiah::MAX).unwrap(), "999999999999999");
        assert_eq!(serde_json::from_str::<Rupiah>("5").unwrap().to_string(), "5");
        for text in ["-1", "1000000000000000", "1.5", "\"1\""] {
            assert!(serde_json::from_str::<Rupiah>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_printed_parses_back(rupiah in 1..=Rupiah::MAX.get(), zeros in 0..4_usize) {
            let amount = Rupiah::positive(rupiah).unwrap();
            prop_assert_eq!(Rupiah::parse_positive(&amount.to_string()), Ok(amount));
            let decimals = format!("{amount}.{}", "0".repeat(zeros + 1));
            prop_assert_eq!(Rupiah::parse_positive(&decimals), Ok(amount));
            let json = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Rupiah>(&json).unwrap(), amount);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,24}") {
            if let Ok(amount) = Rupiah::parse_positive(&text) {
                prop_assert!(amount > Rupiah::ZERO && amount <= Rupiah::MAX);
                let float: f64 = text.parse().unwrap();
                prop_assert!((float - amount.get() as f64).abs() < 1.0);
            }
        }

        #[test]
        fn adding_and_taking_away_cancel(a in 0..=Rupiah::MAX.get(), b in 0..=Rupiah::MAX.get()) {
            let (a, b) = (Rupiah::new(a).unwrap(), Rupiah::new(b).unwrap());
            match a.checked_add(b) {
                Some(sum) => prop_assert_eq!(sum.checked_sub(b), Some(a)),
                None => prop_assert!(a.get() + b.get() > Rupiah::MAX.get()),
            }
        }
    }
}
