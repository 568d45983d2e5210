//! `/api/auth`, `/register` and `/login`: people come in, stay in and leave.

pub(super) mod by_phone;
pub(super) mod password;
pub(super) mod sign_in;

mod login;

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use lumbung_commands::Actor;
use lumbung_commands::session::{EndSession, RefreshSession, Refreshed, SignedIn};
use lumbung_commands::user::{Newcomer, RegisterCustomer};
use lumbung_domain::{Email, Invalid, PersonName, Profile, Rejection, SessionId, check_new_password};
use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::body::{Fields, Form, Input, NoFields};
use super::command::{Asked, Origin, carry_out};
use super::envelope::Reply;
use super::error::ApiError;
use super::people::People;
use crate::app::App;
use crate::auth::{Caller, ClientAddress, LoginName, RefreshToken, Standing, Way};
use login::Login;

pub(super) struct Registration {
    name: PersonName,
    email: Email,
    password: Zeroizing<String>,
}

impl Form for Registration {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", PersonName::new);
        let email = fields.text("email", Email::new);
        let password = fields
            .text("password", |text| check_new_password(text).map(|()| Zeroizing::new(text.to_owned())));
        Some(Self { name: name?, email: email?, password: password? })
    }
}

pub(super) struct Refresh {
    token: Zeroizing<String>,
}

impl Form for Refresh {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { token: fields.text("refreshToken", secret)? })
    }
}

/// A text that is taken as it is, but must be there.
fn secret(text: &str) -> Result<Zeroizing<String>, Invalid> {
    if text.is_empty() { Err(Invalid::new("must not be blank")) } else { Ok(Zeroizing::new(text.to_owned())) }
}

/// What a client needs to act for a person, and what it may show of them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionJson {
    token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    refresh_token: String,
    user_id: i64,
    /// `null` of who logs in by phone alone.
    email: Option<String>,
    name: String,
    roles: Vec<String>,
    permissions: Vec<String>,
}

pub(super) async fn register(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    origin: Origin,
    input: Input<Registration>,
) -> Result<Reply<SessionJson>, ApiError> {
    let Registration { name, email, password } = input.form;
    app.quota.take(address)?;
    let login = Login::of(&app, &headers, Way::Email, Some(LoginName::Email(email.clone())), email.as_str());
    let hash = app.passwords.hash(Standing::Stranger(address), login.key(), &password).await?;
    let number = app.numbers.user().await?;
    let (newcomer, _) = Newcomer::seal(app.ledger.vault(), number, &name, &email, &hash)?;
    let user_id = newcomer.user_id;
    let session = Some(SessionId(Uuid::now_v7()));
    let use_case = RegisterCustomer { newcomer, profile: Profile::default(), session };
    let done = carry_out(&app, use_case, origin.keyless(user_id)).await?;
    // A registration that was asked for a session always has one.
    let signed_in = done.outcome.ok_or_else(ApiError::internal)?;
    // Nobody has ended the sessions of who has just come.
    let cookie = login.cookie(&app, 0)?;
    let json = session_json(&app, signed_in, done.at).await?;
    let reply = Reply::new("Registration successful", Some(json), done.at, app.zone, done.position);
    Ok(reply.created().cookie(cookie))
}

pub(super) async fn logout(
    State(app): State<Arc<App>>,
    caller: Caller,
    asked: Asked<(), NoFields>,
) -> Result<Reply<()>, ApiError> {
    let call = asked.call(&app, caller.user());
    let done = carry_out(&app, EndSession { actor: caller.actor() }, call).await?;
    let reply = Reply::new("Logged out successfully", None, done.at, app.zone, done.position);
    Ok(reply.replayed(done.replayed))
}

pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    origin: Origin,
    input: Input<Refresh>,
) -> Result<Reply<SessionJson>, ApiError> {
    match refreshed(&app, &origin, &input.form.token).await {
        Err(error) if error.is_client_error() => {
            // Only those who have no good token are counted, and held back: a whole office may stand behind one address.
            app.refusals.take(address)?;
            Err(error)
        }
        other => other,
    }
}

async fn refreshed(app: &App, origin: &Origin, token: &str) -> Result<Reply<SessionJson>, ApiError> {
    let RefreshToken { user, session, rotation } =
        app.tokens.verify_refresh(token).ok_or_else(ApiError::unauthorized)?;
    let use_case = RefreshSession { actor: Actor { user, session }, rotation };
    let done = carry_out(app, use_case, origin.keyless(user)).await?;
    match done.outcome {
        Refreshed::GoesOn(signed_in) => {
            let json = session_json(app, *signed_in, done.at).await?;
            Ok(Reply::new("Token refreshed successfully", Some(json), done.at, app.zone, done.position))
        }
        Refreshed::Ended => Err(Rejection::RefreshTokenReused.into()),
    }
}

/// What a session's holder shows.
struct Tokens {
    access: String,
    refresh: String,
    /// Of the access token, in seconds.
    expires_in: u64,
}

impl Tokens {
    fn of(app: &App, signed_in: &SignedIn, at: DateTime<Utc>) -> Result<Self, ApiError> {
        let SignedIn { user_id: user, session, rotation, .. } = *signed_in;
        Ok(Self {
            access: app.tokens.issue(user, session, at)?,
            refresh: app.tokens.issue_refresh(RefreshToken { user, session, rotation }, at)?,
            expires_in: app.tokens.lifetime().as_secs(),
        })
    }
}

async fn session_json(app: &App, signed_in: SignedIn, at: DateTime<Utc>) -> Result<SessionJson, ApiError> {
    let Tokens { access, refresh, expires_in } = Tokens::of(app, &signed_in, at)?;
    let people = People::of(app, [signed_in.name.ciphertext()]).await?;
    Ok(SessionJson {
        token: access,
        token_type: "Bearer",
        expires_in,
        refresh_token: refresh,
        user_id: signed_in.number.0,
        email: people.text_of_some(signed_in.email.as_ref())?,
        name: people.text(&signed_in.name)?,
        roles: signed_in.roles,
        permissions: signed_in.permissions,
    })
}
