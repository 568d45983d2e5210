//! `GET /metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;

use crate::app::App;
use crate::auth::{Caller, ReadOperations};
use crate::metrics;

type Text = ([(axum::http::HeaderName, HeaderValue); 1], String);

/// For whoever may look at operations. What it shows is of this node as it is: nothing waits for the projections.
pub(super) async fn show(State(app): State<Arc<App>>, _: Caller<ReadOperations>) -> Text {
    text(&app).await
}

/// For whoever reaches the private listener.
pub(super) async fn show_privately(State(app): State<Arc<App>>) -> Text {
    text(&app).await
}

async fn text(app: &App) -> Text {
    metrics::gather(app).await;
    ([(CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE))], metrics::render())
}
