//! Everything that is not a success, in one place: which status, which code, which words.
//!
//! Three lanes. Rejected: the business said no; its words are the documents'. Transient: 503, try again. Fatal: 500
//! without a reason; the reason is logged once, by the edge, and never reaches a client.

mod lanes;

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use lumbung_domain::Rejection;
use serde::Serialize;

/// Seconds after which a client may try again what failed for now.
const RETRY_AFTER_S: u32 = 1;

/// How many wrong fields one answer names: more help nobody, and what is sent must not grow with what came.
const MOST_FAULTS: usize = 100;

const OUTCOME_UNKNOWN: &str = "OUTCOME_UNKNOWN";

/// An answer that is no success. The edge renders it, in the envelope that the client asked for.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Problem>);

/// What the edge renders.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    pub(super) fields: Vec<FieldError>,
    pub(super) retry_after_s: Option<u32>,
    /// For operators.
    pub(super) cause: Option<Arc<dyn Error + Send + Sync>>,
    /// Set when the ledger gave the answer under an Idempotency-Key, which must give it again.
    pub(super) kept: Option<Kept>,
}

/// What makes a repeated rejection byte-equal.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) at: DateTime<Utc>,
    pub(super) request_id: String,
    pub(super) replayed: bool,
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: Cow<'static, str>,
    /// Without the name of the field.
    pub message: Cow<'static, str>,
}

