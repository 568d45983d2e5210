//! Everything that is not a success, in one place: which status, which code, which words.
//!
//! Three lanes. Rejected: the business said no; its words are the documents'. Transient: 503, try again. Fatal: 500
//! without a reason; the reason is logged once, by the edge, and never reaches a client.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use lumbung_commands::NoAnswer;
use lumbung_domain::Rejection;
use lumbung_journal::{JournalError, KeyError, is_transient};
use lumbung_projections::{Behind, ReadError};
use serde::Serialize;

use crate::auth::{PasswordsError, TokenError};
use crate::newcomer::NewcomerError;

/// Seconds after which a client may try again what failed for now.
const RETRY_AFTER_S: u32 = 1;

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
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "The request body is too large")
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

    /// It is not known whether the command was carried out.
    #[must_use]
    pub fn outcome_unknown() -> Self {
        Self::later(
            "OUTCOME_UNKNOWN",
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

    /// Wrong fields, in the order of the documented body.
    #[must_use]
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let message = fields.first().map_or_else(
            || Cow::Borrowed("The request is not valid"),
            |first| Cow::Owned(format!("{}: {}", first.field, first.message)),
        );
        let mut error = Self::new(StatusCode::BAD_REQUEST, "VALIDATION_FAILED", message);
        error.0.fields = fields;
        error
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

    /// The same rejection, as the ledger keeps it under an Idempotency-Key.
    #[must_use]
    pub(super) fn kept(mut self, at: DateTime<Utc>, request_id: String, replayed: bool) -> Self {
        self.0.kept = Some(Kept { at, request_id, replayed });
        self
    }

    pub(super) fn problem(&self) -> &Problem {
        &self.0
    }

    fn unavailable(cause: impl Error + Send + Sync + 'static) -> Self {
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

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        Self::new(status(&rejection), rejection.code(), rejection.to_string())
    }
}

fn status(rejection: &Rejection) -> StatusCode {
    match rejection {
        Rejection::Unauthorized | Rejection::InvalidCredentials => StatusCode::UNAUTHORIZED,
        Rejection::AccessDenied
        | Rejection::LoanNotYours
        | Rejection::LoanOfOtherBranch
        | Rejection::AlreadyDecided => StatusCode::FORBIDDEN,
        Rejection::UserNotFound
        | Rejection::RoleNotFound
        | Rejection::ProductNotFound
        | Rejection::BranchNotFound
        | Rejection::PlafondNotActive
        | Rejection::LoanNotFound => StatusCode::NOT_FOUND,
        Rejection::EmailAlreadyRegistered
        | Rejection::EmailAlreadyExists
        | Rejection::PhoneAlreadyRegistered
        | Rejection::BranchCodeAlreadyExists
        | Rejection::LastSuperadmin
        | Rejection::SuperadminPermissionsFixed
        | Rejection::ReservationNotFound
        | Rejection::AlreadyExists => StatusCode::CONFLICT,
        Rejection::CustomerRoleForInternalUser
        | Rejection::InternalRoleForCustomer
        | Rejection::BranchRequired { .. }
        | Rejection::PlafondAlreadyActive
        | Rejection::ProfileIncomplete
        | Rejection::PlafondRequired
        | Rejection::LoanAlreadyPending
        | Rejection::PlafondExceeded { .. }
        | Rejection::TenorExceeded { .. }
        | Rejection::RateTooLow { .. }
        | Rejection::LoanWrongStatus { .. }
        | Rejection::BalanceNotEnough
        | Rejection::BalanceTooLarge => StatusCode::BAD_REQUEST,
        Rejection::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl From<NoAnswer> for ApiError {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Overloaded => Self::overloaded(),
            NoAnswer::OutcomeUnknown => Self::outcome_unknown(),
            NoAnswer::Failed => Self::fatal(why),
        }
    }
}

impl From<Behind> for ApiError {
    fn from(behind: Behind) -> Self {
        let mut error = Self::later("PROJECTION_BEHIND", "The data is not up to date yet. Please try again.");
        error.0.cause = Some(Arc::new(behind));
        error
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Keys(error) => error.into(),
            error if error.is_transient() => Self::unavailable(error),
            error => Self::fatal(error),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Erased => Self::erased(),
            KeyError::WrongMasterKey | KeyError::Damaged | KeyError::Cipher | KeyError::NoEntropy => {
                Self::fatal(error)
            }
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        if error.is_transient() { Self::unavailable(error) } else { Self::fatal(error) }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) { Self::unavailable(error) } else { Self::fatal(error) }
    }
}

impl From<PasswordsError> for ApiError {
    fn from(error: PasswordsError) -> Self {
        match error {
            PasswordsError::Busy => Self::overloaded(),
            PasswordsError::Hash(_) | PasswordsError::Lost(_) => Self::fatal(error),
        }
    }
}

impl From<NewcomerError> for ApiError {
    fn from(error: NewcomerError) -> Self {
        match error {
            NewcomerError::Keys(error) => error.into(),
            NewcomerError::Number(error) => error.into(),
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        Self::fatal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(error: impl Into<ApiError>) -> (u16, &'static str, String) {
        let ApiError(problem) = error.into();
        (problem.status.as_u16(), problem.code, problem.message.into_owned())
    }

    #[test]
    fn rejections_keep_their_words_and_codes() {
        let (status, code, message) = seen(Rejection::EmailAlreadyRegistered);
        assert_eq!((status, code, &*message), (409, "EMAIL_ALREADY_REGISTERED", "Email already registered"));
        let (status, code, message) = seen(Rejection::AccessDenied);
        assert_eq!((status, code, &*message), (403, "ACCESS_DENIED", "Access Denied"));
        assert_eq!(seen(Rejection::IdempotencyKeyReused).0, 422);
        assert_eq!(seen(Rejection::PlafondNotActive).0, 404);
        assert_eq!(seen(Rejection::LoanWrongStatus { status: lumbung_domain::LoanStatus::Disbursed }).0, 400);
    }

    #[test]
    fn no_answer_is_never_a_no() {
        assert_eq!(seen(NoAnswer::Overloaded).1, "OVERLOADED");
        assert_eq!(
            (seen(NoAnswer::OutcomeUnknown).0, seen(NoAnswer::OutcomeUnknown).1),
            (503, "OUTCOME_UNKNOWN")
        );
        assert_eq!(seen(NoAnswer::Failed).0, 500);
    }

    #[test]
    fn a_fatal_text_never_shows() {
        let secret = JournalError::Malformed { what: "the secret of the house" };
        let error = ApiError::from(secret);
        assert_eq!(error.problem().message, "Internal Server Error");
        assert!(error.problem().cause.is_some());
    }

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
    }
}
