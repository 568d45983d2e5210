//! A login whose password or PIN was found right.

use lumbung_domain::{
    Email, PasswordChange, PasswordHash, PersonName, Rejection, Sealed, Session, SessionCommand, SessionId,
    StreamId, User, UserCommand, UserId, UserNumber,
};
use serde::{Deserialize, Serialize};

use crate::authority::roles;
use crate::ledger::{Book, Halt, UseCase};

/// Opens a session for a user whose password or PIN was verified against `password`, outside the loop because that takes
/// long. Refused if the password was changed or the user deactivated in between.
///
/// Rejections: [`Rejection::InvalidCredentials`].
#[derive(Debug, Clone)]
pub struct OpenSession {
    pub user: UserId,
    pub session: SessionId,
    /// The stored hash that the password was found to fit, or the PIN.
    pub password: Sealed<PasswordHash>,
    /// The same password under the parameters of today, if the stored hash has weaker ones.
    pub rehashed: Option<Sealed<PasswordHash>>,
}

/// What a client is told of the person that it acts for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    pub user_id: UserId,
    pub number: UserNumber,
    pub session: SessionId,
    /// The number of the good refresh token.
    pub rotation: u32,
    pub name: Sealed<PersonName>,
    /// `None` of who logs in by phone alone.
    pub email: Option<Sealed<Email>>,
    pub roles: Vec<String>,
    /// What the roles allow, by name, without repetition.
    pub permissions: Vec<String>,
}

impl UseCase for OpenSession {
    const NAME: &'static str = "OpenSession";
    type Outcome = SignedIn;

    fn decide(&self, book: &mut Book<'_>) -> Result<SignedIn, Halt> {
        book.prefetch([StreamId::of::<User>(self.user), StreamId::of::<Session>(self.session)]);
        let user = book.read::<User>(self.user)?;
        let Some(person) = user.person().filter(|person| person.active) else {
            return Err(Rejection::InvalidCredentials.into());
        };
        // No two ciphertexts are alike, so the hash says which of the two it is.
        let rehashing: fn(Sealed<PasswordHash>) -> UserCommand = match Some(&self.password) {
            held if held == person.password.as_ref() => {
                |password| UserCommand::SetPassword { password, because: PasswordChange::Rehashed }
            }
            held if held == person.pin.as_ref() => {
                |pin| UserCommand::SetPin { pin, because: PasswordChange::Rehashed }
            }
            _ => return Err(Rejection::InvalidCredentials.into()),
        };
        if let Some(rehashed) = self.rehashed.clone() {
            book.run::<User>(self.user, rehashing(rehashed))?;
        }
        open_session(book, self.session, self.user)
    }
}

/// Opens a session and says who is in it.
pub(crate) fn open_session(book: &mut Book<'_>, session: SessionId, user: UserId) -> Result<SignedIn, Halt> {
    let registered = book.read::<User>(user)?;
    let person = registered.person().ok_or(Rejection::UserNotFound)?;
    let generation = person.session_generation;
    book.run::<Session>(session, SessionCommand::Open { session_id: session, user, generation })?;
    signed_in(book, session, user)
}

/// Who is in an open session.
pub(super) fn signed_in(book: &mut Book<'_>, session: SessionId, user: UserId) -> Result<SignedIn, Halt> {
    let registered = book.read::<User>(user)?;
    let person = registered.person().ok_or(Rejection::UserNotFound)?;
    let rotation = book.read::<Session>(session)?.rotation().ok_or(Rejection::Unauthorized)?;
    let mut names = Vec::new();
    let mut permissions: Vec<String> = Vec::new();
    for role in roles(book, &person.roles)? {
        names.extend(role.name().map(str::to_owned));
        for permission in role.grants().map(lumbung_domain::Grants::names).unwrap_or_default() {
            if !permissions.iter().any(|held| held == permission) {
                permissions.push(permission.to_owned());
            }
        }
    }
    Ok(SignedIn {
        user_id: user,
        number: person.number,
        session,
        rotation,
        name: person.name.clone(),
        email: person.email.clone(),
        roles: names,
        permissions,
    })
}
