//! Who is asking, and what they may do at the moment of the decision.
//!
//! Checked inside the ledger, on the streams themselves: a permission that was revoked on any node is revoked for
//! every command decided after that.

use std::sync::Arc;

use lumbung_domain::{
    BranchId, Grants, Permission, Person, Rejection, Role, RoleId, Session, SessionId, StreamId, User,
    UserId, UserType,
};

use crate::ledger::{Book, Halt};

/// The user and the session that a verified token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    pub user: UserId,
    pub session: SessionId,
}

/// An actor whose session is open and whose user is active.
pub(crate) struct Caller {
    user: Arc<User>,
    roles: Vec<Arc<Role>>,
}

impl Actor {
    /// # Errors
    /// [`Rejection::Unauthorized`] when the session ended, belongs to someone else, or its user is not active.
    pub(crate) fn caller(self, book: &mut Book<'_>) -> Result<Caller, Halt> {
        book.prefetch([StreamId::of::<Session>(self.session), StreamId::of::<User>(self.user)]);
        let session = book.read::<Session>(self.session)?;
        let user = book.read::<User>(self.user)?;
        let Some(person) = user.person().filter(|person| session.admits(person)) else {
            return Err(Rejection::Unauthorized.into());
        };
        let roles = roles(book, &person.roles)?;
        Ok(Caller { user, roles })
    }

    /// # Errors
    /// As [`Actor::caller`], and [`Rejection::AccessDenied`] for staff and for customers without the permission.
    pub(crate) fn customer(self, book: &mut Book<'_>, permission: Permission) -> Result<Caller, Halt> {
        let caller = self.customer_of_own(book)?;
        if caller.allows(permission) { Ok(caller) } else { Err(Rejection::AccessDenied.into()) }
    }

    /// Whoever has all of the permissions.
    ///
    /// # Errors
    /// As [`Actor::caller`], and [`Rejection::AccessDenied`] for everybody else.
    pub(crate) fn holding(self, book: &mut Book<'_>, permissions: &[Permission]) -> Result<Caller, Halt> {
        let caller = self.caller(book)?;
        let all = permissions.iter().all(|permission| caller.allows(*permission));
        if all { Ok(caller) } else { Err(Rejection::AccessDenied.into()) }
    }

    /// A customer, for what every customer may do with what is theirs.
    ///
    /// # Errors
    /// As [`Actor::caller`], and [`Rejection::AccessDenied`] for staff.
    pub(crate) fn customer_of_own(self, book: &mut Book<'_>) -> Result<Caller, Halt> {
        let caller = self.caller(book)?;
        match caller.person()?.user_type {
            UserType::Customer => Ok(caller),
            UserType::Internal => Err(Rejection::AccessDenied.into()),
        }
    }
}

/// The streams of some roles.
pub(crate) fn roles(book: &mut Book<'_>, ids: &[RoleId]) -> Result<Vec<Arc<Role>>, Halt> {
    book.prefetch(ids.iter().map(|role| StreamId::of::<Role>(*role)));
    ids.iter().map(|role| book.read::<Role>(*role)).collect()
}

impl Caller {
    pub(crate) fn person(&self) -> Result<&Person, Rejection> {
        self.user.person().ok_or(Rejection::Unauthorized)
    }

    pub(crate) fn branch(&self) -> Option<BranchId> {
        self.user.person().and_then(|person| person.branch)
    }

    pub(crate) fn allows(&self, permission: Permission) -> bool {
        self.user.person().is_some_and(|person| person.user_type.may_hold(permission))
            && self.grants().any(|grants| grants.allow(permission))
    }

    /// Whether they hold `*`, which stands for all there is to administer.
    pub(crate) fn holds_everything(&self) -> bool {
        self.grants().any(|grants| *grants == Grants::Wildcard)
    }

    /// Whether they may let somebody have this, or change who has it: nobody grants what they do not hold, except who
    /// holds `*`.
    pub(crate) fn may_grant(&self, grants: &Grants) -> bool {
        if self.holds_everything() {
            return true;
        }
        match grants {
            Grants::Wildcard => false,
            Grants::Only(set) => set.iter().all(|permission| self.allows(*permission)),
        }
    }

    fn grants(&self) -> impl Iterator<Item = &Grants> {
        self.roles.iter().filter_map(|role| role.grants())
    }
}
