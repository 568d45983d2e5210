//! Interest rates.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;
use crate::decimal::{Decimal, NotWhole};

/// Decimals of a percent that a rate may have.
const DECIMALS: u32 = 4;

/// A yearly interest rate in percent: 0 to 1000, at most four decimals.
///
/// Printed and stored as a decimal text with at least one decimal: `12.0`, `8.5`, `7.1234`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(u32);

impl Rate {
    pub const ZERO: Self = Self(0);
    /// 1000 % per year.
    pub const MAX: Self = Self(10_000_000);

    /// A rate from ten-thousandths of a percent: `120_000` is 12 %.
    ///
    /// # Errors
    /// The rate is above [`Rate::MAX`].
    pub fn percent_e4(e4: u32) -> Result<Self, Invalid> {
        if e4 > Self::MAX.0 { Err(out_of_range()) } else { Ok(Self(e4)) }
    }

    /// A rate known when the program is compiled; one out of range does not compile in a `const`.
    #[must_use]
    pub const fn from_e4_const(e4: u32) -> Self {
        assert!(e4 <= Self::MAX.0, "rate out of range");
        Self(e4)
    }

    /// Reads the text of a number exactly: `12`, `12.0` and `1.2e1` are one rate.
    ///
    /// # Errors
    /// No number, more than four decimals, below 0 or above 1000.
    pub fn parse(decimal_text: &str) -> Result<Self, Invalid> {
        let decimal = Decimal::parse(decimal_text).ok_or_else(|| Invalid::new("must be a number"))?;
        if decimal.is_negative() {
            return Err(out_of_range());
        }
        let e4 = decimal.in_steps(DECIMALS).map_err(|why| match why {
            NotWhole::TooFine => Invalid::new("must have at most 4 decimals"),
            NotWhole::TooLarge => out_of_range(),
        })?;
        Self::percent_e4(u32::try_from(e4).map_err(|_| out_of_range())?)
    }

    /// Ten-thousandths of a percent per year.
    #[must_use]
    pub fn get_e4(self) -> u32 {
        self.0
    }
}

fn out_of_range() -> Invalid {
    Invalid::new("must be between 0 and 1000")
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = 10_u32.pow(DECIMALS);
        let decimals = format!("{:04}", self.0 % step);
        let shown = decimals.trim_end_matches('0');
        write!(f, "{}.{}", self.0 / step, if shown.is_empty() { "0" } else { shown })
    }
}

impl TryFrom<String> for Rate {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_as_people_write_it() {
        for (text, printed, e4) in [
            ("0", "0.0", 0),
            ("12", "12.0", 120_000),
            ("12.0", "12.0", 120_000),
            ("8.50", "8.5", 85_000),
            ("7.1234", "7.1234", 71_234),
            ("0.0001", "0.0001", 1),
            ("10.05", "10.05", 100_500),
            ("1e3", "1000.0", 10_000_000),
            ("1000.0000", "1000.0", 10_000_000),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!((rate.to_string().as_str(), rate.get_e4()), (printed, e4));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, why) in [
            ("-0.1", "must be between 0 and 1000"),
            ("1000.0001", "must be between 0 and 1000"),
            ("1e300", "must be between 0 and 1000"),
            ("500000", "must be between 0 and 1000"),
            ("7.12345", "must have at most 4 decimals"),
            ("0.00001", "must have at most 4 decimals"),
            ("", "must be a number"),
            ("12%", "must be a number"),
            ("null", "must be a number"),
        ] {
            assert_eq!(Rate::parse(text).unwrap_err().as_str(), why, "{text}");
        }
        assert_eq!(Rate::percent_e4(10_000_000), Ok(Rate::MAX));
        assert_eq!(Rate::percent_e4(10_000_001), Err(out_of_range()));
    }

    #[test]
    fn stored_as_text_and_checked_on_the_way_back() {
        assert_eq!(serde_json::to_string(&Rate::from_e4_const(120_000)).unwrap(), "\"12.0\"");
        assert_eq!(serde_json::from_str::<Rate>("\"8.5\"").unwrap().get_e4(), 85_000);
        assert!(serde_json::from_str::<Rate>("\"1001\"").is_err());
        assert!(serde_json::from_str::<Rate>("12.0").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_printed_parses_back(e4 in 0..=Rate::MAX.get_e4()) {
            let rate = Rate::percent_e4(e4).unwrap();
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
        }

        #[test]
        fn order_is_that_of_the_numbers(a in 0..=Rate::MAX.get_e4(), b in 0..=Rate::MAX.get_e4()) {
            let (rate_a, rate_b) = (Rate::percent_e4(a).unwrap(), Rate::percent_e4(b).unwrap());
            prop_assert_eq!(rate_a.cmp(&rate_b), a.cmp(&b));
        }
    }
}
