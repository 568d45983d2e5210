//! One person: a customer or a member of the staff.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{
    Aggregate, BranchId, Email, Event, PasswordHash, Permission, PersonName, Profile, Rejection, RoleId,
    Sealed, UserId, UserNumber,
};

/// Stream id: the [`UserId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum User {
    #[default]
    Unregistered,
    Registered(Box<Person>),
}

/// Everything a command or an answer needs to know of a person. Personal values are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub user_id: UserId,
    pub number: UserNumber,
    pub user_type: UserType,
    pub name: Sealed<PersonName>,
    pub email: Sealed<Email>,
    pub password: Sealed<PasswordHash>,
    pub roles: Vec<RoleId>,
    pub branch: Option<BranchId>,
    /// `None` for whom registered before it was recorded.
    pub registered_at: Option<DateTime<Utc>>,
    pub profile: Profile,
    pub active: bool,
    /// How often all sessions of this person were ended at once. A session of an earlier generation is over.
    pub session_generation: u32,
    /// The reset of the password that was asked for last, until it is used or void.
    pub reset: Option<PendingReset>,
}

/// Who shows the token with this hash in time may set a new password, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingReset {
    /// The ledger's keyed hash of the token, in hex; the token itself is known to its recipient alone.
    pub token_hash: Box<str>,
    pub expires_at: DateTime<Utc>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumString,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum UserType {
    Customer,
    Internal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserCommand {
    Register(Registration),
    /// Absent fields keep their value; with none given nothing happens.
    UpdateProfile(Profile),
    /// Absent fields keep their value; with none given nothing happens. The use case has moved the claim of an e-mail.
    /// Another e-mail ends every session: whoever logs in by it is not for sure who was logged in.
    Amend(Amendment),
    SetPassword {
        password: Sealed<PasswordHash>,
        because: PasswordChange,
    },
    /// A token was sent to the owner; those before it are void. Refused with [`Rejection::UserNotFound`] for who is not
    /// active.
    RequestReset(PendingReset),
    /// Refused with [`Rejection::ResetTokenInvalid`] unless it is the token that was sent last, in time.
    ResetPassword {
        token_hash: Box<str>,
        password: Sealed<PasswordHash>,
        at: DateTime<Utc>,
    },
    /// Refused with [`Rejection::CustomerRoleForInternalUser`] and [`Rejection::InternalRoleForCustomer`]. A role that
    /// is held already changes nothing.
    AssignRole {
        role: RoleId,
    },
    /// Refused with [`Rejection::RoleNotFound`] for a role that is not held.
    RemoveRole {
        role: RoleId,
    },
    /// Ends every session.
    Deactivate,
    /// Sessions from before stay over.
    Reactivate,
}

/// The first facts of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    pub user_id: UserId,
    pub number: UserNumber,
    pub user_type: UserType,
    pub name: Sealed<PersonName>,
    pub email: Sealed<Email>,
    pub password: Sealed<PasswordHash>,
    pub roles: Vec<RoleId>,
    pub branch: Option<BranchId>,
    /// `None` in events from before it was recorded.
    #[serde(default)]
    pub registered_at: Option<DateTime<Utc>>,
}

/// What an administrator changes about a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    pub name: Option<Sealed<PersonName>>,
    pub email: Option<Sealed<Email>>,
    pub branch: Option<BranchId>,
    /// All sessions end with it. Decided by [`User`]: so it is where the e-mail changes. `false` in events from before it
    /// was.
    #[serde(default)]
    pub ends_sessions: bool,
}

/// Why a password hash was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PasswordChange {
    /// Its owner chose another one; ends every session.
    Changed,
    /// By a token that was sent to the owner; ends every session.
    Reset,
    /// The same password under stronger parameters; sessions go on.
    Rehashed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum UserEvent {
    /// A person exists from here on; their key goes in with this event.
    UserRegistered(Registration),
    /// Holds only the fields that were given.
    ProfileUpdated(Profile),
    /// Holds only the fields that were given. All sessions end where it says so.
    UserAmended(Amendment),
    /// A new hash, and why. Unless the hash alone got stronger, all sessions end.
    PasswordSet { password: Sealed<PasswordHash>, because: PasswordChange },
    /// A token to set a new password is on its way; of the token only a keyed hash is kept.
    PasswordResetRequested(PendingReset),
    /// One role more.
    RoleAssigned { role: RoleId },
    /// One role less.
    RoleRemoved { role: RoleId },
    /// May not log in; all sessions end.
    UserDeactivated {},
    /// May log in again.
    UserReactivated {},
}

impl Event for UserEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl UserType {
    /// Whether people of this type may hold the permission at all; whether they do is said by their roles.
    #[must_use]
    pub fn may_hold(self, permission: Permission) -> bool {
        self == Self::Internal || permission.is_for_customers()
    }
}

impl User {
    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::Unregistered => None,
            Self::Registered(person) => Some(person),
        }
    }
}

impl Aggregate for User {
    tie_to_any!(User);
    type Command = UserCommand;
    type Event = UserEvent;

