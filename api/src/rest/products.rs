//! `/api/products`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_projections::products;

use super::envelope::Reply;
use super::error::ApiError;
use super::loan_json::ProductJson;
use super::view::View;
use crate::app::App;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    view: View,
) -> Result<Reply<Vec<ProductJson>>, ApiError> {
    let terms = products::list(&view.read).await?;
    Ok(view.reply(&app, terms.iter().map(ProductJson::from).collect()))
}
