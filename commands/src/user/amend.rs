//! The administration changes who a person is: name, e-mail, branch.

use lumbung_domain::{
    Amendment, Branch, BranchId, Claim, ClaimCommand, ClaimId, Email, Holder, Message, MessageCommand,
    Permission, PersonName, Queued, Rejection, Sealed, Staff, StaffCommand, StreamId, User, UserCommand,
    UserId, UserNumber, UserType,
};

use super::UserOutcome;
use super::administration::may_change;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Changes what is given. The claim moves with the e-mail, so the old one is free at once; all sessions of the person end, and
/// the old address is told. Nobody moves themselves to another branch, and with it what they may read and decide, but who
/// holds `*`.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::UserNotFound`], [`Rejection::VersionMismatch`],
/// [`Rejection::BranchForCustomer`], [`Rejection::BranchNotFound`], [`Rejection::EmailAlreadyExists`],
/// [`Rejection::NoEmailLogin`].
#[derive(Debug, Clone)]
pub struct AmendUser {
    pub actor: Actor,
    pub number: UserNumber,
    /// Whose key the values are sealed with.
    pub sealed_for: UserId,
    pub name: Option<Sealed<PersonName>>,
    pub email: Option<EmailChange>,
    pub branch: Option<BranchId>,
    /// Of the user.
    pub expected: Expected,
}

/// An e-mail in the place of another. Only the edge can tell the claim of a sealed value, so it says which it saw.
#[derive(Debug, Clone)]
pub struct EmailChange {
    pub email: Sealed<Email>,
    pub claim: ClaimId,
    /// What the person had when the edge looked. Without any there is nothing to change.
    pub replaces: Option<HeldEmail>,
    /// Tells the old address. `None` where no messages are sent.
    pub notice: Option<Queued>,
}

/// An e-mail that somebody logs in by.
#[derive(Debug, Clone)]
pub struct HeldEmail {
    pub email: Sealed<Email>,
    pub claim: ClaimId,
}

impl UseCase for AmendUser {
    const NAME: &'static str = "AmendUser";
    type Outcome = UserOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<UserOutcome, Halt> {
        if let Some(change) = &self.email {
            let held = change.replaces.as_ref().map(|held| &held.claim);
            let claims = [&change.claim].into_iter().chain(held);
            book.prefetch(claims.map(|claim| StreamId::of::<Claim>(claim.clone())));
            book.prefetch(change.notice.iter().map(|notice| StreamId::of::<Message>(notice.message_id)));
        }
        let target = may_change(book, self.actor, &[Permission::UserUpdate], self.number)?;
        target.check(book, &self.expected)?;
        let (user, person) = (target.user, target.person()?);
        let replaced = |change: &EmailChange| change.replaces.as_ref().map(|held| held.email.clone());
        let seen = self.email.as_ref().is_none_or(|change| replaced(change) == person.email);
        if user != self.sealed_for || !seen {
            return Err(Rejection::VersionMismatch.into());
        }
        if let Some(branch) = self.branch {
            let oneself = user == self.actor.user && person.branch != Some(branch);
            if oneself && !target.caller.holds_everything() {
                return Err(Rejection::AccessDenied.into());
            }
            self.move_to(book, branch, user, person.user_type)?;
        }
        if let Some(change) = &self.email {
            change.move_claim(book, user)?;
            if let Some(notice) = &change.notice {
                book.run::<Message>(notice.message_id, MessageCommand::Queue(notice.clone()))?;
            }
        }
        let email = self.email.as_ref().map(|change| change.email.clone());
        let amendment =
            Amendment { name: self.name.clone(), email, branch: self.branch, ..Amendment::default() };
        book.run::<User>(user, UserCommand::Amend(amendment))?;
        UserOutcome::read(book, user)
    }
}

impl AmendUser {
    fn move_to(
        &self,
        book: &mut Book<'_>,
        branch: BranchId,
        user: UserId,
        user_type: UserType,
    ) -> Result<(), Halt> {
        book.prefetch([StreamId::of::<Branch>(branch), StreamId::of::<Staff>(Staff::STREAM)]);
        match user_type {
            UserType::Customer => Err(Rejection::BranchForCustomer.into()),
            UserType::Internal if !book.read::<Branch>(branch)?.is_open() => {
                Err(Rejection::BranchNotFound.into())
            }
            UserType::Internal => book.run::<Staff>(Staff::STREAM, StaffCommand::Move { user, branch }),
        }
    }
}

impl EmailChange {
    fn move_claim(&self, book: &mut Book<'_>, user: UserId) -> Result<(), Halt> {
        let held = self.replaces.as_ref().ok_or(Rejection::NoEmailLogin)?;
        if self.claim == held.claim {
            return Ok(());
        }
        let holder = Holder::User(user);
        book.run::<Claim>(self.claim.clone(), ClaimCommand::Take { holder }).map_err(|halt| match halt {
            Halt::Rejected(Rejection::AlreadyExists) => Rejection::EmailAlreadyExists.into(),
            other => other,
        })?;
        book.run::<Claim>(held.claim.clone(), ClaimCommand::Release { holder })
    }
}
