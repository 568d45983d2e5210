//! One person: a customer or a member of the staff.

use serde::{Deserialize, Serialize};

use crate::any::tie_to_any;
use crate::{
    Address, Aggregate, Birthdate, BranchId, Email, Event, Nik, PasswordHash, PersonName, Phone, Rejection,
    RoleId, Sealed, UserId, UserNumber,
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
    pub profile: Profile,
    pub active: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum UserType {
    Customer,
    Internal,
}

/// What a lender must know of a borrower. Claims nothing: the same NIK or phone may stand in two profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub nik: Option<Sealed<Nik>>,
    pub birthdate: Option<Sealed<Birthdate>>,
    pub phone: Option<Sealed<Phone>>,
    pub address: Option<Sealed<Address>>,
}

impl Profile {
    /// A loan may be asked for once NIK, birthdate, phone and address are known (CONTRACT §3).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.nik.is_some() && self.birthdate.is_some() && self.phone.is_some() && self.address.is_some()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserCommand {
    Register(Registration),
    /// Absent fields keep their value; with none given nothing happens.
    UpdateProfile(Profile),
    /// From then on every session of theirs is refused: a session is good only while its user is active.
    Deactivate,
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum UserEvent {
    UserRegistered(Registration),
    /// Holds only the fields that were given.
    ProfileUpdated(Profile),
    UserDeactivated {},
}

impl Event for UserEvent {
    fn event_type(&self) -> &'static str {
        self.into()
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
            (Self::Registered(_), UserCommand::Register(_)) => Err(Rejection::AlreadyExists),
            (Self::Unregistered, _) => Err(Rejection::UserNotFound),
            (Self::Registered(_), UserCommand::UpdateProfile(profile)) => {
                Ok(if profile == Profile::default() {
                    Vec::new()
                } else {
                    vec![UserEvent::ProfileUpdated(profile)]
                })
            }
            (Self::Registered(person), UserCommand::Deactivate) => {
                Ok(if person.active { vec![UserEvent::UserDeactivated {}] } else { Vec::new() })
            }
        }
    }

    fn evolve(&mut self, event: &UserEvent) {
        match (self, event) {
            (state, UserEvent::UserRegistered(registration)) => {
                *state = Self::Registered(Box::new(Person::new(registration.clone())));
            }
            (Self::Registered(person), UserEvent::ProfileUpdated(profile)) => {
                person.profile.take_over(profile);
            }
            (Self::Registered(person), UserEvent::UserDeactivated {}) => person.active = false,
            (Self::Unregistered, UserEvent::ProfileUpdated(_) | UserEvent::UserDeactivated {}) => {}
        }
    }
}

impl Person {
    fn new(registration: Registration) -> Self {
        let Registration { user_id, number, user_type, name, email, password, roles, branch } = registration;
        Self {
            user_id,
            number,
            user_type,
            name,
            email,
            password,
            roles,
            branch,
            profile: Profile::default(),
            active: true,
        }
    }
}

impl Profile {
    fn take_over(&mut self, given: &Self) {
        fn replace<T: Clone>(held: &mut Option<T>, given: Option<&T>) {
            if let Some(value) = given {
                *held = Some(value.clone());
            }
        }
        replace(&mut self.nik, given.nik.as_ref());
        replace(&mut self.birthdate, given.birthdate.as_ref());
        replace(&mut self.phone, given.phone.as_ref());
        replace(&mut self.address, given.address.as_ref());
    }
}
