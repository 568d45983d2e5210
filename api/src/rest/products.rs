//! `/api/products`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_projections::products;

use super::envelope::Reply;
use super::error::ApiError;
use super::loan_json::OfferedProduct;
use super::view::Listing;
use crate::app::App;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Listing { view, paging }: Listing,
) -> Result<Reply<Vec<OfferedProduct>>, ApiError> {
    let page = products::list(&view.read, paging.limit, paging.after).await?;
    let rows = page.rows.iter().map(OfferedProduct::from).collect();
    Ok(view.reply(&app, rows).next(paging.next(page.next)))
}
