//! A person, as the administration and the staff see them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use lumbung_commands::user::UserOutcome;
use lumbung_domain::{Email, Person, PersonName, Phone, RoleId, Sealed, UserNumber, UserType};
use lumbung_projections::{Limit, LiveSchema, roles, users};
use serde::Serialize;

use super::envelope::local_time;
use super::error::ApiError;
use super::loan_json::BranchJson;
use super::people::People;
use super::profile::ProfileJson;
use crate::app::App;

/// The union of what the documents show of a user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserJson {
    id: i64,
    name: String,
    /// `null` of who logs in by phone alone, as is the phone of everybody else.
    email: Option<String>,
    phone: Option<String>,
    user_type: &'static str,
    is_active: bool,
    roles: Vec<String>,
    branch: Option<BranchJson>,
    branch_id: Option<i64>,
    branch_name: Option<String>,
    created_at: Option<String>,
}

/// A person with their profile, as the staff and they themselves see them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserDetail {
    #[serde(flatten)]
    user: UserJson,
    profile: ProfileJson,
}

/// The names of all roles.
pub(super) struct RoleNames(BTreeMap<RoleId, String>);

impl RoleNames {
    pub(super) async fn read(read: &LiveSchema) -> Result<Self, ApiError> {
        let all = roles::page(read, Limit::MAX, None).await?;
        Ok(Self(all.rows.into_iter().map(|role| (role.role_id, role.name)).collect()))
    }

    fn of(&self, roles: &[RoleId]) -> Vec<String> {
        roles.iter().filter_map(|role| self.0.get(role)).cloned().collect()
    }
}

/// What a [`UserJson`] is made of, wherever it comes from.
struct Facts<'a> {
    number: UserNumber,
    name: &'a Sealed<PersonName>,
    email: Option<&'a Sealed<Email>>,
    phone: Option<&'a Sealed<Phone>>,
    user_type: UserType,
    active: bool,
    roles: Vec<String>,
    branch: Option<BranchJson>,
    created_at: Option<DateTime<Utc>>,
}

impl UserJson {
    fn new(facts: Facts<'_>, people: &People, zone: Tz) -> Result<Self, ApiError> {
        Ok(Self {
            id: facts.number.0,
            name: people.text(facts.name)?,
            email: people.text_of_some(facts.email)?,
            phone: people.text_of_some(facts.phone)?,
            user_type: facts.user_type.into(),
            is_active: facts.active,
            roles: facts.roles,
            branch_id: facts.branch.as_ref().map(BranchJson::id),
            branch_name: facts.branch.as_ref().map(|branch| branch.name().to_owned()),
            branch: facts.branch,
            created_at: facts.created_at.map(|at| local_time(at, zone)),
        })
    }

    /// After a command.
    pub(super) fn told(user: &UserOutcome, people: &People, zone: Tz) -> Result<Self, ApiError> {
        let facts = Facts {
            number: user.number,
            name: &user.name,
            email: user.email.as_ref(),
            phone: user.phone.as_ref(),
            user_type: user.user_type,
            active: user.active,
            roles: user.roles.clone(),
            branch: user.branch.as_ref().map(BranchJson::from),
            created_at: user.registered_at,
        };
        Self::new(facts, people, zone)
    }

    /// From the read model.
    pub(super) fn read(
        user: &users::User,
        roles: &RoleNames,
        people: &People,
        zone: Tz,
    ) -> Result<Self, ApiError> {
        let facts = Facts {
            number: user.number,
            name: &user.name,
            email: user.email.as_ref(),
            phone: user.phone.as_ref(),
            user_type: user.user_type,
            active: user.active,
            roles: roles.of(&user.roles),
            branch: user.branch.as_ref().map(BranchJson::from),
            created_at: Some(user.created_at),
        };
        Self::new(facts, people, zone)
    }
}

impl UserDetail {
    pub(super) fn read(
        user: &users::User,
        roles: &RoleNames,
        people: &People,
        app: &App,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            user: UserJson::read(user, roles, people, app.zone)?,
            profile: ProfileJson::new(&user.profile, people, app)?,
        })
    }

    /// A person as they see themselves.
    pub(super) fn own(
        person: &Person,
        roles: Vec<String>,
        branch: Option<BranchJson>,
        people: &People,
        app: &App,
    ) -> Result<Self, ApiError> {
        let facts = Facts {
            number: person.number,
            name: &person.name,
            email: person.email.as_ref(),
            phone: person.phone.as_ref(),
            user_type: person.user_type,
            active: person.active,
            roles,
            branch,
            created_at: person.registered_at,
        };
        Ok(Self {
            user: UserJson::new(facts, people, app.zone)?,
            profile: ProfileJson::new(&person.profile, people, app)?,
        })
    }
}
