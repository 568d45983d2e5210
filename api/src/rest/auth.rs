//! `/api/auth`.

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, Utc};
use lumbung_commands::session::{EndSession, OpenSession, SignedIn};
use lumbung_commands::user::{Newcomer, RegisterCustomer, email_claim};
use lumbung_domain::{
    Claim, Email, Invalid, PasswordHash, PersonName, Profile, Rejection, SessionId, User, check_new_password,
};
use lumbung_journal::KeyError;
use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::body::{Fields, Form, Input, NoFields};
use super::command::{Asked, Origin, carry_out};
use super::envelope::Reply;
use super::error::ApiError;
use super::people::People;
use crate::app::App;
use crate::audit::{FailedLogin, Trail};
use crate::auth::Caller;

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

/// Of a login only the form is checked: what cannot be an e-mail belongs to nobody, and is told so like any other.
pub(super) struct Credentials {
    email: Option<Email>,
    password: Zeroizing<String>,
}

impl Form for Credentials {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.text("email", |text| not_blank(text).map(|text| Email::new(text).ok()));
        let password = fields.text("password", |text| {
            if text.is_empty() {
                return Err(Invalid::new("must not be blank"));
            }
            Ok(Zeroizing::new(text.to_owned()))
        });
        Some(Self { email: email?, password: password? })
    }
}

fn not_blank(text: &str) -> Result<&str, Invalid> {
    if text.trim().is_empty() { Err(Invalid::new("must not be blank")) } else { Ok(text) }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionJson {
    token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    user_id: i64,
    email: String,
    name: String,
    roles: Vec<String>,
    permissions: Vec<String>,
}

pub(super) async fn register(
    State(app): State<Arc<App>>,
    origin: Origin,
    input: Input<Registration>,
) -> Result<Reply<SessionJson>, ApiError> {
    let Registration { name, email, password } = input.form;
    let hash = app.passwords.hash(&password).await?;
    let number = app.numbers.user().await?;
    let (newcomer, _) = Newcomer::seal(app.ledger.vault(), number, &name, &email, &hash)?;
    let user_id = newcomer.user_id;
    let session = Some(SessionId(Uuid::now_v7()));
    let use_case = RegisterCustomer { newcomer, profile: Profile::default(), session };
    let done = carry_out(&app, use_case, origin.keyless(user_id)).await?;
    // A registration that was asked for a session always has one.
    let signed_in = done.outcome.ok_or_else(ApiError::internal)?;
    let json = session_json(&app, signed_in, done.at).await?;
    Ok(Reply::new("Registration successful", Some(json), done.at, app.zone, done.position).created())
}

pub(super) async fn login(
    State(app): State<Arc<App>>,
    trail: Trail,
    origin: Origin,
    input: Input<Credentials>,
) -> Result<Reply<SessionJson>, ApiError> {
    let Credentials { email, password } = input.form;
    let known = match &email {
        Some(email) => find(&app, email).await?,
        None => None,
    };
    let (login, hash) = known.unzip();
    let fits = app.passwords.verify(&password, hash).await?;
    let person = login.as_ref().map(|login| login.user);
    let Some(login) = login.filter(|_| fits) else {
        let refused = ApiError::from(Rejection::InvalidCredentials);
        app.audit.login_failed(&trail, FailedLogin { email: email.as_ref(), person, code: refused.code() });
        return Err(refused);
    };
    let user = login.user;
    let done = carry_out(&app, login, origin.keyless(user)).await?;
    let json = session_json(&app, done.outcome, done.at).await?;
    Ok(Reply::new("Login successful", Some(json), done.at, app.zone, done.position))
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

/// The login of the active user with this e-mail, and the hash that their password must fit before it is carried out.
async fn find(app: &App, email: &Email) -> Result<Option<(OpenSession, PasswordHash)>, ApiError> {
    app.access.wait_until_current(app.patience).await?;
    let (claim, _) = app.access.get::<Claim>(email_claim(app.ledger.vault(), email)).await?;
    let Some(user) = claim.user() else { return Ok(None) };
    let (state, _) = app.access.get::<User>(user).await?;
    let Some(person) = state.person().filter(|person| person.active) else { return Ok(None) };
    let password = person.password.clone();
    let opener = app.ledger.vault().opener([password.ciphertext()]).await?;
    match opener.open(&password) {
        Ok(hash) => Ok(Some((OpenSession { user, session: SessionId(Uuid::now_v7()), password }, hash))),
        Err(KeyError::Erased) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn session_json(app: &App, signed_in: SignedIn, at: DateTime<Utc>) -> Result<SessionJson, ApiError> {
    let SignedIn { user_id, number, session, name, email, roles, permissions } = signed_in;
    let people = People::of(app, [name.ciphertext(), email.ciphertext()]).await?;
    Ok(SessionJson {
        token: app.tokens.issue(user_id, session, at)?,
        token_type: "Bearer",
        expires_in: app.tokens.lifetime().as_secs(),
        user_id: number.0,
        email: people.text(&email)?,
        name: people.text(&name)?,
        roles,
        permissions,
    })
}
