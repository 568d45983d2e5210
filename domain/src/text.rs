//! Texts that people type.
//!
//! One rule for all: trimmed; no control characters, U+0000 among them, except that notes may have newlines;
//! lengths count characters, not bytes.

use std::ops::RangeInclusive;

use crate::Invalid;

/// Trims a text of one line and holds it to the rule.
pub(crate) fn line(text: &str, size: RangeInclusive<usize>) -> Result<Box<str>, Invalid> {
    checked(text.trim(), size, |_| false)
}

/// Like [`line`], with newlines allowed. `\r\n`, as browsers send it, is read as a newline.
pub(crate) fn lines(text: &str, size: RangeInclusive<usize>) -> Result<Box<str>, Invalid> {
    checked(text.trim().replace("\r\n", "\n").as_str(), size, |letter| letter == '\n')
}

fn checked(
    text: &str,
    size: RangeInclusive<usize>,
    allowed_control: impl Fn(char) -> bool,
) -> Result<Box<str>, Invalid> {
    if text.is_empty() && !size.contains(&0) {
        return Err(Invalid::new("must not be blank"));
    }
    if text.chars().any(|letter| letter.is_control() && !allowed_control(letter)) {
        return Err(Invalid::new("must not contain control characters"));
    }
    if !size.contains(&text.chars().count()) {
        return Err(size_between(&size));
    }
    Ok(text.into())
}

pub(crate) fn size_between(size: &RangeInclusive<usize>) -> Invalid {
    Invalid::new(format!("size must be between {} and {}", size.start(), size.end()))
}

/// What every personal text has besides its own `new(&str) -> Result<Self, Invalid>`: it is stored only sealed,
/// and its `Debug` names the type alone, so no log shows a person. It has no serde and no `Display` on purpose.
///
/// A rule of such a type may later be widened, never narrowed: a sealed value must open for ever.
macro_rules! personal_text {
    ($name:ident, $field:literal) => {
        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Invalid;
            fn from_str(text: &str) -> Result<Self, $crate::Invalid> {
                Self::new(text)
            }
        }

        impl $crate::Personal for $name {
            const FIELD: &'static str = $field;
            fn reveal(&self) -> String {
                self.0.as_ref().to_owned()
            }
            fn restore(text: String) -> Option<Self> {
                Self::new(&text).ok()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}
pub(crate) use personal_text;

/// Why an officer decided: 1 to 500 characters, newlines allowed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Note(Box<str>);
personal_text!(Note, "note");

impl Note {
    /// # Errors
    /// Blank, too long, or with control characters other than newlines.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        lines(text, 1..=500).map(Self)
    }
}

/// What a payer writes on a payment: at most 500 characters, may be empty.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Remarks(Box<str>);
personal_text!(Remarks, "remarks");

impl Remarks {
    /// # Errors
    /// Too long, or with control characters.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        line(text, 0..=500).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Personal;

    #[test]
    fn trims_and_counts_characters() {
        assert_eq!(line("  Budi \n", 1..=4).as_deref(), Ok("Budi"));
        assert_eq!(line("é界🙂a", 1..=4).as_deref(), Ok("é界🙂a"));
        assert_eq!(line("abcde", 1..=4).unwrap_err().as_str(), "size must be between 1 and 4");
        assert_eq!(line(" \t\n ", 1..=4).unwrap_err().as_str(), "must not be blank");
        assert_eq!(line("", 0..=4).as_deref(), Ok(""));
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["a\0b", "a\u{7}b", "a\tb", "a\u{7f}b", "a\u{85}b", "a\u{1b}[2Jb", "a\nb"] {
            assert_eq!(line(text, 1..=9).unwrap_err().as_str(), "must not contain control characters");
        }
        assert_eq!(lines("a\nb\r\nc", 1..=9).as_deref(), Ok("a\nb\nc"));
        assert!(lines("a\rb", 1..=9).is_err());
        assert!(lines("a\0b", 1..=9).is_err());
    }

    #[test]
    fn notes_are_never_blank_and_remarks_may_be() {
        assert_eq!(Note::new("  ").unwrap_err().as_str(), "must not be blank");
        assert_eq!(Note::new(" Documents\ncomplete ").unwrap().as_str(), "Documents\ncomplete");
        assert!(Note::new(&"x".repeat(500)).is_ok());
        assert_eq!(Note::new(&"x".repeat(501)).unwrap_err().as_str(), "size must be between 1 and 500");
        assert_eq!(Remarks::new("").unwrap().as_str(), "");
        assert!(Remarks::new(&"é".repeat(500)).is_ok());
        assert_eq!(Remarks::new(&"é".repeat(501)).unwrap_err().as_str(), "size must be between 0 and 500");
        assert!(Remarks::new("two\nlines").is_err());
    }

    #[test]
    fn sealed_text_opens_to_the_same_value_and_debug_hides_it() {
        let note = Note::new("Salary slip\nmissing").unwrap();
        assert_eq!(Note::restore(note.reveal()).as_ref(), Some(&note));
        assert_eq!(Note::restore("  ".into()), None);
        assert_eq!(format!("{note:?}"), "Note(…)");
    }
}
