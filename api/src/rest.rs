//! The HTTP endpoints of the loan API.
//!
//! Order of checks in every handler is the order of its arguments: who asks (401, 403), the path, the body, then the
//! rules in the ledger. A handler never waits for a read model to answer a command.

pub mod error;

mod approval;
mod auth;
mod branches;
mod health;
mod loans;
mod plafond;
mod products;

mod body;
mod canonical;
mod command;
mod path;
mod view;

mod edge;
mod envelope;
mod loan_json;
mod people;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

pub use edge::RequestId;
pub use error::ApiError;

use crate::app::App;

/// Every route of the slice.
pub fn router(app: Arc<App>) -> Router {
    let limit = usize::try_from(app.limits.body_bytes).unwrap_or(usize::MAX);
    Router::new()
        .route("/api/auth/register", post(auth::register))
        .route("/api/auth/login", post(auth::login))
        .route("/api/auth/logout", post(auth::logout))
        .route("/api/products", get(products::list))
        .route("/api/branches", get(branches::list))
        .route("/api/customer/plafond", post(plafond::select).get(plafond::show))
        .route("/api/loans", post(loans::submit).get(loans::list))
        .route("/api/loans/{id}", get(loans::show))
        .route("/api/loans/{id}/history", get(loans::history))
        .route("/api/approval/pending", get(approval::pending))
        .route("/api/approval/{id}/approve", post(approval::approve))
        .route("/api/approval/{id}/reject", post(approval::reject))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(DefaultBodyLimit::max(limit))
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(from_fn_with_state(Arc::clone(&app), edge::surround))
        .with_state(app)
}
