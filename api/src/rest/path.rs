//! Numbers in paths. A read of something that is no number finds nothing; a change of it is a mistake.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use lumbung_domain::{LoanNumber, Rejection};

use super::body::integer;
use super::error::ApiError;
use crate::app::App;

/// The `{id}` of a loan to look at: 404 if it is no number.
pub(super) struct LoanToRead(pub(super) LoanNumber);

/// The `{id}` of a loan to change: 400 if it is no number.
pub(super) struct LoanToChange(pub(super) LoanNumber);

impl FromRequestParts<Arc<App>> for LoanToRead {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let number = id(parts, app).await.ok_or(Rejection::LoanNotFound)?;
        Ok(Self(LoanNumber(number)))
    }
}

impl FromRequestParts<Arc<App>> for LoanToChange {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let number = id(parts, app).await;
        Ok(Self(LoanNumber(number.ok_or_else(|| ApiError::parameter("id", "must be an integer"))?)))
    }
}

async fn id(parts: &mut Parts, app: &Arc<App>) -> Option<i64> {
    let Path(text) = Path::<String>::from_request_parts(parts, app).await.ok()?;
    integer(&text).ok()
}
