//! Who a person is.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

use crate::text::{self, personal_text};
use crate::{Invalid, Personal};

/// A name as its owner writes it: 1 to 100 characters; one of two parts may have 100 in each.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(Box<str>);
personal_text!(PersonName, "person_name", Self::stored);

impl PersonName {
    /// # Errors
    /// Blank, too long, or with control or invisible characters.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        text::name(text, 1..=100).map(Self)
    }

    /// The whole name of who told its parts.
    #[must_use]
    pub fn joined(first: &Self, last: Option<&Self>) -> Self {
        match last {
            Some(last) => Self(format!("{} {}", first.0, last.0).into()),
            None => first.clone(),
        }
    }

    /// Parted at the first blank. Without one there is a first name alone.
    #[must_use]
    pub fn parted(&self) -> (Self, Option<Self>) {
        match self.0.split_once(' ') {
            Some((first, last)) => (Self(first.into()), Some(Self(last.trim_start().into()))),
            None => (self.clone(), None),
        }
    }

    /// Invisible characters were not always refused. A name of two parts is longer than one that is told whole.
    fn stored(text: &str) -> Result<Self, Invalid> {
        text::line(text, 1..=201).map(Self)
    }
}

/// The number of an Indonesian identity card: any 16 digits.
///
/// Its inner structure (place, date of birth) is judged by identity checks, never refused here: cards in use
/// break it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Nik(Box<str>);
personal_text!(Nik, "nik");

impl Nik {
    /// # Errors
    /// Not exactly 16 ASCII digits.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let digits = text.trim();
        if digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(digits.into()))
        } else {
            Err(Invalid::new("NIK must be exactly 16 digits"))
        }
    }
}

/// A date of birth, 1900 or later.
///
/// Whether it lies in the future is for the caller to ask ([`Birthdate::is_after`]): there is no clock here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Birthdate(NaiveDate);

impl Birthdate {
    /// # Errors
    /// Before 1900, or after the year 9999, which has no ISO form.
    pub fn new(date: NaiveDate) -> Result<Self, Invalid> {
        match date.year() {
            1900..=9999 => Ok(Self(date)),
            ..1900 => Err(Invalid::new("must not be before 1900-01-01")),
            10_000.. => Err(not_a_date()),
        }
    }

    /// Reads `2000-12-31`.
    ///
    /// # Errors
    /// Not in this form, no day of the calendar, or before 1900.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
            .ok()
            // The parser also takes `2000-1-5`.
            .filter(|date| date.to_string() == text.trim())
            .ok_or_else(not_a_date)?;
        Self::new(date)
    }

    #[must_use]
    pub fn get(self) -> NaiveDate {
        self.0
    }

    #[must_use]
    pub fn is_after(self, today: NaiveDate) -> bool {
        self.0 > today
    }
}

fn not_a_date() -> Invalid {
    Invalid::new("must be a date such as 2000-12-31")
}

impl FromStr for Birthdate {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl Personal for Birthdate {
    const FIELD: &'static str = "birthdate";
    fn reveal(&self) -> String {
        self.0.to_string()
    }
    fn restore(text: String) -> Option<Self> {
        Self::parse(&text).ok()
    }
}

impl fmt::Debug for Birthdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Birthdate(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(PersonName::new("  Tom  Araya ").unwrap().as_str(), "Tom  Araya");
        assert!(PersonName::new("X").is_ok());
        assert!(PersonName::new(&"é".repeat(100)).is_ok());
        assert_eq!(PersonName::new(&"é".repeat(101)).unwrap_err().as_str(), "must be at most 100 characters");
        assert_eq!(PersonName::new(" ").unwrap_err().as_str(), "must not be blank");
        assert!(PersonName::new("Tom\nAraya").is_err());
    }

    #[test]
    fn names_of_two_parts() {
        let name = |text: &str| PersonName::new(text).unwrap();
        for (whole, first, last) in [
            ("Guntur Saputro", "Guntur", Some("Saputro")),
            ("Maria Anna Schmidt", "Maria", Some("Anna Schmidt")),
            ("A  B", "A", Some("B")),
            ("Suharto", "Suharto", None),
        ] {
            assert_eq!(name(whole).parted(), (name(first), last.map(name)), "{whole}");
        }
        assert_eq!(PersonName::joined(&name("Tom"), Some(&name("Araya"))), name("Tom Araya"));
        assert_eq!(PersonName::joined(&name("Tom"), None), name("Tom"));
        let long = name(&"é".repeat(100));
        let longest = PersonName::joined(&long, Some(&long));
        assert_eq!(PersonName::restore(longest.reveal()), Some(longest));
    }

    #[test]
    fn niks() {
        assert_eq!(Nik::new(" 3201234567890001 ").unwrap().as_str(), "3201234567890001");
        assert!(Nik::new("0000000000000000").is_ok());
        for text in [
            "",
            "320123456789000",
            "32012345678900011",
            "320123456789000x",
            "3201 2345 6789 0001",
            "٣٢٠١٢٣٤٥",
        ] {
            assert_eq!(Nik::new(text).unwrap_err().as_str(), "NIK must be exactly 16 digits", "{text}");
        }
    }

    #[test]
    fn birthdates() {
        let date = Birthdate::parse("1990-02-28").unwrap();
        assert_eq!(date.get().to_string(), "1990-02-28");
        assert!(Birthdate::parse("1900-01-01").is_ok());
        assert!(Birthdate::parse("2000-02-29").is_ok());
        assert_eq!(Birthdate::parse("1899-12-31").unwrap_err().as_str(), "must not be before 1900-01-01");
        for text in
            ["", "1990-02-29", "1990-2-8", "28-02-1990", "1990-02-28T00:00:00", "+12000-01-01", "19900228"]
        {
            let why = Birthdate::parse(text).unwrap_err();
            assert_eq!(why.as_str(), "must be a date such as 2000-12-31", "{text}");
        }
    }

    #[test]
    fn the_future_begins_tomorrow() {
        let date = Birthdate::parse("2025-06-15").unwrap();
        assert!(!date.is_after(date.get()));
        assert!(date.is_after(date.get().pred_opt().unwrap()));
    }

    #[test]
    fn sealed_text_opens_to_the_same_value_and_debug_hides_it() {
        let date = Birthdate::parse("1990-02-28").unwrap();
        let name = PersonName::new("Tom Araya").unwrap();
        let nik = Nik::new("3201234567890001").unwrap();
        assert_eq!(Birthdate::restore(date.reveal()), Some(date));
        assert_eq!(Birthdate::restore("soon".into()), None);
        assert_eq!(PersonName::restore(name.reveal()), Some(name.clone()));
        assert_eq!(Nik::restore(nik.reveal()), Some(nik.clone()));
        assert_eq!(format!("{date:?} {name:?} {nik:?}"), "Birthdate(…) PersonName(…) Nik(…)");
    }
}
