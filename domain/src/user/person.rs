//! What is known of a person, and how it changes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Amendment, NameParts, PasswordChange, PendingReset, Registration, UserCommand, UserEvent, UserType,
};
use crate::{
    BranchId, Email, PasswordHash, PersonName, Phone, Profile, Rejection, RoleId, Sealed, UserId, UserNumber,
};

/// Everything a command or an answer needs to know of a person. Personal values are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub user_id: UserId,
    pub number: UserNumber,
    pub user_type: UserType,
    pub name: Sealed<PersonName>,
    pub name_parts: Option<NameParts>,
    /// With it goes the password; who has none logs in by phone.
    pub email: Option<Sealed<Email>>,
    pub password: Option<Sealed<PasswordHash>>,
    /// To log in by, with the PIN; not the one of the profile.
    pub phone: Option<Sealed<Phone>>,
    pub pin: Option<Sealed<PasswordHash>>,
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

impl Person {
    pub(super) fn new(registration: Registration) -> Self {
        let Registration {
            user_id,
            number,
            user_type,
            name,
            email,
            password,
            roles,
            branch,
            registered_at,
            name_parts,
            phone,
            pin,
        } = registration;
        Self {
            user_id,
            number,
            user_type,
            name,
            name_parts,
            email,
            password,
            phone,
            pin,
            roles,
            branch,
            registered_at,
            profile: Profile::default(),
            active: true,
            session_generation: 0,
            reset: None,
        }
    }

    pub(super) fn decide(&self, command: UserCommand) -> Result<Vec<UserEvent>, Rejection> {
        let event = match command {
            UserCommand::Register(_) => return Err(Rejection::AlreadyExists),
            UserCommand::UpdateProfile(profile) => {
                (profile != Profile::default()).then_some(UserEvent::ProfileUpdated(profile))
            }
            UserCommand::Amend(Amendment { email: Some(_), .. }) if self.email.is_none() => {
                return Err(Rejection::NoEmailLogin);
            }
            UserCommand::Amend(amendment) => {
                let ends_sessions = amendment.email.is_some();
                let amendment = Amendment { ends_sessions, ..amendment };
                (amendment != Amendment::default()).then_some(UserEvent::UserAmended(amendment))
            }
            UserCommand::SetPassword { .. } if self.email.is_none() => {
                return Err(Rejection::LoginIncomplete);
            }
            UserCommand::SetPin { .. } if self.phone.is_none() => return Err(Rejection::LoginIncomplete),
            UserCommand::SetPin { pin, because } => Some(UserEvent::PinSet { pin, because }),
            UserCommand::SetPassword { password, because } => {
                Some(UserEvent::PasswordSet { password, because })
            }
            UserCommand::RequestReset(_) if !self.active || self.email.is_none() => {
                return Err(Rejection::UserNotFound);
            }
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

    pub(super) fn evolve(&mut self, event: &UserEvent) {
        match event {
            UserEvent::UserRegistered(registration) => *self = Self::new(registration.clone()),
            UserEvent::ProfileUpdated(profile) => self.profile.take_over(profile),
            UserEvent::UserAmended(Amendment { name, email, branch, ends_sessions, name_parts }) => {
                if let Some(name) = name {
                    self.name = name.clone();
                    self.name_parts = name_parts.clone();
                }
                if let Some(email) = email {
                    self.email = Some(email.clone());
                    // Its token went to an address that is theirs no more.
                    self.reset = None;
                }
                self.branch = branch.or(self.branch);
                if *ends_sessions {
                    self.end_sessions();
                }
            }
            UserEvent::PasswordSet { password, because } => {
                self.password = Some(password.clone());
                match because {
                    PasswordChange::Changed | PasswordChange::Reset => {
                        self.reset = None;
                        self.end_sessions();
                    }
                    PasswordChange::Rehashed => {}
                }
            }
            UserEvent::PinSet { pin, because } => {
                self.pin = Some(pin.clone());
                match because {
                    PasswordChange::Changed | PasswordChange::Reset => self.end_sessions(),
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
