//! A person, as the administration and the staff see them.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use lumbung_commands::user::UserOutcome;
use lumbung_domain::{BranchSnapshot, RoleId};
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
    email: String,
    user_type: &'static str,
    is_active: bool,
    roles: Vec<String>,
    branch: Option<BranchJson>,
    branch_id: Option<i64>,
    branch_name: Option<String>,
    created_at: Option<String>,
}

/// What the staff is shown of a person whose loan they look at.
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

impl UserJson {
    /// After a command.
    pub(super) fn told(user: &UserOutcome, people: &People, zone: Tz) -> Result<Self, ApiError> {
        let branch = user.branch.as_ref();
        Ok(Self {
            id: user.number.0,
            name: people.text(&user.name)?,
            email: people.text(&user.email)?,
            user_type: user.user_type.into(),
            is_active: user.active,
            roles: user.roles.clone(),
            branch: branch.map(BranchJson::from),
            branch_id: branch.map(|branch| branch.branch_id.0),
            branch_name: branch.map(|branch| branch.location.to_string()),
            created_at: user.registered_at.map(|at| local_time(at, zone)),
        })
    }

    /// From the read model.
    pub(super) fn read(
        user: &users::User,
        roles: &RoleNames,
        people: &People,
        zone: Tz,
    ) -> Result<Self, ApiError> {
        let branch: Option<&BranchSnapshot> = user.branch.as_ref();
        Ok(Self {
            id: user.number.0,
            name: people.text(&user.name)?,
            email: people.text(&user.email)?,
            user_type: user.user_type.into(),
            is_active: user.active,
            roles: roles.of(&user.roles),
            branch: branch.map(BranchJson::from),
            branch_id: branch.map(|branch| branch.branch_id.0),
            branch_name: branch.map(|branch| branch.location.to_string()),
            created_at: Some(local_time(user.created_at, zone)),
        })
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
}
