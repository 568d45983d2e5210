//! `/api/branches`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_projections::branches;

use super::envelope::Reply;
use super::error::ApiError;
use super::loan_json::BranchJson;
use super::view::View;
use crate::app::App;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    view: View,
) -> Result<Reply<Vec<BranchJson>>, ApiError> {
    let branches = branches::list(&view.read).await?;
    let json = |branch: &branches::Branch| {
        BranchJson::new(branch.branch_id.0, branch.code.as_str(), branch.location.as_str())
    };
    Ok(view.reply(&app, branches.iter().map(json).collect()))
}
