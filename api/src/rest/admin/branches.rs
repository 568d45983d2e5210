//! `/api/admin/branches`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::branch::{AmendBranch, BranchOutcome, CloseBranch, CreateBranch};
use lumbung_commands::reference::OpenBranch;
use lumbung_domain::{Branch, BranchCode, BranchId, Place};

use crate::app::App;
use crate::auth::{Caller, ManageBranches};
use crate::rest::body::{Fields, Form, NoFields};
use crate::rest::command::{Accepted, Asked, carry_out};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::loan_json::BranchJson;
use crate::rest::path::BranchToChange;

/// How many numbers in a row may be taken already: far more than there are branches that did not draw theirs.
const DRAWS: usize = 100;

pub(in crate::rest) struct BranchForm {
    code: BranchCode,
    location: Place,
}

impl Form for BranchForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.text("code", BranchCode::new);
        let location = fields.text("location", Place::new);
        Some(Self { code: code?, location: location? })
    }
}

pub(in crate::rest) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller<ManageBranches>,
    asked: Asked<(), BranchForm>,
) -> Result<Reply<BranchJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let BranchForm { code, location } = asked.form;
    let branch = OpenBranch { branch_id: free_id(&app).await?, code, location };
    let done = carry_out(&app, CreateBranch { actor: caller.actor(), branch }, call).await?;
    Ok(told(&app, "Branch created successfully", done).created())
}

pub(in crate::rest) async fn amend(
    State(app): State<Arc<App>>,
    caller: Caller<ManageBranches>,
    asked: Asked<BranchToChange, BranchForm>,
) -> Result<Reply<BranchJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let BranchToChange(branch) = asked.target;
    let BranchForm { code, location } = asked.form;
    let use_case = AmendBranch { actor: caller.actor(), branch, code, location, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    Ok(told(&app, "Branch updated successfully", done))
}

pub(in crate::rest) async fn close(
    State(app): State<Arc<App>>,
    caller: Caller<ManageBranches>,
    asked: Asked<BranchToChange, NoFields>,
) -> Result<Reply<()>, ApiError> {
    let call = asked.call(&app, caller.user());
    let BranchToChange(branch) = asked.target;
    let use_case = CloseBranch { actor: caller.actor(), branch, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    // Documented as `"data": null`.
    let reply = Reply::new("Branch deleted successfully", Some(()), done.at, app.zone, done.position);
    Ok(reply.replayed(done.replayed))
}

fn told(app: &App, message: &'static str, done: Accepted<BranchOutcome>) -> Reply<BranchJson> {
    let BranchOutcome { branch, version } = &done.outcome;
    let reply = Reply::new(message, Some(branch.into()), done.at, app.zone, done.position);
    reply.version(*version).replayed(done.replayed)
}

/// The next number that no branch has or had. The demo data's branches have numbers that were not drawn.
async fn free_id(app: &App) -> Result<BranchId, ApiError> {
    for _ in 0..DRAWS {
        let id = app.numbers.branch().await?;
        if *app.access.get::<Branch>(id).await?.0 == Branch::Unopened {
            return Ok(id);
        }
    }
    Err(ApiError::overloaded())
}
