//! Somebody has forgotten their password.

use chrono::{DateTime, Utc};
use lumbung_domain::{
    Claim, ClaimCommand, ClaimId, Holder, Message, MessageCommand, PasswordHash, PendingReset, Queued,
    Rejection, Sealed, StreamId, User, UserCommand, UserId,
};
use lumbung_journal::Vault;

use crate::ledger::{Book, Halt, UseCase};

/// Queues the message with a token for its owner, and notes the token's hash; tokens sent before are void.
///
/// Takes place for an active user; for `None`, for whom is not active any more, and while a token sent before is good for
/// long enough, nothing happens, and that is told to nobody.
#[derive(Debug, Clone)]
pub struct RequestReset {
    pub request: Option<ResetRequest>,
}

/// What was made ready for somebody who asked.
#[derive(Debug, Clone)]
pub struct ResetRequest {
    pub user: UserId,
    pub reset: PendingReset,
    /// Holds the token, sealed.
    pub queued: Queued,
    /// Nothing is done for who has a token that expires after this.
    pub unless_good_after: DateTime<Utc>,
}

impl UseCase for RequestReset {
    const NAME: &'static str = "RequestPasswordReset";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let Some(ResetRequest { user, reset, queued, unless_good_after }) = &self.request else {
            return Ok(());
        };
        let claim = ClaimId::password_reset(&reset.token_hash);
        book.prefetch([
            StreamId::of::<User>(*user),
            StreamId::of::<Claim>(claim.clone()),
            StreamId::of::<Message>(queued.message_id),
        ]);
        let state = book.read::<User>(*user)?;
        let Some(person) = state.person().filter(|person| person.active) else { return Ok(()) };
        if person.reset.as_ref().is_some_and(|sent| sent.expires_at > *unless_good_after) {
            return Ok(());
        }
        book.run::<User>(*user, UserCommand::RequestReset(reset.clone()))?;
        book.run::<Claim>(claim, ClaimCommand::Take { holder: Holder::User(*user) })?;
        book.run::<Message>(queued.message_id, MessageCommand::Queue(queued.clone()))
    }
}

/// Sets a new password for who shows the token in time, and ends every session.
///
/// Rejections: [`Rejection::ResetTokenInvalid`].
#[derive(Debug, Clone)]
pub struct ResetPassword {
    /// The ledger's keyed hash of the token, in hex.
    pub token_hash: Box<str>,
    /// Sealed for whom the token was sent to; of anybody else it opens nothing.
    pub password: Sealed<PasswordHash>,
}

impl UseCase for ResetPassword {
    const NAME: &'static str = "ResetPassword";
    type Outcome = UserId;

    fn decide(&self, book: &mut Book<'_>) -> Result<UserId, Halt> {
        let claim = book.read::<Claim>(ClaimId::password_reset(&self.token_hash))?;
        let Some(user) = claim.user() else { return Err(Rejection::ResetTokenInvalid.into()) };
        let (token_hash, password, at) = (self.token_hash.clone(), self.password.clone(), book.now());
        book.run::<User>(user, UserCommand::ResetPassword { token_hash, password, at })?;
        Ok(user)
    }
}

/// The claim by which a token leads to its owner, and its hash.
#[must_use]
pub fn reset_claim(vault: &Vault, token: &str) -> (ClaimId, Box<str>) {
    let hash = vault.keyed_hash_hex("password-reset", token);
    (ClaimId::password_reset(&hash), hash.into())
}
