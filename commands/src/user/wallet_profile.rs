//! A customer changes their name or address.

use lumbung_domain::{
    Address, Amendment, NameParts, PersonName, Profile, Rejection, Sealed, User, UserCommand, UserId,
};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Takes over what is given. What somebody logs in by stays as it is.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::VersionMismatch`].
#[derive(Debug, Clone)]
pub struct UpdateWalletProfile {
    pub actor: Actor,
    /// Of the user.
    pub expected: Expected,
    pub name: Option<NewName>,
    pub address: Option<Sealed<Address>>,
}

/// A name in the place of another.
#[derive(Debug, Clone)]
pub struct NewName {
    pub name: Sealed<PersonName>,
    pub parts: NameParts,
    /// The name that a part of this one was taken from; [`Rejection::VersionMismatch`] if it is another by now.
    pub completes: Option<Sealed<PersonName>>,
}

/// Whom the customer is told that they are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletProfile {
    pub user_id: UserId,
    pub name: Sealed<PersonName>,
    pub name_parts: Option<NameParts>,
    pub address: Option<Sealed<Address>>,
    /// Of the `User` stream.
    pub version: i64,
}

impl UseCase for UpdateWalletProfile {
    const NAME: &'static str = "UpdateWalletProfile";
    type Outcome = WalletProfile;

    fn decide(&self, book: &mut Book<'_>) -> Result<WalletProfile, Halt> {
        let user = self.actor.user;
        let caller = self.actor.customer_of_own(book)?;
        self.expected.check(book.version::<User>(user)?)?;
        let held = &caller.person()?.name;
        let completes = self.name.as_ref().and_then(|new| new.completes.as_ref());
        if completes.is_some_and(|seen| seen != held) {
            return Err(Rejection::VersionMismatch.into());
        }
        if let Some(NewName { name, parts, .. }) = self.name.clone() {
            let amendment = Amendment { name: Some(name), name_parts: Some(parts), ..Amendment::default() };
            book.run::<User>(user, UserCommand::Amend(amendment))?;
        }
        let profile = Profile { address: self.address.clone(), ..Profile::default() };
        book.run::<User>(user, UserCommand::UpdateProfile(profile))?;
        let version = book.version::<User>(user)?;
        let updated = book.read::<User>(user)?;
        let person = updated.person().ok_or(Rejection::UserNotFound)?;
        Ok(WalletProfile {
            user_id: user,
            name: person.name.clone(),
            name_parts: person.name_parts.clone(),
            address: person.profile.address.clone(),
            version,
        })
    }
}
