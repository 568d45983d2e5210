//! `POST /api/auth/login`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use lumbung_domain::{Email, Invalid};
use zeroize::Zeroizing;

use super::login::{LoggedIn, Login};
use super::{SessionJson, secret, session_json};
use crate::app::App;
use crate::audit::Trail;
use crate::auth::{ClientAddress, LoginName, Way};
use crate::rest::body::{Fields, Form, Input};
use crate::rest::command::Origin;
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;

/// Of a login only the form is checked: what cannot be an e-mail belongs to nobody, and is told so like any other.
pub(in crate::rest) struct Credentials {
    email: Option<Email>,
    /// As it was typed.
    typed: String,
    password: Zeroizing<String>,
}

impl Form for Credentials {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.text("email", not_blank);
        let password = fields.text("password", secret);
        let typed = email?;
        Some(Self { email: Email::new(&typed).ok(), typed, password: password? })
    }
}

pub(super) fn not_blank(text: &str) -> Result<String, Invalid> {
    if text.trim().is_empty() { Err(Invalid::new("must not be blank")) } else { Ok(text.to_owned()) }
}

pub(in crate::rest) async fn login(
    State(app): State<Arc<App>>,
    client: ClientAddress,
    trail: Trail,
    headers: HeaderMap,
    origin: Origin,
    input: Input<Credentials>,
) -> Result<Reply<SessionJson>, ApiError> {
    let Credentials { email, typed, password } = input.form;
    let login = Login::of(&app, &headers, Way::Email, email.map(LoginName::Email), &typed);
    let LoggedIn { signed_in, at, position, cookie } =
        login.enter(&app, &trail, (&headers, client), &origin, &password).await?;
    let json = session_json(&app, signed_in, at).await?;
    Ok(Reply::new("Login successful", Some(json), at, app.zone, position).cookie(cookie))
}
