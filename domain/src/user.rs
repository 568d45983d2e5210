//! One person: a customer or a member of the staff.

mod person;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{
    Aggregate, BranchId, Email, Event, PasswordHash, Permission, PersonName, Phone, Profile, Rejection,
    RoleId, Sealed, UserId, UserNumber,
};

pub use person::Person;

/// Stream id: the [`UserId`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum User {
    #[default]
    Unregistered,
    Registered(Box<Person>),
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
    /// Refused with [`Rejection::LoginIncomplete`] for who could not log in by anything.
    Register(Registration),
    /// Absent fields keep their value; with none given nothing happens.
    UpdateProfile(Profile),
    /// Absent fields keep their value; with none given nothing happens. The use case has moved the claim of an e-mail.
    /// Another e-mail ends every session: whoever logs in by it is not for sure who was logged in. Refused with
    /// [`Rejection::NoEmailLogin`] where there is no e-mail to change.
    Amend(Amendment),
    /// Refused with [`Rejection::LoginIncomplete`] for who has no e-mail.
    SetPassword { password: Sealed<PasswordHash>, because: PasswordChange },
    /// Refused with [`Rejection::LoginIncomplete`] for who has no phone to log in by.
    SetPin { pin: Sealed<PasswordHash>, because: PasswordChange },
    /// A token was sent to the owner; those before it are void. Refused with [`Rejection::UserNotFound`] for who is not
    /// active or has no e-mail.
    RequestReset(PendingReset),
    /// Refused with [`Rejection::ResetTokenInvalid`] unless it is the token that was sent last, in time.
    ResetPassword { token_hash: Box<str>, password: Sealed<PasswordHash>, at: DateTime<Utc> },
    /// Refused with [`Rejection::CustomerRoleForInternalUser`] and [`Rejection::InternalRoleForCustomer`]. A role that
    /// is held already changes nothing.
    AssignRole { role: RoleId },
    /// Refused with [`Rejection::RoleNotFound`] for a role that is not held.
    RemoveRole { role: RoleId },
    /// Ends every session.
    Deactivate,
    /// Sessions from before stay over.
    Reactivate,
}

/// The first facts of a person. They log in by e-mail and password, by phone and PIN, or by either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    pub user_id: UserId,
    pub number: UserNumber,
    pub user_type: UserType,
    pub name: Sealed<PersonName>,
    /// There is one for each password, and a password for each.
    #[serde(default)]
    pub email: Option<Sealed<Email>>,
    #[serde(default)]
    pub password: Option<Sealed<PasswordHash>>,
    pub roles: Vec<RoleId>,
    pub branch: Option<BranchId>,
    /// `None` in events from before it was recorded.
    #[serde(default)]
    pub registered_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub name_parts: Option<NameParts>,
    /// The phone that they log in by; the one of the profile is another matter. There is one for each PIN, and a PIN for
    /// each.
    #[serde(default)]
    pub phone: Option<Sealed<Phone>>,
    #[serde(default)]
    pub pin: Option<Sealed<PasswordHash>>,
}

/// A name as its owner told it in two parts. The name of everybody else is parted where it is shown so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameParts {
    pub first: Sealed<PersonName>,
    pub last: Option<Sealed<PersonName>>,
}

/// What an administrator changes about a person, or a customer about their own name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    pub name: Option<Sealed<PersonName>>,
    pub email: Option<Sealed<Email>>,
    pub branch: Option<BranchId>,
    /// All sessions end with it. Decided by [`User`]: so it is where the e-mail changes. `false` in events from before it
    /// was.
    #[serde(default)]
    pub ends_sessions: bool,
    /// Of the name that is given; counts only with one.
    #[serde(default)]
    pub name_parts: Option<NameParts>,
}

/// Why the hash of a password or a PIN was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PasswordChange {
    /// Its owner chose another one; ends every session.
    Changed,
    /// By a token that was sent to the owner; ends every session.
    Reset,
    /// The same one under stronger parameters; sessions go on.
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
    /// A new hash of the PIN, and why. Unless the hash alone got stronger, all sessions end.
    PinSet { pin: Sealed<PasswordHash>, because: PasswordChange },
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

impl Registration {
    /// By e-mail and password, by phone and PIN, or by either; nothing of them without the other.
    fn can_log_in(&self) -> bool {
        let whole =
            self.email.is_some() == self.password.is_some() && self.phone.is_some() == self.pin.is_some();
        whole && (self.email.is_some() || self.phone.is_some())
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
                    _ if !registration.can_log_in() => Err(Rejection::LoginIncomplete),
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
                | UserEvent::PinSet { .. }
                | UserEvent::PasswordResetRequested(_)
                | UserEvent::RoleAssigned { .. }
                | UserEvent::RoleRemoved { .. }
                | UserEvent::UserDeactivated {}
                | UserEvent::UserReactivated {},
            ) => {}
        }
    }
}
