//! `POST /register` and `POST /login`: with a phone and a PIN.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use lumbung_commands::user::{Newcomer, RegisterCustomer};
use lumbung_domain::{Address, PersonName, Phone, Profile, UserId, check_new_pin};
use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::login::{LoggedIn, Login};
use super::sign_in::not_blank;
use super::{Tokens, secret};
use crate::app::App;
use crate::audit::Trail;
use crate::auth::{ClientAddress, LoginName, Standing, Way};
use crate::rest::body::{Fields, Form, Input};
use crate::rest::command::{Origin, carry_out};
use crate::rest::envelope::{Reply, wallet_time};
use crate::rest::error::ApiError;

pub(in crate::rest) struct Registration {
    first: PersonName,
    last: PersonName,
    phone: Phone,
    address: Address,
    pin: Zeroizing<String>,
}

impl Form for Registration {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let first = fields.text("first_name", PersonName::new);
        let last = fields.text("last_name", PersonName::new);
        let phone = fields.text("phone_number", Phone::mobile);
        let address = fields.text("address", Address::new);
        let pin = fields.text("pin", |pin| check_new_pin(pin).map(|()| Zeroizing::new(pin.to_owned())));
        Some(Self { first: first?, last: last?, phone: phone?, address: address?, pin: pin? })
    }
}

#[derive(Serialize)]
pub(in crate::rest) struct Registered {
    user_id: UserId,
    first_name: String,
    last_name: String,
    phone_number: String,
    address: String,
    created_date: String,
}

/// Opens no session: the client logs in.
pub(in crate::rest) async fn register(
    State(app): State<Arc<App>>,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
    origin: Origin,
    input: Input<Registration>,
) -> Result<Reply<Registered>, ApiError> {
    let Registration { first, last, phone, address, pin } = input.form;
    app.quota.take(client)?;
    let name = LoginName::Phone(phone.clone());
    let login = Login::of(&app, &headers, Way::Phone, Some(name), phone.as_e164());
    let hash = app.passwords.hash(Standing::Stranger(client), login.key(), &pin).await?;
    let number = app.numbers.user().await?;
    let user_id = UserId(Uuid::now_v7());
    let vault = app.ledger.vault();
    let (newcomer, sealer) =
        Newcomer::seal_by_phone(vault, user_id, number, (&first, Some(&last)), &phone, &hash)?;
    // They are reached by the number that they gave, until their profile says another.
    let profile = Profile {
        phone: Some(sealer.seal(&phone)?),
        address: Some(sealer.seal(&address)?),
        ..Profile::default()
    };
    let use_case = RegisterCustomer { newcomer, profile, session: None };
    let done = carry_out(&app, use_case, origin.keyless(user_id)).await?;
    let json = Registered {
        user_id,
        first_name: first.as_str().to_owned(),
        last_name: last.as_str().to_owned(),
        phone_number: phone.national().into_owned(),
        address: address.as_str().to_owned(),
        created_date: wallet_time(done.at, app.zone),
    };
    let reply = Reply::new("Registration successful", Some(json), done.at, app.zone, done.position);
    // Nobody has ended the sessions of who has just come.
    Ok(reply.created().cookie(login.cookie(&app, 0)?))
}

/// Of a login only the form is checked: what cannot be a phone belongs to nobody, and is told so like any other.
pub(in crate::rest) struct Credentials {
    phone: Option<Phone>,
    /// As it was typed.
    typed: String,
    pin: Zeroizing<String>,
}

impl Form for Credentials {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let phone = fields.text("phone_number", not_blank);
        let pin = fields.text("pin", secret);
        let typed = phone?;
        Some(Self { phone: Phone::new(&typed).ok(), typed, pin: pin? })
    }
}

#[derive(Serialize)]
pub(in crate::rest) struct TokensJson {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
}

pub(in crate::rest) async fn login(
    State(app): State<Arc<App>>,
    client: ClientAddress,
    trail: Trail,
    headers: HeaderMap,
    origin: Origin,
    input: Input<Credentials>,
) -> Result<Reply<TokensJson>, ApiError> {
    let Credentials { phone, typed, pin } = input.form;
    let login = Login::of(&app, &headers, Way::Phone, phone.map(LoginName::Phone), &typed);
    let LoggedIn { signed_in, at, position, cookie } =
        login.enter(&app, &trail, (&headers, client), &origin, &pin).await?;
    let Tokens { access, refresh, expires_in } = Tokens::of(&app, &signed_in, at)?;
    let json = TokensJson { access_token: access, refresh_token: refresh, token_type: "Bearer", expires_in };
    Ok(Reply::new("Login successful", Some(json), at, app.zone, position).cookie(cookie))
}
