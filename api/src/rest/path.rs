//! Numbers in paths. A read of something that is no number finds nothing; a change of it is a mistake.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use lumbung_domain::{
    BranchId, LoanNumber, ProductId, Rejection, RepaymentId, RoleId, TransferId, UserNumber,
};
use uuid::Uuid;

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

/// The `{id}` of a person to look at: 404 if it is no number.
pub(super) struct UserToRead(pub(super) UserNumber);

impl FromRequestParts<Arc<App>> for UserToRead {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let number = id(parts, app).await.ok_or(Rejection::UserNotFound)?;
        Ok(Self(UserNumber(number)))
    }
}

macro_rules! to_change {
    ($($(#[$doc:meta])* $name:ident($id:ident);)*) => {$(
        $(#[$doc])*
        pub(super) struct $name(pub(super) $id);

        impl FromRequestParts<Arc<App>> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
                let number = id(parts, app).await;
                Ok(Self($id(number.ok_or_else(|| ApiError::parameter("id", "must be an integer"))?)))
            }
        }
    )*};
}

to_change! {
    /// The `{id}` of a person to change: 400 if it is no number.
    UserToChange(UserNumber);
    /// The `{id}` of a role to change: 400 if it is no number.
    RoleToChange(RoleId);
    /// The `{id}` of a branch to change: 400 if it is no number.
    BranchToChange(BranchId);
    /// The `{id}` of a product to change: 400 if it is no number.
    ProductToChange(ProductId);
}

/// The `{id}` of a transfer to change: 400 if it is no UUID.
pub(super) struct TransferToChange(pub(super) TransferId);

impl FromRequestParts<Arc<App>> for TransferToChange {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let id = uuid(parts, app).await;
        Ok(Self(TransferId(id.ok_or_else(|| ApiError::parameter("id", "must be a UUID"))?)))
    }
}

/// The `{id}` of a transfer to look at: 404 if it is no UUID.
pub(super) struct TransferToRead(pub(super) TransferId);

impl FromRequestParts<Arc<App>> for TransferToRead {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let id = uuid(parts, app).await.ok_or(Rejection::TransferNotFound)?;
        Ok(Self(TransferId(id)))
    }
}

/// The `{userId}` and `{roleId}` of a role to take away: 400 naming what is no number.
pub(super) struct RoleOfUser {
    pub(super) user: UserNumber,
    pub(super) role: RoleId,
}

impl FromRequestParts<Arc<App>> for RoleOfUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Path((user, role)) = Path::<(String, String)>::from_request_parts(parts, app)
            .await
            .map_err(|_| ApiError::not_found())?;
        let number = |name, text: &str| {
            integer(text).map_err(|why| ApiError::parameter(name, why.as_str().to_owned()))
        };
        let (user, role) = (number("userId", &user), number("roleId", &role));
        match ApiError::all([user.as_ref().err(), role.as_ref().err()].into_iter().flatten()) {
            Some(all) => Err(all),
            None => Ok(Self { user: UserNumber(user?), role: RoleId(role?) }),
        }
    }
}

/// The `{id}` of a loan and the `{repaymentId}` of a repayment to take back: 400 naming what is none.
pub(super) struct RepaymentOfLoan {
    pub(super) loan: LoanNumber,
    pub(super) repayment: RepaymentId,
}

impl FromRequestParts<Arc<App>> for RepaymentOfLoan {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Path((loan, repayment)) = Path::<(String, String)>::from_request_parts(parts, app)
            .await
            .map_err(|_| ApiError::not_found())?;
        let loan = integer(&loan).map_err(|why| ApiError::parameter("id", why.as_str().to_owned()));
        let repayment =
            hyphenated(&repayment).ok_or_else(|| ApiError::parameter("repaymentId", "must be a UUID"));
        match ApiError::all([loan.as_ref().err(), repayment.as_ref().err()].into_iter().flatten()) {
            Some(all) => Err(all),
            None => Ok(Self { loan: LoanNumber(loan?), repayment: RepaymentId(repayment?) }),
        }
    }
}

async fn id(parts: &mut Parts, app: &Arc<App>) -> Option<i64> {
    let Path(text) = Path::<String>::from_request_parts(parts, app).await.ok()?;
    integer(&text).ok()
}

async fn uuid(parts: &mut Parts, app: &Arc<App>) -> Option<Uuid> {
    let Path(text) = Path::<String>::from_request_parts(parts, app).await.ok()?;
    hyphenated(&text)
}

/// Hyphenated alone, so that there is one way to write an id.
fn hyphenated(text: &str) -> Option<Uuid> {
    if text.len() == 36 { text.parse().ok() } else { None }
}
