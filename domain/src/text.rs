//! Texts that people type.
//!
//! One rule for all: trimmed; no control characters, U+0000 among them, except that notes may have newlines;
//! lengths count characters, not bytes. Characters that nobody sees are refused in names, where they would make two
//! people look alike, and taken out of every other text, where they come along with what is pasted.

use std::ops::RangeInclusive;

use crate::Invalid;

/// Characters without a shape of their own: `Default_Ignorable_Code_Point` of Unicode 16.0
/// (`DerivedCoreProperties.txt`) without the variation selectors, which belong to the letter before them; the
/// interlinear marks of category Cf; and the blank Braille pattern.
const INVISIBLE: [RangeInclusive<char>; 17] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e007f}',
];

/// Join letters into words and emoji in running text.
const JOINERS: RangeInclusive<char> = '\u{200c}'..='\u{200d}';

/// Break lines without being control characters.
const SEPARATORS: RangeInclusive<char> = '\u{2028}'..='\u{2029}';

/// Trims a name and holds it to the rule.
pub(crate) fn name(text: &str, size: RangeInclusive<usize>) -> Result<Box<str>, Invalid> {
    if text.chars().any(|letter| is_invisible(letter) || SEPARATORS.contains(&letter)) {
        return Err(Invalid::new("must not contain invisible characters"));
    }
    checked(text.trim(), size, |_| false)
}

/// Trims a text of one line and holds it to the rule.
pub(crate) fn line(text: &str, size: RangeInclusive<usize>) -> Result<Box<str>, Invalid> {
    checked(visible(text).trim(), size, |_| false)
}

/// Like [`line`], with newlines allowed. `\r\n`, as browsers send it, is read as a newline.
pub(crate) fn lines(text: &str, size: RangeInclusive<usize>) -> Result<Box<str>, Invalid> {
    checked(visible(text).trim().replace("\r\n", "\n").as_str(), size, |letter| letter == '\n')
}

fn is_invisible(letter: char) -> bool {
    !letter.is_ascii() && INVISIBLE.iter().any(|range| range.contains(&letter))
}

/// The text without invisible characters. Joiners stay where they have something to join; a separator is a newline.
fn visible(text: &str) -> String {
    let shows = text.chars().any(|letter| !letter.is_whitespace() && !is_invisible(letter));
    text.chars()
        .filter(|letter| !is_invisible(*letter) || (shows && JOINERS.contains(letter)))
        .map(|letter| if SEPARATORS.contains(&letter) { '\n' } else { letter })
        .collect()
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
        return Err(wrong_size(&size));
    }
    Ok(text.into())
}

/// Whether a text is blank was asked before, so of 1 to 500 characters only the 500 can be missed.
fn wrong_size(size: &RangeInclusive<usize>) -> Invalid {
    if *size.start() <= 1 {
        Invalid::new(format!("must be at most {} characters", size.end()))
    } else {
        size_between(size)
    }
}

pub(crate) fn size_between(size: &RangeInclusive<usize>) -> Invalid {
    Invalid::new(format!("size must be between {} and {}", size.start(), size.end()))
}

/// What every personal text has besides its own `new(&str) -> Result<Self, Invalid>`: it is stored only sealed,
/// and its `Debug` names the type alone, so no log shows a person. It has no serde and no `Display` on purpose.
///
/// A rule of such a type may later be widened, never narrowed: a sealed value must open for ever. Where `new` became
/// stricter, `$restore` still takes what it took before.
macro_rules! personal_text {
    ($name:ident, $field:literal) => {
        personal_text!($name, $field, Self::new);
    };
    ($name:ident, $field:literal, $restore:expr) => {
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
                $restore(&text).ok()
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
        assert_eq!(line("abcde", 1..=4).unwrap_err().as_str(), "must be at most 4 characters");
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
    fn invisible_characters_are_refused_in_names() {
        for text in [
            "\u{200b}",
            "Bu\u{200b}di",
            "\u{feff}Budi",
            "Budi\u{202e}",
            "\u{2066}Budi\u{2069}",
            "Bu\u{2028}di",
            "Budi\u{2029}",
            "\u{ad}",
            "Bu\u{200d}di",
            "\u{3164}",
            "\u{2800}",
            "\u{e0041}",
        ] {
            assert_eq!(
                name(text, 1..=9).unwrap_err().as_str(),
                "must not contain invisible characters",
                "{text:?}"
            );
        }
        for text in ["Budi", "Ayu Ní Luh", "葛\u{e0100}城", "شهرزاد", "O'Brien-Łuć"] {
            assert_eq!(name(text, 1..=15).as_deref(), Ok(text));
        }
    }

    #[test]
    fn invisible_characters_are_taken_out_of_other_texts() {
        assert_eq!(
            line("\u{feff} Jl. Me\u{ad}rdeka\u{200b} 1\u{202e} ", 1..=20).as_deref(),
            Ok("Jl. Merdeka 1")
        );
        assert_eq!(line("👩\u{200d}🌾", 1..=9).as_deref(), Ok("👩\u{200d}🌾"));
        assert_eq!(lines("a\u{2028}b\u{2029}c", 1..=9).as_deref(), Ok("a\nb\nc"));
        assert!(line("a\u{2028}b", 1..=9).is_err());
        for text in ["\u{200b}", " \u{200d}\u{2060} ", "\u{2029}"] {
            assert_eq!(lines(text, 1..=9).unwrap_err().as_str(), "must not be blank", "{text:?}");
        }
        // What is taken in once is taken in again unchanged.
        let note = Note::new("\u{feff}one\u{2028}\u{200b}two").unwrap();
        assert_eq!(Note::restore(note.reveal()), Some(note));
    }

    #[test]
    fn the_ranges_are_in_order() {
        assert!(INVISIBLE.windows(2).all(|pair| pair[0].end() < pair[1].start()));
    }

    #[test]
    fn notes_are_never_blank_and_remarks_may_be() {
        assert_eq!(Note::new("  ").unwrap_err().as_str(), "must not be blank");
        assert_eq!(Note::new(" Documents\ncomplete ").unwrap().as_str(), "Documents\ncomplete");
        assert!(Note::new(&"x".repeat(500)).is_ok());
        assert_eq!(Note::new(&"x".repeat(501)).unwrap_err().as_str(), "must be at most 500 characters");
        assert_eq!(Remarks::new("").unwrap().as_str(), "");
        assert!(Remarks::new(&"é".repeat(500)).is_ok());
        assert_eq!(Remarks::new(&"é".repeat(501)).unwrap_err().as_str(), "must be at most 500 characters");
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
