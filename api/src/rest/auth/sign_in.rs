//! `POST /api/auth/login`.
//!
//! One answer, after one amount of work, whether there is no such user, they are not active, or the password is wrong.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use chrono::Utc;
use lumbung_commands::session::{OpenSession, SignedIn};
use lumbung_commands::user::email_claim;
use lumbung_commands::{Answer, Call};
use lumbung_domain::{Claim, Email, Invalid, PasswordHash, Person, Rejection, SessionId, User, UserId};
use lumbung_journal::KeyError;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{SessionJson, secret, session_json};
use crate::app::App;
use crate::audit::{FailedLogin, Trail};
use crate::auth::passwords::{Place, is_weak};
use crate::auth::{CountKey, Device, Standing, bearer};
use crate::rest::body::{Fields, Form, Input};
use crate::rest::command::Origin;
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;

/// A password may be rehashed or changed while it is being compared; then it is compared again.
const COMPARISONS: usize = 3;

/// Of a login only the form is checked: what cannot be an e-mail belongs to nobody, and is told so like any other.
pub(in crate::rest) struct Credentials {
    email: Option<Email>,
    /// As it was typed.
    typed: String,
    password: Zeroizing<String>,
}

impl Form for Credentials {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.text("email", |text| {
            if text.trim().is_empty() { Err(Invalid::new("must not be blank")) } else { Ok(text.to_owned()) }
        });
        let password = fields.text("password", secret);
        let typed = email?;
        Some(Self { email: Email::new(&typed).ok(), typed, password: password? })
    }
}

pub(in crate::rest) async fn login(
    State(app): State<Arc<App>>,
    trail: Trail,
    headers: HeaderMap,
    origin: Origin,
    input: Input<Credentials>,
) -> Result<Reply<SessionJson>, ApiError> {
    let Credentials { email, typed, password } = input.form;
    let login = Login::of(&app, &headers, email.as_ref(), &typed);
    let (standing, counted_as) = login.standing(&app, &headers, email.as_ref()).await?;
    // Before anything is counted or looked up for the password: a flood costs no more than there are places.
    let place = app.passwords.place(standing, login.key()).await?;
    let attempt = app.failed_logins.begin(counted_as, &place).await?;
    let (answer, generation) = match sign_in(&app, &origin, &place, email.as_ref(), &password).await {
        Ok(Ok(signed_in)) => signed_in,
        Ok(Err(Refused { person })) => {
            attempt.failed();
            let refused = ApiError::from(Rejection::InvalidCredentials);
            let failed = FailedLogin { email: email.as_ref(), person, code: refused.code() };
            app.audit.login_failed(&trail, failed);
            return Err(refused);
        }
        // Nobody learned anything about the password.
        Err(error) => {
            attempt.not_failed();
            return Err(error);
        }
    };
    attempt.not_failed();
    let Answer { outcome, position, answered_at: at, .. } = answer;
    let json = session_json(&app, outcome?, at).await?;
    let reply = Reply::new("Login successful", Some(json), at, app.zone, position);
    Ok(reply.cookie(login.cookie(&app, generation)?))
}

/// E-mail and password do not belong together.
struct Refused {
    /// Whose e-mail it is, if an active user's.
    person: Option<UserId>,
}

/// The answer, and the session generation that the session is of.
async fn sign_in(
    app: &App,
    origin: &Origin,
    place: &Place,
    email: Option<&Email>,
    password: &str,
) -> Result<Result<(Answer<SignedIn>, u32), Refused>, ApiError> {
    let mut refused = Refused { person: None };
    for _ in 0..COMPARISONS {
        let known = match email {
            Some(email) => find(app, email).await?,
            None => None,
        };
        let fits = place.verify(password, known.as_ref().map(|(_, hash)| hash)).await?;
        refused.person = known.as_ref().map(|(person, _)| person.user_id);
        let Some((person, hash)) = known.filter(|_| fits) else { return Ok(Err(refused)) };
        let use_case = open_session(app, place, &person, &hash, password).await?;
        let call: Call = origin.keyless(person.user_id);
        let answer = app.ledger.execute(use_case, call).await?;
        if answer.outcome != Err(Rejection::InvalidCredentials) {
            return Ok(Ok((answer, person.session_generation)));
        }
    }
    Ok(Err(refused))
}

