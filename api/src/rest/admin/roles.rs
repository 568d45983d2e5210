//! `/api/admin/roles` and `/api/admin/permissions`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::role::ReplaceRolePermissions;
use lumbung_domain::{Grants, Invalid, Permission, RoleId, whole_number};
use lumbung_projections::roles;
use serde::Serialize;

use crate::app::App;
use crate::auth::{Caller, ReadPermissions, ReadRoles, UpdateRoles};
use crate::rest::body::{Fields, Form};
use crate::rest::command::{Asked, carry_out};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::path::RoleToChange;
use crate::rest::view::Listing;

#[derive(Serialize)]
pub(in crate::rest) struct RoleJson {
    id: i64,
    name: String,
    /// In the order of their ids.
    permissions: Vec<&'static str>,
}

#[derive(Serialize)]
pub(in crate::rest) struct PermissionJson {
    id: u8,
    name: &'static str,
}

pub(in crate::rest) struct PermissionSet(BTreeSet<Permission>);

impl Form for PermissionSet {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let permissions = fields.numbers("permissionIds", Permission::all().len(), |digits| {
            Permission::of_id(whole_number(digits)?)
                .ok_or_else(|| Invalid::new("is not the id of a permission"))
        });
        Some(Self(permissions?.into_iter().collect()))
    }
}

impl RoleJson {
    fn new(id: RoleId, name: String, grants: &Grants) -> Self {
        Self { id: id.0, name, permissions: grants.names() }
    }
}

pub(in crate::rest) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<ReadRoles>,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<RoleJson>>, ApiError> {
    let page = roles::page(&view.read, paging.limit, paging.after).await?;
    let next = paging.next(page.next);
    let rows = page.rows.into_iter().map(|role| RoleJson::new(role.role_id, role.name, &role.grants));
    Ok(view.reply(&app, rows.collect()).next(next))
}

pub(in crate::rest) async fn permissions(
    State(app): State<Arc<App>>,
    _: Caller<ReadPermissions>,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<PermissionJson>>, ApiError> {
    let (page, next) = paging.cut(Permission::all(), |permission| permission.id().into());
    let rows = page
        .into_iter()
        .map(|permission| PermissionJson { id: permission.id(), name: permission.name() })
        .collect();
    Ok(view.reply(&app, rows).next(next))
}

pub(in crate::rest) async fn replace_permissions(
    State(app): State<Arc<App>>,
    caller: Caller<UpdateRoles>,
    asked: Asked<RoleToChange, PermissionSet>,
) -> Result<Reply<RoleJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let RoleToChange(role) = asked.target;
    let PermissionSet(permissions) = asked.form;
    let use_case =
        ReplaceRolePermissions { actor: caller.actor(), role, permissions, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    let role = done.outcome;
    let json = RoleJson::new(role.role_id, role.name, &role.grants);
    let message = "Role permissions updated successfully";
    let reply = Reply::new(message, Some(json), done.at, app.zone, done.position);
    Ok(reply.version(role.version).replayed(done.replayed))
}
