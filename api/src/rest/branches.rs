//! `/api/branches`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_projections::branches;

use super::envelope::Reply;
use super::error::ApiError;
use super::loan_json::BranchJson;
use super::view::Listing;
use crate::app::App;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<BranchJson>>, ApiError> {
    let page = branches::list(&view.read, paging.limit, paging.after).await?;
    let rows = page.rows.iter().map(BranchJson::from).collect();
    Ok(view.reply(&app, rows).next(paging.next(page.next)))
}