    fn decide(&self, command: UserCommand) -> Result<Vec<UserEvent>, Rejection> {
        match (self, command) {
            (Self::Unregistered, UserCommand::Register(registration)) => {
                let customer = registration.roles.contains(&RoleId::CUSTOMER);
                match registration.user_type {
                    UserType::Internal if customer => Err(Rejection::CustomerRoleForInternalUser),
                    UserType::Customer if registration.roles != [RoleId::CUSTOMER] => {
                        Err(Rejection::InternalRoleForCustomer)
                    }
                    UserType::Internal | UserType::Customer => {
                        Ok(vec![UserEvent::UserRegistered(registration)])
                    }
                }
            }
            (Self::Unregistered, _) => Err(Rejection::UserNotFound),
            (Self::Registered(person), command) => person.decide(command),
        }
    }

    fn evolve(&mut self, event: &UserEvent) {
        match (self, event) {
            (state, UserEvent::UserRegistered(registration)) => {
                *state = Self::Registered(Box::new(Person::new(registration.clone())));
            }
            (Self::Registered(person), event) => person.evolve(event),
            (
                Self::Unregistered,
                UserEvent::ProfileUpdated(_)
                | UserEvent::UserAmended(_)
                | UserEvent::PasswordSet { .. }
                | UserEvent::PasswordResetRequested(_)
                | UserEvent::RoleAssigned { .. }
                | UserEvent::RoleRemoved { .. }
                | UserEvent::UserDeactivated {}
                | UserEvent::UserReactivated {},
            ) => {}
        }
    }
}

impl Person {
    fn new(registration: Registration) -> Self {
        let Registration { user_id, number, user_type, name, email, password, roles, branch, registered_at } =
            registration;
        Self {
            user_id,
            number,
            user_type,
            name,
            email,
            password,
            roles,
            branch,
            registered_at,
            profile: Profile::default(),
            active: true,
            session_generation: 0,
            reset: None,
        }
    }

    fn decide(&self, command: UserCommand) -> Result<Vec<UserEvent>, Rejection> {
        let event = match command {
            UserCommand::Register(_) => return Err(Rejection::AlreadyExists),
            UserCommand::UpdateProfile(profile) => {
                (profile != Profile::default()).then_some(UserEvent::ProfileUpdated(profile))
            }
            UserCommand::Amend(amendment) => {
                let ends_sessions = amendment.email.is_some();
                let amendment = Amendment { ends_sessions, ..amendment };
                (amendment != Amendment::default()).then_some(UserEvent::UserAmended(amendment))
            }
            UserCommand::SetPassword { password, because } => {
                Some(UserEvent::PasswordSet { password, because })
            }
            UserCommand::RequestReset(_) if !self.active => return Err(Rejection::UserNotFound),
            UserCommand::RequestReset(reset) => Some(UserEvent::PasswordResetRequested(reset)),
            UserCommand::ResetPassword { token_hash, password, at } => {
                let sent = self.reset.as_ref().filter(|_| self.active);
                let good = sent.is_some_and(|sent| sent.token_hash == token_hash && at < sent.expires_at);
                if !good {
                    return Err(Rejection::ResetTokenInvalid);
                }
                Some(UserEvent::PasswordSet { password, because: PasswordChange::Reset })
            }
            UserCommand::AssignRole { role } => match (self.user_type, role == RoleId::CUSTOMER) {
                (UserType::Internal, true) => return Err(Rejection::CustomerRoleForInternalUser),
                (UserType::Customer, false) => return Err(Rejection::InternalRoleForCustomer),
                (UserType::Internal, false) | (UserType::Customer, true) => {
                    (!self.roles.contains(&role)).then_some(UserEvent::RoleAssigned { role })
                }
            },
            UserCommand::RemoveRole { role } if !self.roles.contains(&role) => {
                return Err(Rejection::RoleNotFound);
            }
            UserCommand::RemoveRole { role } => Some(UserEvent::RoleRemoved { role }),
            UserCommand::Deactivate => self.active.then_some(UserEvent::UserDeactivated {}),
            UserCommand::Reactivate => (!self.active).then_some(UserEvent::UserReactivated {}),
        };
        Ok(event.into_iter().collect())
    }

    fn evolve(&mut self, event: &UserEvent) {
        match event {
            UserEvent::UserRegistered(registration) => *self = Self::new(registration.clone()),
            UserEvent::ProfileUpdated(profile) => self.profile.take_over(profile),
            UserEvent::UserAmended(Amendment { name, email, branch, ends_sessions }) => {
                if let Some(name) = name {
                    self.name = name.clone();
                }
                if let Some(email) = email {
                    self.email = email.clone();
                    // Its token went to an address that is theirs no more.
                    self.reset = None;
                }
                self.branch = branch.or(self.branch);
                if *ends_sessions {
                    self.end_sessions();
                }
            }
            UserEvent::PasswordSet { password, because } => {
                self.password = password.clone();
                match because {
                    PasswordChange::Changed | PasswordChange::Reset => {
                        self.reset = None;
                        self.end_sessions();
                    }
                    PasswordChange::Rehashed => {}
                }
            }
            UserEvent::PasswordResetRequested(reset) => self.reset = Some(reset.clone()),
            UserEvent::RoleAssigned { role } => self.roles.push(*role),
            UserEvent::RoleRemoved { role } => self.roles.retain(|held| held != role),
            UserEvent::UserDeactivated {} => {
                self.active = false;
                self.reset = None;
                self.end_sessions();
            }
            UserEvent::UserReactivated {} => self.active = true,
        }
    }

    fn end_sessions(&mut self) {
        self.session_generation = self.session_generation.saturating_add(1);
    }
}
