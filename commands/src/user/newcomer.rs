//! Someone who is about to be registered: values sealed under a new key, ready for the ledger.

use lumbung_domain::{
    BranchId, Claim, ClaimCommand, ClaimId, Email, Holder, PasswordHash, PersonName, Registration, Rejection,
    RoleId, Sealed, StreamId, User, UserCommand, UserId, UserNumber, UserType,
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
    pub email: Sealed<Email>,
    pub email_claim: ClaimId,
    pub password: Sealed<PasswordHash>,
    pub key: WrappedPersonKey,
}

impl Newcomer {
    /// Draws an id and a key and seals the values. The sealer seals whatever else is known of the person.
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
        let user_id = UserId(Uuid::now_v7());
        let (sealer, key) = vault.new_person(user_id.0)?;
        let newcomer = Self {
            user_id,
            number,
            name: sealer.seal(name)?,
            email: sealer.seal(email)?,
            email_claim: email_claim(vault, email),
            password: sealer.seal(password)?,
            key,
        };
        Ok((newcomer, sealer))
    }

    /// The streams that registering reads.
    pub(super) fn streams(&self) -> [StreamId; 3] {
        [
            StreamId::of::<Claim>(self.email_claim.clone()),
            StreamId::of::<Claim>(ClaimId::user_number(self.number)),
            StreamId::of::<User>(self.user_id),
        ]
    }

    /// Claims e-mail and number and registers the person. `taken` is what to say when the e-mail is someone else's.
    pub(super) fn register(
        &self,
        book: &mut Book<'_>,
        user_type: UserType,
        role: RoleId,
        branch: Option<BranchId>,
        taken: Rejection,
    ) -> Result<(), Halt> {
        let holder = Holder::User(self.user_id);
        book.run::<Claim>(self.email_claim.clone(), ClaimCommand::Take { holder }).map_err(
            |halt| match halt {
                Halt::Rejected(Rejection::AlreadyExists) => Halt::Rejected(taken),
                other => other,
            },
        )?;
        book.run::<Claim>(ClaimId::user_number(self.number), ClaimCommand::Take { holder })?;
        book.run::<User>(
            self.user_id,
            UserCommand::Register(Registration {
                user_id: self.user_id,
                number: self.number,
                user_type,
                name: self.name.clone(),
                email: self.email.clone(),
                password: self.password.clone(),
                roles: vec![role],
                branch,
                registered_at: Some(book.now()),
            }),
        )
    }
}

/// The claim of an e-mail: people log in by it in any spelling of its letters.
#[must_use]
pub fn email_claim(vault: &Vault, email: &Email) -> ClaimId {
    ClaimId::email(&vault.keyed_hash_hex("email", &email.login_key()))
}
