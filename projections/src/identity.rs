//! Who asks, and what they may do now.

use std::sync::Arc;

use lumbung_domain::{Permission, Person, Role, Session, SessionId, User};
use lumbung_journal::JournalError;

use crate::access::AccessView;

/// The person behind an open session, with everything their roles allow at this moment.
#[derive(Debug, Clone)]
pub struct Identity {
    session: SessionId,
    user: Arc<User>,
    roles: Vec<Arc<Role>>,
}

impl AccessView {
    /// Who the session belongs to; `None` if it is not open or the user is not active.
    ///
    /// # Errors
    /// A stream was not in memory, and the journal could not be read.
    pub async fn identify(&self, session: SessionId) -> Result<Option<Identity>, JournalError> {
        let (state, _) = self.get::<Session>(session).await?;
        let Some(user) = state.open_for() else { return Ok(None) };
        let (user, _) = self.get::<User>(user).await?;
        let Some(person) = user.person().filter(|person| state.admits(person)) else { return Ok(None) };
        let mut roles = Vec::with_capacity(person.roles.len());
        for role in &person.roles {
            roles.push(self.get::<Role>(*role).await?.0);
        }
        Ok(Some(Identity { session, user, roles }))
    }
}

impl Identity {
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The person as of the request; an identity is made only for one who is registered.
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        self.user.person()
    }

    #[must_use]
    pub fn user(&self) -> &Arc<User> {
        &self.user
    }

    #[must_use]
    pub fn roles(&self) -> &[Arc<Role>] {
        &self.roles
    }

    /// Whether one of the roles grants it, and it is for people of this type.
    #[must_use]
    pub fn allows(&self, permission: Permission) -> bool {
        self.user.person().is_some_and(|person| person.user_type.may_hold(permission))
            && self.roles.iter().filter_map(|role| role.grants()).any(|grants| grants.allow(permission))
    }
}
