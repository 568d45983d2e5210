//! How a person is reached.

use std::borrow::Cow;

use crate::Invalid;
use crate::text::{self, personal_text};

/// A postal address on one line: 1 to 500 characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Box<str>);
personal_text!(Address, "address");

impl Address {
    /// # Errors
    /// Blank, too long, or with control characters.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        text::line(text, 1..=500).map(Self)
    }
}

/// An e-mail address, kept as typed; at most 254 characters (RFC 5321 with erratum 1690).
///
/// ASCII only, without quoted local parts, and the domain has a dot: what mail providers hand out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(Box<str>);
personal_text!(Email, "email");

impl Email {
    /// # Errors
    /// Not a valid address.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let address = text.trim();
        let valid = address.len() <= 254
            && address
                .rsplit_once('@')
                .is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
        if valid { Ok(Self(address.into())) } else { Err(Invalid::new("must be a valid email")) }
    }

    /// What makes two logins the same: the address in small letters.
    #[must_use]
    pub fn login_key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// RFC 5322 `dot-atom`, at most 64 characters.
fn is_local_part(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    local.len() <= 64 && local.split('.').all(is_atom)
}

/// RFC 1123 labels, two or more; the last is no number, else it would be an IP address.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.split('.').all(is_label)
        && domain.rsplit_once('.').is_some_and(|(_, top)| !top.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A telephone number, kept in E.164: `0812…`, `62812…` and `+62812…` are one number.
///
/// A number without country code is Indonesian. Spaces and dashes are left out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(Box<str>);
personal_text!(Phone, "phone");

impl Phone {
    /// # Errors
    /// Not a valid number.
    pub fn new(text: &str) -> Result<Self, Invalid> {
        let compact: String = text.trim().chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
        let digits = match (compact.strip_prefix('+'), compact.strip_prefix('0')) {
            (Some(digits), _) => digits.to_owned(),
            (None, Some(national)) => format!("62{national}"),
            (None, None) if compact.starts_with("62") => compact,
            (None, None) => return Err(not_a_phone()),
        };
        if is_dialable(&digits) { Ok(Self(format!("+{digits}").into())) } else { Err(not_a_phone()) }
    }

    /// A number to log in by: an Indonesian mobile, `08` and 8 to 11 digits more, in any spelling.
    ///
    /// # Errors
    /// Anything else.
    pub fn mobile(text: &str) -> Result<Self, Invalid> {
        Self::new(text)
            .ok()
            .filter(Self::is_indonesian_mobile)
            .ok_or_else(|| Invalid::new("must be 08 and 8 to 11 more digits"))
    }

    /// `+62812…`.
    #[must_use]
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// As written inside Indonesia, `0812…`; a foreign number stays in E.164.
    #[must_use]
    pub fn national(&self) -> Cow<'_, str> {
        match self.0.strip_prefix("+62") {
            Some(national) => Cow::Owned(format!("0{national}")),
            None => Cow::Borrowed(&self.0),
        }
    }

    /// `08` and 8 to 11 digits more: what the wallet takes as a login.
    #[must_use]
    pub fn is_indonesian_mobile(&self) -> bool {
        self.0.strip_prefix("+628").is_some_and(|rest| (8..=11).contains(&rest.len()))
    }
}