async fn open_session(
    app: &App,
    place: &Place,
    person: &Person,
    hash: &PasswordHash,
    password: &str,
) -> Result<OpenSession, ApiError> {
    let user = person.user_id;
    let rehashed = if is_weak(hash) {
        let stronger = place.hash(password).await?;
        Some(app.ledger.vault().sealer(user.0).await?.seal(&stronger)?)
    } else {
        None
    };
    let (session, password) = (SessionId(Uuid::now_v7()), person.password.clone());
    Ok(OpenSession { user, session, password, rehashed })
}

/// The active person with this e-mail, and the hash that their password must fit.
pub(super) async fn find(app: &App, email: &Email) -> Result<Option<(Person, PasswordHash)>, ApiError> {
    let Some(person) = owner(app, email).await?.filter(|person| person.active) else { return Ok(None) };
    match open_password(app, &person).await {
        Ok(hash) => Ok(Some((person, hash))),
        Err(OpenFailed::Erased) => Ok(None),
        Err(OpenFailed::Other(error)) => Err(error),
    }
}

/// Whoever has this e-mail.
async fn owner(app: &App, email: &Email) -> Result<Option<Person>, ApiError> {
    app.access.wait_until_current(app.patience).await?;
    let (claim, _) = app.access.get::<Claim>(email_claim(app.ledger.vault(), email)).await?;
    // Of nobody a stream is looked at too, so that it takes as long.
    let user = claim.user().unwrap_or(UserId(Uuid::nil()));
    let (state, _) = app.access.get::<User>(user).await?;
    Ok(state.person().cloned())
}

/// Why a password hash was not opened.
pub(super) enum OpenFailed {
    Erased,
    Other(ApiError),
}

/// The stored hash, which must be the person's own.
pub(super) async fn open_password(app: &App, person: &Person) -> Result<PasswordHash, OpenFailed> {
    let opener = app.ledger.vault().opener([person.password.ciphertext()]).await;
    let opener = opener.map_err(|error| OpenFailed::Other(error.into()))?;
    match opener.open_of(person.user_id.0, &person.password) {
        Ok(hash) => Ok(hash),
        Err(KeyError::Erased) => Err(OpenFailed::Erased),
        Err(error) => Err(OpenFailed::Other(error.into())),
    }
}

/// An e-mail as it is used to log in, and the device that uses it.
pub(super) struct Login {
    hash: [u8; 32],
    device: Option<Device>,
}

impl Login {
    pub(super) fn of(app: &App, headers: &HeaderMap, email: Option<&Email>, typed: &str) -> Self {
        let vault = app.ledger.vault();
        let key = email.map_or_else(|| typed.trim().to_lowercase(), Email::login_key);
        let hash = vault.keyed_hash("login", &[key.as_bytes()]);
        Self { hash, device: Device::of(headers, vault, &hash, Utc::now()) }
    }

    /// What the account's password hashes are counted by, whether it exists or not.
    pub(super) fn key(&self) -> CountKey {
        self.hash
    }

    /// Strangers are counted together per e-mail; a known device, and a session of the same user, on their own.
    async fn standing(
        &self,
        app: &App,
        headers: &HeaderMap,
        email: Option<&Email>,
    ) -> Result<(Standing, CountKey), ApiError> {
        let count = |what: &str, which: &[u8]| app.ledger.vault().keyed_hash(what, &[&self.hash, which]);
        if let (Some(device), Some(email)) = (&self.device, email) {
            let owner = owner(app, email).await?.filter(|owner| owner.active);
            if owner.is_some_and(|owner| owner.session_generation == device.generation()) {
                return Ok((Standing::Known, count("failed-logins-of-device", device.number())));
            }
        }
        if let (Some(token), Some(email)) =
            (bearer(headers).and_then(|token| app.tokens.verify(token)), email)
        {
            app.access.wait_until_current(app.patience).await?;
            let identity = app.access.identify(token.session).await?;
            let (claim, _) = app.access.get::<Claim>(email_claim(app.ledger.vault(), email)).await?;
            let owner = identity.as_ref().and_then(|identity| identity.person()).map(|person| person.user_id);
            if owner.is_some() && owner == claim.user() {
                let session = token.session.0.as_bytes();
                return Ok((Standing::Known, count("failed-logins-of-session", session)));
            }
        }
        Ok((Standing::Stranger, count("failed-logins", b"")))
    }

    /// What lets this device be known next time.
    /// `generation`: the account's session generation from now on.
    pub(super) fn cookie(&self, app: &App, generation: u32) -> Result<Option<HeaderValue>, ApiError> {
        let device = self.device.map_or_else(|| Device::new(generation), Ok)?.in_generation(generation);
        let secure = app.public_url.starts_with("https://");
        Ok(device.cookie(app.ledger.vault(), &self.hash, secure, Utc::now()))
    }
}