impl ApiError {
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Problem {
            status,
            code,
            message: message.into(),
            fields: Vec::new(),
            retry_after_s: None,
            cause: None,
            kept: None,
        }))
    }

    #[must_use]
    pub fn unauthorized() -> Self {
        Rejection::Unauthorized.into()
    }

    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Not Found")
    }

    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Method Not Allowed")
    }

    #[must_use]
    pub fn too_large(limit_bytes: u64) -> Self {
        let what = format!("The request body is larger than the limit of {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", what)
    }

    #[must_use]
    pub fn unsupported_media_type() -> Self {
        let what = "The request body must be application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", what)
    }

    /// The body did not arrive in time; nothing was done.
    #[must_use]
    pub fn body_timeout() -> Self {
        let what = "The request body did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", what)
    }

    #[must_use]
    pub fn overloaded() -> Self {
        Self::later("OVERLOADED", "The server is busy. Nothing was done; please try again.")
    }

    /// Asked too often; nothing was done.
    #[must_use]
    pub fn rate_limited(wait: Duration) -> Self {
        let what = "Too many attempts. Please try again later.";
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", what);
        // Rounded up: who comes back then is not held back again.
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        error.0.retry_after_s = Some(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX));
        error
    }

    /// There is no way to send the message that the request needs.
    #[must_use]
    pub fn mail_unavailable() -> Self {
        let what = "E-mail is not available. Please contact us.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "MAIL_UNAVAILABLE", what)
    }

    /// There is no way to take the money in that a wallet would be topped up with.
    #[must_use]
    pub fn top_up_unavailable() -> Self {
        let what = "Top up is not available. Please contact us.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "TOPUP_UNAVAILABLE", what)
    }

    /// There is no gateway to take a repayment from.
    #[must_use]
    pub fn gateway_unavailable() -> Self {
        let what = "Payment by the gateway is not available. Please pay from the wallet.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "GATEWAY_UNAVAILABLE", what)
    }

    /// It is not known whether the command was carried out.
    #[must_use]
    pub fn outcome_unknown() -> Self {
        Self::later(
            OUTCOME_UNKNOWN,
            "It is not known yet whether the request was carried out. Repeat it with its Idempotency-Key to find out.",
        )
    }

    /// The person that an answer is about was erased.
    #[must_use]
    pub fn erased() -> Self {
        Self::new(StatusCode::GONE, "ERASED", "The personal data of this answer was erased")
    }

    /// A parameter of the request that is not in its body.
    #[must_use]
    pub fn parameter(name: &'static str, what: impl Into<Cow<'static, str>>) -> Self {
        Self::fields(vec![FieldError { field: name.into(), message: what.into() }])
    }

    /// Wrong fields, in the order of the documented body; the first [`MOST_FAULTS`] of them.
    #[must_use]
    pub fn fields(mut fields: Vec<FieldError>) -> Self {
        fields.truncate(MOST_FAULTS);
        let message = fields.first().map_or_else(
            || Cow::Borrowed("The request is not valid"),
            |first| Cow::Owned(format!("{}: {}", first.field, first.message)),
        );
        let mut error = Self::new(StatusCode::BAD_REQUEST, "VALIDATION_FAILED", message);
        error.0.fields = fields;
        error
    }

    /// Names the one field that the error is about.
    #[must_use]
    pub(super) fn about(mut self, field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.fields = vec![FieldError { field: field.into(), message: message.into() }];
        self
    }

    /// Names the field that the message begins with: `amount: what is wrong`.
    #[must_use]
    pub(super) fn about_its_field(mut self) -> Self {
        if let Some((field, message)) = self.0.message.split_once(": ") {
            let (field, message) = (field.to_owned().into(), message.to_owned().into());
            self.0.fields = vec![FieldError { field, message }];
        }
        self
    }

    /// Everything that is wrong with one request: the first fault speaks, and the fields of all are named if it is about
    /// fields.
    #[must_use]
    pub(super) fn all<'a>(faults: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut faults = faults.into_iter();
        let mut all = faults.next()?.clone();
        if !all.0.fields.is_empty() {
            all.0.fields.extend(faults.flat_map(|fault| fault.0.fields.clone()));
            all.0.fields.truncate(MOST_FAULTS);
        }
        Some(all)
    }

    /// What a person has to look at. The cause is for the log.
    #[must_use]
    pub fn fatal(cause: impl Error + Send + Sync + 'static) -> Self {
        let mut error = Self::internal();
        error.0.cause = Some(Arc::new(cause));
        error
    }

    /// A failure that was logged where it happened.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "Internal Server Error")
    }

    /// Whether the command may have been carried out all the same.
    #[must_use]
    pub(super) fn is_uncertain(&self) -> bool {
        self.0.code == OUTCOME_UNKNOWN
    }

    /// The same rejection, as the ledger keeps it under an Idempotency-Key.
    #[must_use]
    pub(super) fn kept(mut self, at: DateTime<Utc>, request_id: String, replayed: bool) -> Self {
        self.0.kept = Some(Kept { at, request_id, replayed });
        self
    }

    /// Stable, in capitals.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Whether the client is at fault.
    #[must_use]
    pub(super) fn is_client_error(&self) -> bool {
        self.0.status.is_client_error()
    }

    pub(super) fn problem(&self) -> &Problem {
        &self.0
    }

    pub(super) fn unavailable(cause: impl Error + Send + Sync + 'static) -> Self {
        let mut error = Self::later("UNAVAILABLE", "The service is not available for now. Please try again.");
        error.0.cause = Some(Arc::new(cause));
        error
    }

    fn later(code: &'static str, message: &'static str) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message);
        error.0.retry_after_s = Some(RETRY_AFTER_S);
        error
    }
}

/// The edge finds the error in the response and renders it.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_speaks_for_all() {
        let field = |field: &'static str, message: &'static str| FieldError {
            field: field.into(),
            message: message.into(),
        };
        let fields = vec![field("email", "must be a valid email"), field("password", "is required")];
        let error = ApiError::fields(fields.clone());
        assert_eq!(error.problem().message, "email: must be a valid email");
        assert_eq!(error.problem().fields, fields);
        let id = ApiError::parameter("id", "must be an integer");
        let type_wrong = ApiError::unsupported_media_type();
        let all = ApiError::all([&id, &type_wrong, &error]).unwrap_or(ApiError::internal());
        assert_eq!(all.problem().message, "id: must be an integer");
        assert_eq!(all.problem().fields.len(), 3);
        let all = ApiError::all([&type_wrong, &id]).unwrap_or(ApiError::internal());
        assert_eq!((all.problem().status.as_u16(), all.problem().fields.len()), (415, 0));
    }
}
