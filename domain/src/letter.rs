//! What a message says.

use crate::{Email, Invalid, Personal};

/// A message to one address, ready to be sent. It may hold a secret, so it is stored only sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    to: Email,
    subject: Box<str>,
    text: String,
}

impl Letter {
    /// # Errors
    /// A subject of more than one line: the rest of it would be read as other headers.
    pub fn new(to: Email, subject: &str, text: String) -> Result<Self, Invalid> {
        if subject.chars().any(char::is_control) {
            return Err(Invalid::new("must not contain control characters"));
        }
        Ok(Self { to, subject: subject.into(), text })
    }

    #[must_use]
    pub fn to(&self) -> &Email {
        &self.to
    }

    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// As a message file: the address, the subject, the text, each from a line of its own.
impl Personal for Letter {
    const FIELD: &'static str = "letter";

    fn reveal(&self) -> String {
        format!("{}\n{}\n{}", self.to.as_str(), self.subject, self.text)
    }

    fn restore(text: String) -> Option<Self> {
        let (to, rest) = text.split_once('\n')?;
        let (subject, text) = rest.split_once('\n')?;
        Self::new(Email::new(to).ok()?, subject, text.to_owned()).ok()
    }
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_restored_as_it_was() {
        let to = Email::new("john@example.com").unwrap();
        let letter = Letter::new(to.clone(), "Reset your password", "Hello\n\nbye\n".to_owned()).unwrap();
        assert_eq!(Letter::restore(letter.reveal()), Some(letter.clone()));
        assert_eq!(format!("{letter:?}"), "Letter(…)");
        assert!(Letter::new(to, "Hi\r\nBcc: all@example.com", String::new()).is_err());
        for text in ["", "john@example.com", "john@example.com\nHi", "nobody\nHi\ntext"] {
            assert_eq!(Letter::restore(text.to_owned()), None, "{text:?}");
        }
    }
}
