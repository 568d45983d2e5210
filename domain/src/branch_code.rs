//! How a branch is named.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;
use crate::text;

/// The short code of a branch: 1 to 20 of `A–Z`, `0–9` and `-`; small letters are read as capitals.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BranchCode(Box<str>);

impl BranchCode {
    /// # Errors
    /// Blank, too long, or with any other character.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let code = text::line(text, 1..=20)?.to_ascii_uppercase();
        if code.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-')) {
            Ok(Self(code.into()))
        } else {
            Err(Invalid::new("must have only letters A-Z, digits and -"))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a branch is: 1 to 100 characters. No personal data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place(Box<str>);

impl Place {
    /// # Errors
    /// Blank, too long, or with control characters.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        text::line(text, 1..=100).map(Self)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! plain_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
plain_text!(BranchCode);
plain_text!(Place);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        assert_eq!(BranchCode::new(" jkt ").unwrap().as_str(), "JKT");
        assert_eq!(BranchCode::new("JKT-02").unwrap().to_string(), "JKT-02");
        assert!(BranchCode::new(&"A".repeat(20)).is_ok());
        for (text, why) in [
            ("", "must not be blank"),
            ("AAAAAAAAAAAAAAAAAAAAA", "must be at most 20 characters"),
            ("J KT", "must have only letters A-Z, digits and -"),
            ("JKT_2", "must have only letters A-Z, digits and -"),
            ("ıst", "must have only letters A-Z, digits and -"),
            ("straße", "must have only letters A-Z, digits and -"),
        ] {
            assert_eq!(BranchCode::new(text).unwrap_err().as_str(), why, "{text}");
        }
    }

    #[test]
    fn places() {
        assert_eq!(Place::new(" Jakarta Pusat ").unwrap().as_str(), "Jakarta Pusat");
        assert!(Place::new(&"é".repeat(100)).is_ok());
        assert!(Place::new(&"é".repeat(101)).is_err());
        assert!(Place::new(" ").is_err());
    }

    #[test]
    fn stored_as_text_and_checked_on_the_way_back() {
        let code = BranchCode::new("SBY").unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"SBY\"");
        assert_eq!(serde_json::from_str::<BranchCode>("\"SBY\"").unwrap(), code);
        assert!(serde_json::from_str::<BranchCode>("\"S B\"").is_err());
        assert!(serde_json::from_str::<Place>("\"\"").is_err());
    }
}
