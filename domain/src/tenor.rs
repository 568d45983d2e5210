//! How long a loan runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Whole months, 1 to 600.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Tenor(u16);

impl Tenor {
    const MAX_MONTHS: u16 = 600;

    /// # Errors
    /// Fewer than 1 or more than 600 months.
    pub fn new(months: i64) -> Result<Self, Invalid> {
        match u16::try_from(months) {
            Ok(months @ 1..=Self::MAX_MONTHS) => Ok(Self(months)),
            _ => Err(Invalid::new("must be between 1 and 600")),
        }
    }

    /// A tenor known when the program is compiled; one out of range does not compile in a `const`.
    #[must_use]
    pub const fn from_const(months: u16) -> Self {
        assert!(1 <= months && months <= Self::MAX_MONTHS, "tenor out of range");
        Self(months)
    }

    /// Months.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for Tenor {
    type Error = Invalid;
    fn try_from(months: i64) -> Result<Self, Invalid> {
        Self::new(months)
    }
}

impl From<Tenor> for i64 {
    fn from(tenor: Tenor) -> Self {
        tenor.0.into()
    }
}

impl fmt::Display for Tenor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        for months in [i64::MIN, -1, 0, 601, 65_537, i64::MAX] {
            assert_eq!(Tenor::new(months).unwrap_err().as_str(), "must be between 1 and 600", "{months}");
        }
        for months in [1, 12, 600] {
            assert_eq!(i64::from(Tenor::new(months).unwrap().get()), months);
        }
    }

    #[test]
    fn stored_as_a_plain_integer_and_checked_on_the_way_back() {
        assert_eq!(serde_json::to_string(&Tenor::from_const(12)).unwrap(), "12");
        assert_eq!(serde_json::from_str::<Tenor>("600").unwrap().to_string(), "600");
        assert!(serde_json::from_str::<Tenor>("0").is_err());
        assert!(serde_json::from_str::<Tenor>("601").is_err());
    }
}
