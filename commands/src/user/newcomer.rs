//! Someone who is about to be registered: values sealed under a new key, ready for the ledger.

use chrono::{DateTime, Utc};
use lumbung_domain::{
    BranchId, Claim, ClaimCommand, ClaimId, Email, Holder, NameParts, PasswordHash, PersonName, Phone,
    Registration, Rejection, RoleId, Sealed, StreamId, User, UserCommand, UserId, UserNumber, UserType,
};
use lumbung_journal::{KeyError, Sealer, Vault, WrappedPersonKey};
use uuid::Uuid;

use crate::ledger::{Book, Halt};

/// The first facts of a person. The key goes in with the person's first event.
#[derive(Debug, Clone)]
pub struct Newcomer {
    pub user_id: UserId,
    pub number: UserNumber,
    pub name: Sealed<PersonName>,
    pub name_parts: Option<NameParts>,
    pub login: SealedLogin,
    /// Of the password, or of the PIN that goes with a phone.
    pub password: Sealed<PasswordHash>,
    pub key: WrappedPersonKey,
}

/// What somebody logs in by, and the claim that nobody else does.
#[derive(Debug, Clone)]
pub enum SealedLogin {
    Email { email: Sealed<Email>, claim: ClaimId },
    Phone { phone: Sealed<Phone>, claim: ClaimId },
}

impl Newcomer {
    /// By e-mail. Draws an id and a key and seals the values. The sealer seals whatever else is known of the person.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn seal(
        vault: &Vault,
        number: UserNumber,
        name: &PersonName,
        email: &Email,
        password: &PasswordHash,
    ) -> Result<(Self, Sealer), KeyError> {
        Self::seal_by_email(vault, UserId(Uuid::now_v7()), number, name, email, password)
    }

    /// By e-mail. Draws a key and seals the values.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn seal_by_email(
        vault: &Vault,
        user_id: UserId,
        number: UserNumber,
        name: &PersonName,
        email: &Email,
        password: &PasswordHash,
    ) -> Result<(Self, Sealer), KeyError> {
        let (sealer, key) = vault.new_person(user_id.0)?;
        let newcomer = Self {
            user_id,
            number,
            name: sealer.seal(name)?,
            name_parts: None,
            login: SealedLogin::Email { email: sealer.seal(email)?, claim: email_claim(vault, email) },
            password: sealer.seal(password)?,
            key,
        };
        Ok((newcomer, sealer))
    }

    /// By phone. Draws a key and seals the values.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn seal_by_phone(
        vault: &Vault,
        user_id: UserId,
        number: UserNumber,
        (first, last): (&PersonName, Option<&PersonName>),
        phone: &Phone,
        pin: &PasswordHash,
    ) -> Result<(Self, Sealer), KeyError> {
        let (sealer, key) = vault.new_person(user_id.0)?;
        let (name, parts) = seal_name(&sealer, first, last)?;
        let newcomer = Self {
            user_id,
            number,
            name,
            name_parts: Some(parts),
            login: SealedLogin::Phone { phone: sealer.seal(phone)?, claim: phone_claim(vault, phone) },
            password: sealer.seal(pin)?,
            key,
        };
        Ok((newcomer, sealer))
    }

    /// The streams that registering reads.
    pub(super) fn streams(&self) -> [StreamId; 3] {
        [
            StreamId::of::<Claim>(self.login.claim().clone()),
            StreamId::of::<Claim>(ClaimId::user_number(self.number)),
            StreamId::of::<User>(self.user_id),
        ]
    }

    /// Claims e-mail or phone, and the number, and registers the person. `taken` is what to say when the e-mail is someone
    /// else's.
    pub(super) fn register(
        &self,
        book: &mut Book<'_>,
        user_type: UserType,
        role: RoleId,
        branch: Option<BranchId>,
        taken: Rejection,
    ) -> Result<(), Halt> {
        let holder = Holder::User(self.user_id);
        let taken = match self.login {
            SealedLogin::Email { .. } => taken,
            SealedLogin::Phone { .. } => Rejection::PhoneAlreadyRegistered,
        };
        book.run::<Claim>(self.login.claim().clone(), ClaimCommand::Take { holder }).map_err(|halt| {
            match halt {
                Halt::Rejected(Rejection::AlreadyExists) => Halt::Rejected(taken),
                other => other,
            }
        })?;
        book.run::<Claim>(ClaimId::user_number(self.number), ClaimCommand::Take { holder })?;
        let registration = self.registration(user_type, role, branch, book.now());
        book.run::<User>(self.user_id, UserCommand::Register(registration))
    }

    fn registration(
        &self,
        user_type: UserType,
        role: RoleId,
        branch: Option<BranchId>,
        at: DateTime<Utc>,
    ) -> Registration {
        let secret = self.password.clone();
        let (email, password, phone, pin) = match &self.login {
            SealedLogin::Email { email, .. } => (Some(email.clone()), Some(secret), None, None),
            SealedLogin::Phone { phone, .. } => (None, None, Some(phone.clone()), Some(secret)),
        };
        Registration {
            user_id: self.user_id,
            number: self.number,
            user_type,
            name: self.name.clone(),
            name_parts: self.name_parts.clone(),
            email,
            password,
            phone,
            pin,
            roles: vec![role],
            branch,
            registered_at: Some(at),
        }
    }
}

impl SealedLogin {
    fn claim(&self) -> &ClaimId {
        match self {
            Self::Email { claim, .. } | Self::Phone { claim, .. } => claim,
        }
    }
}

/// A name of two parts, whole and in parts.
///
/// # Errors
/// The system has no random numbers.
pub fn seal_name(
    sealer: &Sealer,
    first: &PersonName,
    last: Option<&PersonName>,
) -> Result<(Sealed<PersonName>, NameParts), KeyError> {
    let whole = sealer.seal(&PersonName::joined(first, last))?;
    let last = last.map(|last| sealer.seal(last)).transpose()?;
    Ok((whole, NameParts { first: sealer.seal(first)?, last }))
}

/// The claim of an e-mail: people log in by it in any spelling of its letters.
#[must_use]
pub fn email_claim(vault: &Vault, email: &Email) -> ClaimId {
    ClaimId::email(&vault.keyed_hash_hex("email", &email.login_key()))
}

/// The claim of a phone that somebody logs in by, however it is written. It says who holds the number now, nothing of
/// who has proved to: another person may take it over when it is released.
#[must_use]
pub fn phone_claim(vault: &Vault, phone: &Phone) -> ClaimId {
    ClaimId::phone(&vault.keyed_hash_hex("phone", phone.as_e164()))
}
