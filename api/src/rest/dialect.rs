//! Which envelope an answer comes in. The documents describe several APIs on one server, each with shapes of its own;
//! the path alone decides, for successes and for everything that goes wrong.

use std::borrow::Cow;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::{FieldError, Problem};

/// The paths of the wallet API, with whatever stands below them.
const OF_THE_WALLET: [&str; 8] =
    ["register", "login", "topup", "pay", "transfer", "transactions", "profile", "withdraw"];

/// The shapes of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `{success, message, data, timestamp}`, for every path that no other document describes.
    Loan,
    /// As the loan API, but errors say status and reason alone; who must log in is told so in full.
    Files,
    /// `{status: "SUCCESS", result}`, and errors as `{message, …}`.
    Wallet,
}

/// A success, before it has an envelope.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) message: &'static str,
    pub(super) data: Option<Box<RawValue>>,
    /// As the loan API prints it.
    pub(super) timestamp: String,
}

/// What of an error is not its problem: when and to whom it was told.
pub(super) struct Occasion<'a> {
    /// As the loan API prints it.
    pub(super) timestamp: &'a str,
    pub(super) request_id: &'a str,
}

#[derive(Serialize)]
struct LoanSuccess<'a> {
    success: bool,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    timestamp: &'a str,
}

#[derive(Serialize)]
struct LoanError<'a> {
    success: bool,
    message: &'a str,
    timestamp: &'a str,
    code: &'a str,
    errors: &'a [FieldError],
    #[serde(rename = "requestId")]
    request_id: &'a str,
}

#[derive(Serialize)]
struct FilesError {
    status: u16,
    error: &'static str,
}

#[derive(Serialize)]
struct WalletSuccess<'a> {
    status: &'static str,
    result: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct WalletError<'a> {
    message: &'a str,
    code: &'a str,
    errors: &'a [FieldError],
    #[serde(rename = "requestId")]
    request_id: &'a str,
}

impl Dialect {
    /// Of a path, whether there is such an endpoint or not.
    pub(super) fn of(path: &str) -> Self {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if OF_THE_WALLET.contains(&first) {
            Self::Wallet
        } else if first == "uploads" {
            Self::Files
        } else {
            Self::Loan
        }
    }

    pub(super) fn success(self, told: &Told) -> serde_json::Result<Vec<u8>> {
        let Told { message, data, timestamp } = told;
        let data = data.as_deref();
        match self {
            Self::Loan | Self::Files => {
                serde_json::to_vec(&LoanSuccess { success: true, message, data, timestamp })
            }
            Self::Wallet => serde_json::to_vec(&WalletSuccess { status: "SUCCESS", result: data }),
        }
    }

    pub(super) fn error(self, problem: &Problem, occasion: &Occasion<'_>) -> serde_json::Result<Vec<u8>> {
        let message = &*self.words(problem);
        let Problem { status, code, fields: errors, .. } = problem;
        let Occasion { timestamp, request_id } = *occasion;
        match self {
            Self::Files if *status != StatusCode::UNAUTHORIZED => {
                let error = status.canonical_reason().unwrap_or("Error");
                serde_json::to_vec(&FilesError { status: status.as_u16(), error })
            }
            Self::Loan | Self::Files => {
                let success = false;
                serde_json::to_vec(&LoanError { success, message, timestamp, code, errors, request_id })
            }
            Self::Wallet => serde_json::to_vec(&WalletError { message, code, errors, request_id }),
        }
    }

    /// What an error says in this API. Its code and status are the same in all of them.
    pub(super) fn words<'a>(self, problem: &'a Problem) -> Cow<'a, str> {
        match (self, problem.code) {
            (Self::Wallet, "UNAUTHORIZED") => Cow::Borrowed("Unauthenticated"),
            _ => Cow::Borrowed(&problem.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for path in ["/pay", "/pay/", "/transactions/7", "/transactions?x", "/withdraw", "//login"] {
            let path = path.split('?').next().unwrap_or_default();
            assert_eq!(Dialect::of(path), Dialect::Wallet, "{path}");
        }
        for path in ["/", "/payments", "/api/customer/wallet", "/api/auth/login", "/api/pay", "/Pay", ""] {
            assert_eq!(Dialect::of(path), Dialect::Loan, "{path}");
        }
        for path in ["/uploads", "/uploads/", "/uploads/documents/x"] {
            assert_eq!(Dialect::of(path), Dialect::Files, "{path}");
        }
        assert_eq!(Dialect::of("/uploadsx"), Dialect::Loan);
    }
}
