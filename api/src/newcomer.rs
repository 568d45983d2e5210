//! Someone who is about to be registered: ids drawn, values sealed, ready for the ledger.

use lumbung_domain::{ClaimId, Email, PasswordHash, PersonName, Sealed, UserId, UserNumber};
use lumbung_journal::{KeyError, Sealer, Vault, WrappedPersonKey};
use uuid::Uuid;

use crate::app::App;

/// The first facts of a person, sealed under a new key.
pub struct Newcomer {
    pub user_id: UserId,
    pub number: UserNumber,
    pub name: Sealed<PersonName>,
    pub email: Sealed<Email>,
    pub email_claim: ClaimId,
    pub password: Sealed<PasswordHash>,
    /// Goes in with the person's first event.
    pub key: WrappedPersonKey,
}

/// Why a newcomer could not be prepared; nothing was registered.
#[derive(Debug, thiserror::Error)]
pub enum NewcomerError {
    #[error("person keys")]
    Keys(#[from] KeyError),
    #[error("the user number")]
    Number(#[from] sqlx::Error),
}

impl Newcomer {
    /// Draws the ids and seals the values. The number is used up even if the registration is refused: gaps are allowed.
    ///
    /// # Errors
    /// No random numbers, or the database fails.
    pub async fn draw(
        app: &App,
        name: &PersonName,
        email: &Email,
        password: &PasswordHash,
    ) -> Result<(Self, Sealer), NewcomerError> {
        let vault = app.ledger.vault();
        let user_id = UserId(Uuid::now_v7());
        let (sealer, key) = vault.new_person(user_id.0)?;
        let newcomer = Self {
            user_id,
            number: app.numbers.user().await?,
            name: sealer.seal(name)?,
            email: sealer.seal(email)?,
            email_claim: email_claim(vault, email),
            password: sealer.seal(password)?,
            key,
        };
        Ok((newcomer, sealer))
    }
}

/// The claim of an e-mail: people log in by it in any spelling of its letters.
#[must_use]
pub fn email_claim(vault: &Vault, email: &Email) -> ClaimId {
    ClaimId::email(&vault.keyed_hash_hex("email", &email.login_key()))
}
