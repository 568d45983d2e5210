//! Who may change another person, and what the administration is told of them then.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lumbung_domain::{
    BranchSnapshot, Claim, ClaimId, Email, Permission, Person, PersonName, Phone, Rejection, Sealed,
    StreamId, User, UserId, UserNumber, UserType,
};
use serde::{Deserialize, Serialize};

use crate::authority::{Actor, Caller, roles};
use crate::branch::snapshot;
use crate::ledger::{Book, Halt};
use crate::version::Expected;

/// A person after a command on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserOutcome {
    pub number: UserNumber,
    pub user_type: UserType,
    pub name: Sealed<PersonName>,
    pub email: Option<Sealed<Email>>,
    /// To log in by; `None` in answers that were kept before there was any.
    #[serde(default)]
    pub phone: Option<Sealed<Phone>>,
    pub active: bool,
    /// By name.
    pub roles: Vec<String>,
    pub branch: Option<BranchSnapshot>,
    /// `None` for whom registered before it was recorded.
    pub registered_at: Option<DateTime<Utc>>,
    /// The version of the stream `User`.
    pub version: i64,
}

impl UserOutcome {
    pub(super) fn read(book: &mut Book<'_>, user: UserId) -> Result<Self, Halt> {
        let version = book.version::<User>(user)?;
        let state = book.read::<User>(user)?;
        let person = state.person().ok_or(Rejection::UserNotFound)?;
        let branch = match person.branch {
            Some(branch) => snapshot(book, branch)?,
            None => None,
        };
        let roles = roles(book, &person.roles)?;
        Ok(Self {
            number: person.number,
            user_type: person.user_type,
            name: person.name.clone(),
            email: person.email.clone(),
            phone: person.phone.clone(),
            active: person.active,
            roles: roles.iter().filter_map(|role| role.name()).map(str::to_owned).collect(),
            branch,
            registered_at: person.registered_at,
            version,
        })
    }
}

/// Somebody who may be changed by the caller.
pub(super) struct Administered {
    pub(super) caller: Caller,
    pub(super) user: UserId,
    state: Arc<User>,
}

impl Administered {
    pub(super) fn person(&self) -> Result<&Person, Rejection> {
        self.state.person().ok_or(Rejection::UserNotFound)
    }

    /// Whether they are of the version that the caller saw.
    pub(super) fn check(&self, book: &mut Book<'_>, expected: &Expected) -> Result<(), Halt> {
        let version = book.version::<User>(self.user)?;
        Ok(expected.check(version)?)
    }
}

/// Permissions → the person exists → they may do nothing that the caller may not. Without the last, whoever may change
/// people could take over the account of a superadmin. Customers are no staff: what they may do, they may do with what is
/// theirs.
///
/// # Errors
/// [`Rejection::AccessDenied`], [`Rejection::UserNotFound`].
pub(super) fn may_change(
    book: &mut Book<'_>,
    actor: Actor,
    permissions: &[Permission],
    number: UserNumber,
) -> Result<Administered, Halt> {
    let claim = ClaimId::user_number(number);
    book.prefetch([StreamId::of::<Claim>(claim.clone())]);
    let caller = actor.holding(book, permissions)?;
    let user = book.read::<Claim>(claim)?.user().ok_or(Rejection::UserNotFound)?;
    let state = book.read::<User>(user)?;
    let person = state.person().ok_or(Rejection::UserNotFound)?;
    if person.user_type == UserType::Internal && user != actor.user {
        for role in roles(book, &person.roles)? {
            if role.grants().is_some_and(|grants| !caller.may_grant(grants)) {
                return Err(Rejection::AccessDenied.into());
            }
        }
    }
    Ok(Administered { caller, user, state })
}
