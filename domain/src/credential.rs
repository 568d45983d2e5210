//! Passwords and PINs.

use crate::Invalid;
use crate::text::{personal_text, size_between};

/// The hash of a password or a PIN in PHC string format (`$argon2id$v=19$…$salt$hash`).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);
personal_text!(PasswordHash, "password_hash");

impl PasswordHash {
    /// Looks at the outer form alone; only the hash function can tell whether the parameters make sense.
    ///
    /// # Errors
    /// Not a PHC string with an algorithm, a salt and a hash.
    pub fn new(phc: &str) -> Result<Self, Invalid> {
        let mut parts = phc.split('$');
        let formed = phc.len() <= 512
            && phc.bytes().all(|byte| byte.is_ascii_graphic())
            && parts.next() == Some("")
            && parts.clone().count() >= 3
            && parts.all(|part| !part.is_empty());
        if formed { Ok(Self(phc.into())) } else { Err(Invalid::new("must be a password hash")) }
    }
}

/// Checks a new password. Not for logins: whoever has an older, shorter password must get in.
///
/// A password is taken as typed, neither trimmed nor changed.
///
/// # Errors
/// Fewer than 6 or more than 100 characters, or with control characters: no keyboard types them, and whatever cuts a
/// text at U+0000 would take a part of the password for the whole.
pub fn check_new_password(password: &str) -> Result<(), Invalid> {
    let size = 6..=100;
    if !size.contains(&password.chars().count()) {
        return Err(size_between(&size));
    }
    if password.chars().any(char::is_control) {
        return Err(Invalid::new("must not contain control characters"));
    }
    Ok(())
}

/// Checks a new PIN. Not for logins, which say nothing about what is wrong.
///
/// # Errors
/// Not exactly 6 digits from 0 to 9.
pub fn check_new_pin(pin: &str) -> Result<(), Invalid> {
    if pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Invalid::new("must be exactly 6 digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Personal;

    #[test]
    fn size_of_a_password() {
        for size in [0, 5, 101] {
            let why = check_new_password(&"p".repeat(size)).unwrap_err();
            assert_eq!(why.as_str(), "size must be between 6 and 100", "{size}");
        }
        for size in [6, 100] {
            assert_eq!(check_new_password(&"é".repeat(size)), Ok(()), "{size}");
        }
        assert_eq!(check_new_password("      "), Ok(()));
    }

    #[test]
    fn pins() {
        for pin in ["000000", "123456"] {
            assert_eq!(check_new_pin(pin), Ok(()));
        }
        for pin in
            ["", "12345", "1234567", "12345a", " 12345", "123456 ", "-12345", "١٢٣٤٥٦", "１２", "12\u{0}456"]
        {
            assert_eq!(check_new_pin(pin).unwrap_err().as_str(), "must be exactly 6 digits", "{pin:?}");
        }
    }

    #[test]
    fn control_characters_in_a_password() {
        for password in ["secret\0more", "\0\0\0\0\0\0", "secret\n", "tab\tbed"] {
            let why = check_new_password(password).unwrap_err();
            assert_eq!(why.as_str(), "must not contain control characters", "{password:?}");
        }
    }

    #[test]
    fn form_of_a_hash() {
        let phc = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo";
        let hash = PasswordHash::new(phc).unwrap();
        assert_eq!(hash.as_str(), phc);
        assert_eq!(PasswordHash::restore(hash.reveal()), Some(hash.clone()));
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
        for text in
            ["", "customer123", "$argon2id", "$argon2id$salt", "argon2id$salt$hash$x", "$a$$b$c", "$a$b$c d"]
        {
            assert!(PasswordHash::new(text).is_err(), "{text}");
        }
    }
}