/// Country code and number: at most 15 digits (ITU-T E.164). Indonesian numbers have 7 to 12 after the 62, the
/// first no zero: `+62 0812…` is a slip that would reach nobody.
fn is_dialable(digits: &str) -> bool {
    let sized = match digits.strip_prefix("62") {
        Some(national) => (7..=12).contains(&national.len()) && !national.starts_with('0'),
        None => (7..=15).contains(&digits.len()) && !digits.starts_with('0'),
    };
    sized && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_a_phone() -> Invalid {
    Invalid::new("must be a valid phone number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Personal;

    #[test]
    fn emails() {
        for text in ["john@example.com", "a.b+tag@mail.co.id", "o'neil@x-y.org", "A@b.c1", "1@2.id"] {
            assert_eq!(Email::new(text).unwrap().as_str(), text);
        }
        assert_eq!(Email::new("  John@Example.COM ").unwrap().as_str(), "John@Example.COM");
        assert_eq!(Email::new("John@Example.COM").unwrap().login_key(), "john@example.com");
        for text in [
            "",
            "invalid-email",
            "@example.com",
            "john@",
            "john@localhost",
            "john@@example.com",
            "jo hn@example.com",
            ".john@example.com",
            "john.@example.com",
            "jo..hn@example.com",
            "john@example..com",
            "john@-a.com",
            "john@a-.com",
            "john@example.com.",
            "john@127.0.0.1",
            "\"john\"@example.com",
            "john@exämple.com",
            "jöhn@example.com",
            "john@example.com\nBcc: x@y.z",
            "john@exam_ple.com",
            "John <john@example.com>",
        ] {
            assert_eq!(Email::new(text).unwrap_err().as_str(), "must be a valid email", "{text}");
        }
    }

    #[test]
    fn sizes_of_emails() {
        let domain = format!("{0}.{0}.{0}", "d".repeat(61));
        assert!(Email::new(&format!("{}@{domain}.id", "l".repeat(64))).is_ok());
        assert!(Email::new(&format!("{}@{domain}.id", "l".repeat(65))).is_err());
        let longest = format!("{}@{domain}.ids", "l".repeat(64));
        assert_eq!(longest.len(), 254);
        assert!(Email::new(&longest).is_ok());
        assert!(Email::new(&format!("{longest}x")).is_err());
        assert!(Email::new(&format!("a@{}.id", "d".repeat(63))).is_ok());
        assert!(Email::new(&format!("a@{}.id", "d".repeat(64))).is_err());
    }

    #[test]
    fn one_number_however_it_is_written() {
        for text in
            ["081234567890", "6281234567890", "+6281234567890", " +62 812-3456-7890 ", "0812-3456-7890"]
        {
            let phone = Phone::new(text).unwrap();
            assert_eq!((phone.as_e164(), &*phone.national()), ("+6281234567890", "081234567890"), "{text}");
        }
        let foreign = Phone::new("+1 415 555 0100").unwrap();
        assert_eq!((foreign.as_e164(), &*foreign.national()), ("+14155550100", "+14155550100"));
    }

    #[test]
    fn what_is_no_phone_number() {
        for text in [
            "",
            "0",
            "+",
            "62",
            "+62",
            "abc",
            "812345678",
            "14155550100",
            "+620812345678",
            "00628123456",
            "0812x456789",
            "++62812345678",
            "0812+345678",
            "+0812345678",
            "08123456789012",
            "012345",
            "+1234567890123456",
            "+123456",
            "٠٨١٢٣٤٥٦٧٨",
        ] {
            assert_eq!(Phone::new(text).unwrap_err().as_str(), "must be a valid phone number", "{text}");
        }
        for text in ["01234567", "0123456789012", "+1234567", "+123456789012345"] {
            assert!(Phone::new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn mobiles_of_the_wallet() {
        for (text, mobile) in [
            ("0812345678", true),
            ("0812345678901", true),
            ("081234567", false),
            ("02112345678", false),
            ("+6591234567", false),
        ] {
            assert_eq!(Phone::new(text).unwrap().is_indonesian_mobile(), mobile, "{text}");
            assert_eq!(Phone::mobile(text).is_ok(), mobile, "{text}");
        }
        for text in [
            "",
            "08",
            "08123456789012",
            "08123456x89",
            "٠٨١٢٣٤٥٦٧٨٩",
            "０８１２３４５６７８",
            "+",
            "0812345678\0",
        ] {
            let why = Phone::mobile(text).unwrap_err();
            assert_eq!(why.as_str(), "must be 08 and 8 to 11 more digits", "{text}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(Address::new(" Jl. Sudirman No. 1 ").unwrap().as_str(), "Jl. Sudirman No. 1");
        assert!(Address::new(&"é".repeat(500)).is_ok());
        assert_eq!(Address::new(&"é".repeat(501)).unwrap_err().as_str(), "must be at most 500 characters");
        assert_eq!(Address::new("").unwrap_err().as_str(), "must not be blank");
    }

    #[test]
    fn sealed_text_opens_to_the_same_value_and_debug_hides_it() {
        let email = Email::new("John@Example.com").unwrap();
        let phone = Phone::new("081234567890").unwrap();
        let address = Address::new("Jl. Sudirman No. 1").unwrap();
        assert_eq!(Email::restore(email.reveal()), Some(email.clone()));
        assert_eq!(Phone::restore(phone.reveal()), Some(phone.clone()));
        assert_eq!(Address::restore(address.reveal()), Some(address.clone()));
        assert_eq!(format!("{email:?} {phone:?} {address:?}"), "Email(…) Phone(…) Address(…)");
    }
}
