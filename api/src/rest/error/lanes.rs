//! How everything that can go wrong becomes an answer: rejected, transient or fatal. No wildcard, so a new rejection
//! does not compile until it has a status.

use std::convert::Infallible;

use axum::http::StatusCode;
use lumbung_commands::NoAnswer;
use lumbung_domain::Rejection;
use lumbung_journal::{JournalError, KeyError, is_transient};
use lumbung_projections::{Behind, ReadError};

use super::ApiError;
use crate::auth::{HeldBack, PasswordsError, TokenError};

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        let error = Self::new(status(&rejection), rejection.code(), rejection.to_string());
        match rejection {
            Rejection::CurrentPasswordWrong => error.about("currentPassword", "is not your current password"),
            Rejection::PermissionNotForCustomers { permission } => {
                error.about("permissionIds", format!("{} is not for customers", permission.name()))
            }
            Rejection::NoEmailLogin => {
                error.about("email", "the user has no e-mail to log in by, and only they can add one")
            }
            Rejection::BalanceTooLarge => error.about("amount", "the balance would pass Rp 999999999999999"),
            Rejection::BusinessDateOutOfRange { first_on, last_on } => {
                error.about("businessDate", format!("must be between {first_on} and {last_on}"))
            }
            Rejection::ProductNameAlreadyExists => error.about("name", "already exists"),
            Rejection::ScheduleTooLarge
            | Rejection::RepaymentAbovePayoff { .. }
            | Rejection::LaterRepaymentTooLarge { .. }
            | Rejection::PaidOnOutOfRange { .. } => error.about_its_field(),
            _ => error,
        }
    }
}

fn status(rejection: &Rejection) -> StatusCode {
    match rejection {
        Rejection::Unauthorized
        | Rejection::InvalidCredentials
        | Rejection::InvalidPhoneOrPin
        | Rejection::RefreshTokenReused => StatusCode::UNAUTHORIZED,
        Rejection::AccessDenied
        | Rejection::LoanNotYours
        | Rejection::LoanOfOtherBranch
        | Rejection::AlreadyDecided => StatusCode::FORBIDDEN,
        Rejection::UserNotFound
        | Rejection::RoleNotFound
        | Rejection::ProductNotFound
        | Rejection::BranchNotFound
        | Rejection::PlafondNotActive
        | Rejection::LoanNotFound
        | Rejection::TargetUserNotFound
        | Rejection::TransferNotFound
        | Rejection::RepaymentNotFound => StatusCode::NOT_FOUND,
        Rejection::EmailAlreadyRegistered
        | Rejection::EmailAlreadyExists
        | Rejection::PhoneAlreadyRegistered
        | Rejection::LoginIncomplete
        | Rejection::BranchCodeAlreadyExists
        | Rejection::ProductNameAlreadyExists
        | Rejection::BranchHasUsers
        | Rejection::BranchHasLoans
        | Rejection::OnlineBranchFixed { .. }
        | Rejection::LastSuperadmin
        | Rejection::SuperadminPermissionsFixed
        | Rejection::ReservationNotFound
        | Rejection::LoanNotExpired
        | Rejection::TransferWrongStatus { .. }
        | Rejection::LoanPaidOff
        | Rejection::LoanAlreadyWrittenOff
        | Rejection::TooManyRepayments
        | Rejection::LoanDaysOpen
        | Rejection::RepaymentReversed
        | Rejection::LendingRulesFull
        | Rejection::AlreadyExists => StatusCode::CONFLICT,
        Rejection::CurrentPasswordWrong
        | Rejection::ResetTokenInvalid
        | Rejection::CustomerViaAdmin
        | Rejection::PermissionNotForCustomers { .. }
        | Rejection::BranchForCustomer
        | Rejection::NoEmailLogin
        | Rejection::CustomerRoleForInternalUser
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
        | Rejection::CustomerNotActive
        | Rejection::WalletCannotTakeLoan
        | Rejection::LoanNotPending { .. }
        | Rejection::LoanNotDisbursed { .. }
        | Rejection::AgreementAboveCap { .. }
        | Rejection::ScheduleTooLarge
        | Rejection::RepaymentAbovePayoff { .. }
        | Rejection::LaterRepaymentTooLarge { .. }
        | Rejection::PaidOnOutOfRange { .. }
        | Rejection::BusinessDateOutOfRange { .. }
        | Rejection::BalanceNotEnough
        | Rejection::BalanceTooLarge
        | Rejection::TransferToSelf => StatusCode::BAD_REQUEST,
        Rejection::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Rejection::VersionMismatch => StatusCode::PRECONDITION_FAILED,
    }
}

impl From<Infallible> for ApiError {
    fn from(never: Infallible) -> Self {
        match never {}
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
    /// Not logged: any client can ask for a position that is never reached.
    fn from(_: Behind) -> Self {
        Self::later("PROJECTION_BEHIND", "The data is not up to date yet. Please try again.")
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
            KeyError::WrongMasterKey
            | KeyError::NoKeys
            | KeyError::Damaged
            | KeyError::Cipher
            | KeyError::NoEntropy => Self::fatal(error),
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
            PasswordsError::Hash(_) | PasswordsError::Lost => Self::fatal(error),
        }
    }
}

impl From<HeldBack> for ApiError {
    fn from(HeldBack(wait): HeldBack) -> Self {
        Self::rate_limited(wait)
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
        let error: ApiError = error.into();
        let problem = error.problem();
        (problem.status.as_u16(), problem.code, problem.message.to_string())
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
}
