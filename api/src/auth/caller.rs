//! The caller of an endpoint, as an extractor: 401 without a good session, 403 when the gate does not admit them.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use lumbung_commands::Actor;
use lumbung_domain::{Person, UserId};
use lumbung_projections::Identity;

use super::Gate;
use super::tokens::Token;
use crate::app::App;
use crate::audit::Trail;
use crate::rest::error::ApiError;

/// Whoever has a good session.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

impl Gate for Anyone {
    fn admits(_: &Identity) -> bool {
        true
    }
}

/// An authenticated caller whom gate `G` admits. Put it before every other extractor: nothing of a request is looked at
/// before it is known who sent it.
pub struct Caller<G: Gate = Anyone> {
    identity: Identity,
    user: UserId,
    trail: Trail,
    gate: PhantomData<fn() -> G>,
}

impl<G: Gate> Caller<G> {
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// What the ledger knows the caller by.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { user: self.user, session: self.identity.session() }
    }

    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// For audit rows of what this caller does.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    #[must_use]
    pub fn person(&self) -> Option<&Person> {
        self.identity.person()
    }
}

impl<G: Gate> FromRequestParts<Arc<App>> for Caller<G> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)
            .and_then(|token| app.tokens.verify(token))
            .ok_or(ApiError::unauthorized())?;
        let trail = parts.extensions.get::<Trail>().cloned().unwrap_or_default();
        trail.identified(Actor { user: token.user, session: token.session });
        let identity = admitted::<G>(app, token).await?;
        Ok(Self { identity, user: token.user, trail, gate: PhantomData })
    }
}

/// Whoever is behind a token, if gate `G` admits them now.
async fn admitted<G: Gate>(app: &App, token: Token) -> Result<Identity, ApiError> {
    // What this node acknowledged, a logout among it, counts at once.
    app.access.wait_until_current(app.patience).await?;
    let identity = app.access.identify(token.session).await?.ok_or(ApiError::unauthorized())?;
    if identity.person().map(|person| person.user_id) != Some(token.user) {
        return Err(ApiError::unauthorized());
    }
    if !G::admits(&identity) {
        return Err(G::refusal().into());
    }
    Ok(identity)
}

/// The token of a caller whom gate `G` admitted, for an answer that goes on for so long that they may lose the right to it.
pub struct Lasting<G: Gate> {
    token: String,
    user: UserId,
    gate: PhantomData<fn() -> G>,
}

impl<G: Gate> Lasting<G> {
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Whether the token is still good, and the gate still admits whom it stands for.
    ///
    /// # Errors
    /// It is not, or that cannot be known.
    pub async fn check(&self, app: &App) -> Result<(), ApiError> {
        let token = app.tokens.verify(&self.token).ok_or(ApiError::unauthorized())?;
        admitted::<G>(app, token).await.map(drop)
    }
}

impl<G: Gate> FromRequestParts<Arc<App>> for Lasting<G> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let caller = Caller::<G>::from_request_parts(parts, app).await?;
        let token = bearer(&parts.headers).ok_or(ApiError::unauthorized())?.to_owned();
        Ok(Self { token, user: caller.user(), gate: PhantomData })
    }
}

/// The token of the one `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
