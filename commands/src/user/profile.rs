//! A customer tells about themselves.

use lumbung_domain::{
    Document, DocumentCommand, Permission, Profile, Rejection, StoredDocument, StreamId, User, UserCommand,
};
use serde::{Deserialize, Serialize};

use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Takes over the given fields of the profile; absent ones keep their value. The documents are those that the profile
/// newly names, and their content is stored before this is asked: an event never names a file that is not there.
///
/// Rejections: [`Rejection::VersionMismatch`].
#[derive(Debug, Clone)]
pub struct UpdateProfile {
    pub actor: Actor,
    pub expected: Expected,
    pub profile: Profile,
    pub documents: Vec<StoredDocument>,
}

/// An update that was answered under its Idempotency-Key already. Changes nothing, finds that answer, and so needs no
/// file to be stored again.
///
/// Rejections: [`Rejection::VersionMismatch`] if the answer was forgotten meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct RepeatProfileUpdate {
    pub actor: Actor,
}

/// The whole profile after the update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileOutcome {
    pub profile: Profile,
    /// Of the `User` stream.
    pub version: i64,
}

impl UseCase for UpdateProfile {
    const NAME: &'static str = "UpdateProfile";
    type Outcome = ProfileOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<ProfileOutcome, Halt> {
        let ids = self.documents.iter().map(|stored| stored.document.document_id);
        book.prefetch(ids.map(StreamId::of::<Document>));
        let user = self.actor.user;
        self.actor.customer(book, Permission::ProfileUpdate)?;
        self.expected.check(book.version::<User>(user)?)?;
        for stored in &self.documents {
            let command = DocumentCommand::Store(stored.clone());
            book.run::<Document>(stored.document.document_id, command)?;
        }
        book.run::<User>(user, UserCommand::UpdateProfile(self.profile.clone()))?;
        let updated = book.read::<User>(user)?;
        let person = updated.person().ok_or(Rejection::UserNotFound)?;
        Ok(ProfileOutcome { profile: person.profile.clone(), version: book.version::<User>(user)? })
    }
}

impl UseCase for RepeatProfileUpdate {
    const NAME: &'static str = "RepeatProfileUpdate";
    type Outcome = ProfileOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<ProfileOutcome, Halt> {
        self.actor.customer(book, Permission::ProfileUpdate)?;
        // Of all rejections the one that is not kept, and that an earlier answer goes before.
        Err(Rejection::VersionMismatch.into())
    }
}
