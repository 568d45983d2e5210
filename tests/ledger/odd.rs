//! Use cases that no client can ask for: they change what has no use case yet, or misbehave on purpose.

use lumbung_commands::{Book, Halt, UseCase};
use lumbung_domain::{
    Branch, Claim, ClaimCommand, Grants, Holder, Permission, Rejection, Role, RoleCommand, RoleId, UserId,
};
use lumbung_journal::WrappedPersonKey;
use uuid::Uuid;

/// Gives a role one more permission beside approving at the first stage.
pub(crate) struct Permit(pub(crate) RoleId, pub(crate) Permission);

impl UseCase for Permit {
    const NAME: &'static str = "Permit";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let grants = Grants::only(&[Permission::LoanApproveMarketing, self.1]);
        book.run::<Role>(self.0, RoleCommand::ReplacePermissions { grants })
    }
}

/// Takes a claim of any name; a name can be one that PostgreSQL refuses.
#[derive(Clone)]
pub(crate) struct Take(pub(crate) String);

impl UseCase for Take {
    const NAME: &'static str = "Take";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let holder = Holder::User(UserId(Uuid::nil()));
        book.run::<Claim>(self.0.as_str(), ClaimCommand::Take { holder })
    }
}

/// Takes a claim without looking whether it is taken.
pub(crate) struct TakeBlindly(pub(crate) &'static str);

impl UseCase for TakeBlindly {
    const NAME: &'static str = "TakeBlindly";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        book.begin::<Claim>(self.0);
        Take(self.0.to_owned()).decide(book)
    }
}

/// Takes a claim and brings a person's key along.
pub(crate) struct TakeWithKey(pub(crate) WrappedPersonKey);

impl UseCase for TakeWithKey {
    const NAME: &'static str = "TakeWithKey";
    type Outcome = ();

    fn person_keys(&self) -> &[WrappedPersonKey] {
        std::slice::from_ref(&self.0)
    }

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        Take("with a key of somebody else".to_owned()).decide(book)
    }
}

/// Takes a claim and then panics, or is refused, or reads what is never in memory.
#[derive(Clone, Copy)]
pub(crate) enum Misbehave {
    Panic,
    Refuse,
    MissForEver,
    MissNothing,
}

impl UseCase for Misbehave {
    const NAME: &'static str = "Misbehave";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        Take("misbehaved".to_owned()).decide(book)?;
        match self {
            Self::Panic => panic!("on purpose"),
            Self::Refuse => Err(Rejection::BalanceNotEnough.into()),
            Self::MissForEver => book.read::<Branch>(Uuid::now_v7().to_string()).map(|_| ()),
            Self::MissNothing => Err(Halt::Missing),
        }
    }
}

/// Takes a claim and answers what does not encode.
pub(crate) struct TakeUnsaid;

impl UseCase for TakeUnsaid {
    const NAME: &'static str = "TakeUnsaid";
    type Outcome = Unspeakable;

    fn decide(&self, book: &mut Book<'_>) -> Result<Unspeakable, Halt> {
        Take("unsaid".to_owned()).decide(book)?;
        Ok(Unspeakable)
    }
}

#[derive(Debug, PartialEq, serde::Deserialize)]
pub(crate) struct Unspeakable;

impl serde::Serialize for Unspeakable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("on purpose"))
    }
}
