//! What people log in by.

use lumbung_commands::user::{email_claim, phone_claim};
use lumbung_domain::{ClaimId, Email, PasswordHash, Person, Phone, Rejection, Sealed};
use lumbung_journal::Vault;

/// An e-mail with a password, or a phone with a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Email,
    Phone,
}

/// One person's e-mail or phone.
#[derive(Debug, Clone)]
pub enum LoginName {
    Email(Email),
    Phone(Phone),
}

impl Way {
    /// What its keyed hashes are made for: an account is counted by what it is logged in to by.
    pub(crate) fn purpose(self) -> &'static str {
        match self {
            Self::Email => "login",
            Self::Phone => "phone-login",
        }
    }

    /// Where a client shows that its device is known.
    pub(crate) fn cookie_path(self) -> &'static str {
        match self {
            Self::Email => "/api/auth",
            Self::Phone => "/login",
        }
    }

    /// What is told to whoever does not get in, whatever the reason.
    pub(crate) fn refusal(self) -> Rejection {
        match self {
            Self::Email => Rejection::InvalidCredentials,
            Self::Phone => Rejection::InvalidPhoneOrPin,
        }
    }
}

impl LoginName {
    /// One text for all spellings of one name.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Email(email) => email.login_key(),
            Self::Phone(phone) => phone.as_e164().to_owned(),
        }
    }

    /// Leads to whose it is.
    pub(crate) fn claim(&self, vault: &Vault) -> ClaimId {
        match self {
            Self::Email(email) => email_claim(vault, email),
            Self::Phone(phone) => phone_claim(vault, phone),
        }
    }

    /// The hash of what its owner must know.
    pub(crate) fn secret_of<'a>(&self, person: &'a Person) -> Option<&'a Sealed<PasswordHash>> {
        match self {
            Self::Email(_) => person.password.as_ref(),
            Self::Phone(_) => person.pin.as_ref(),
        }
    }
}
