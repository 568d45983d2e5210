//! Changing a password, and getting in without one.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{TimeDelta, Utc};
use lumbung_commands::user::{
    ChangePassword, NewPassword, RequestReset, ResetPassword, ResetRequest, reset_claim,
};
use lumbung_domain::{
    Channel, Claim, Email, Invalid, Letter, MessageId, MessageKind, PendingReset, Person, Queued, Rejection,
    User, check_new_password,
};
use lumbung_journal::KeyError;
use tokio::time::Instant;
use uuid::{Builder, Uuid};
use zeroize::Zeroizing;

use super::login::{Known, Login, find, open_hash};
use super::secret;
use crate::app::App;
use crate::auth::passwords::Place;
use crate::auth::{Caller, ClientAddress, LoginName, Standing, Way};
use crate::rest::body::{Fields, Form, Input};
use crate::rest::command::{Asked, Origin, carry_out};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;

/// How long a reset token is good for.
const RESET_WITHIN: TimeDelta = TimeDelta::minutes(30);
/// When a request for a reset is answered, whatever was to be done: much longer than the most takes.
const ANSWERED_AFTER: Duration = Duration::from_millis(250);
const LONGEST_TOKEN: usize = 200;

pub(in crate::rest) struct Change {
    current: Zeroizing<String>,
    new: Zeroizing<String>,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let current = fields.text("currentPassword", secret);
        let new = fields
            .text("newPassword", |text| check_new_password(text).map(|()| Zeroizing::new(text.to_owned())));
        Some(Self { current: current?, new: new? })
    }
}

pub(in crate::rest) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    asked: Asked<(), Change>,
) -> Result<Reply<()>, ApiError> {
    let person = caller.person().ok_or_else(ApiError::unauthorized)?;
    let login = login_of(&app, &headers, person).await?;
    let place = app.passwords.place(Standing::Known, login.key()).await?;
    // Who has got hold of a session must not find out its password by trying.
    let counted_as = app.ledger.vault().keyed_hash("failed-password-changes", &[caller.user().0.as_bytes()]);
    let attempt = app.failed_logins.begin(counted_as, &place).await?;
    let reply = changed(&app, &caller, person, &place, &asked).await;
    match &reply {
        Err(error) if error.is_client_error() => attempt.failed(),
        Ok(_) | Err(_) => attempt.not_failed(),
    }
    let (reply, replayed) = reply?;
    // All devices are strangers' now, but the one that did it. An answer given again says nothing new of a device.
    let cookie = if replayed { None } else { login.cookie(&app, next_generation(person))? };
    Ok(reply.cookie(cookie))
}

/// Of somebody whose password is set anew.
fn next_generation(person: &Person) -> u32 {
    person.session_generation.saturating_add(1)
}

/// How this person logs in: by e-mail if they have one.
async fn login_of(app: &App, headers: &HeaderMap, person: &Person) -> Result<Login, ApiError> {
    let (email, phone) = (person.email.as_ref(), person.phone.as_ref());
    let sealed = [email.map(|email| email.ciphertext()), phone.map(|phone| phone.ciphertext())];
    let opener = app.ledger.vault().opener(sealed.into_iter().flatten()).await?;
    let owner = person.user_id.0;
    let (way, name) = match (email, phone) {
        (Some(email), _) => (Way::Email, opener.open_of(owner, email).map(LoginName::Email)),
        (None, Some(phone)) => (Way::Phone, opener.open_of(owner, phone).map(LoginName::Phone)),
        (None, None) => return Err(ApiError::internal()),
    };
    Ok(Login::of(app, headers, way, Some(name?), ""))
}

/// The answer, and whether it was given before.
async fn changed(
    app: &App,
    caller: &Caller,
    person: &Person,
    place: &Place,
    asked: &Asked<(), Change>,
) -> Result<(Reply<()>, bool), ApiError> {
    let user = caller.user();
    let held = person.password.as_ref();
    let hash = match held {
        Some(held) => Some(open_hash(app, user, held).await?),
        None => None,
    };
    let fits = place.verify(&asked.form.current, hash.as_ref()).await?;
    let password = match held.filter(|_| fits) {
        Some(replaces) => {
            let new = place.hash(&asked.form.new).await?;
            let password = app.ledger.vault().sealer(user.0).await?.seal(&new)?;
            Some(NewPassword { replaces: replaces.clone(), password })
        }
        // The ledger says no: the same request may have been carried out before, under its key.
        None => None,
    };
    let call = asked.call(app, user);
    let done = carry_out(app, ChangePassword { actor: caller.actor(), password }, call).await?;
    let reply = Reply::new("Password changed successfully", None, done.at, app.zone, done.position);
    Ok((reply.replayed(done.replayed), done.replayed))
}

pub(in crate::rest) struct Forgotten {
    email: Email,
}

impl Form for Forgotten {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { email: fields.text("email", Email::new)? })
    }
}

/// Says the same, at the same time, whether there is such a user or not. `Ledger-Position` is where the ledger stood
/// before, for the same reason.
pub(in crate::rest) async fn forgot(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    origin: Origin,
    input: Input<Forgotten>,
) -> Result<Reply<()>, ApiError> {
    if !app.delivers {
        return Err(ApiError::mail_unavailable());
    }
    app.quota.take(address)?;
    let answer_at = Instant::now() + ANSWERED_AFTER;
    let position = app.ledger.feed().reached();
    let request = match find(&app, &LoginName::Email(input.form.email)).await? {
        Some(Known { person, .. }) => Some(reset_request(&app, &person).await?),
        None => None,
    };
    let actor = request.as_ref().map_or(lumbung_domain::UserId(Uuid::nil()), |request| request.user);
    carry_out(&app, RequestReset { request }, origin.keyless(actor)).await?;
    app.outbox_bell.notify_one();
    tokio::time::sleep_until(answer_at).await;
    let message = "If the email exists, a password reset link has been sent";
    Ok(Reply::new(message, None, Utc::now(), app.zone, position))
}

/// Draws a token and seals the message that takes it to its owner. Nothing else ever holds it.
async fn reset_request(app: &App, person: &Person) -> Result<ResetRequest, ApiError> {
    let vault = app.ledger.vault();
    // As its owner gave it: in another spelling of its letters it could be somebody else's mailbox.
    let held = person.email.as_ref().ok_or_else(ApiError::internal)?;
    let email: Email = vault.opener([held.ciphertext()]).await?.open_of(person.user_id.0, held)?;
    let mut random = Zeroizing::new([0; 16]);
    getrandom::fill(&mut *random).map_err(|_| KeyError::NoEntropy)?;
    let token = Zeroizing::new(Builder::from_random_bytes(*random).into_uuid().to_string());
    let (_, token_hash) = reset_claim(vault, &token);
    let letter = Letter::new(email, "Reset your password", reset_text(&app.public_url, &token))
        .map_err(|_| ApiError::internal())?;
    let (queued_at, user) = (Utc::now(), person.user_id);
    let expires_at = queued_at + RESET_WITHIN;
    let queued = Queued {
        message_id: MessageId(Uuid::now_v7()),
        recipient: user,
        channel: Channel::Email,
        kind: MessageKind::PasswordReset,
        content: vault.sealer(user.0).await?.seal(&letter)?,
        queued_at,
        expires_at: Some(expires_at),
    };
    let reset = PendingReset { token_hash, expires_at };
    // Others could fill the owner's mailbox, or make void the token that the owner is about to use.
    let unless_good_after = expires_at - between_messages(app);
    Ok(ResetRequest { user, reset, queued, unless_good_after })
}

/// How far apart the messages to one account are: the hour's number, evenly spread. It is shorter than a token is good
/// for, so whenever its owner asks, a token that is good for a while is in the mailbox or on its way.
fn between_messages(app: &App) -> TimeDelta {
    let per_hour = i64::try_from(app.limits.messages_per_account_per_hour).unwrap_or(i64::MAX).max(1);
    TimeDelta::milliseconds(3_600_000 / per_hour)
}

/// The token stands behind `#`, where browsers keep it from servers, logs and other sites.
fn reset_text(public_url: &str, token: &str) -> String {
    format!(
        "Hello,\n\n\
         somebody asked for a new password for your account. To choose one, open this link within 30 minutes:\n\n\
         {public_url}/reset-password#token={token}\n\n\
         Or enter this token where you are asked for it:\n\n\
         {token}\n\n\
         If it was not you, there is nothing to do: your password stays as it is.\n"
    )
}

/// Sizes are judged after the two new passwords were compared, so only that they are there is judged here.
pub(in crate::rest) struct Reset {
    token: Zeroizing<String>,
    new: Zeroizing<String>,
    again: Zeroizing<String>,
}

impl Form for Reset {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let as_typed = |text: &str| Ok::<_, Invalid>(Zeroizing::new(text.to_owned()));
        let token = fields.text("token", secret);
        let new = fields.text("newPassword", as_typed);
        let again = fields.text("confirmPassword", as_typed);
        Some(Self { token: token?, new: new?, again: again? })
    }
}

pub(in crate::rest) async fn reset(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    origin: Origin,
    input: Input<Reset>,
) -> Result<Reply<()>, ApiError> {
    let Reset { token, new, again } = input.form;
    if new != again {
        let what = "New password and confirm password do not match";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "PASSWORDS_DO_NOT_MATCH", what)
            .about("confirmPassword", "does not match newPassword"));
    }
    check_new_password(&new).map_err(|why| ApiError::parameter("newPassword", why.as_str().to_owned()))?;
    match reset_password(&app, &headers, &origin, token.trim(), &new).await {
        Err(error) if error.is_client_error() => {
            // Whoever has a good token is never held back by others at the same address.
            app.refusals.take(address)?;
            Err(error)
        }
        other => other,
    }
}

async fn reset_password(
    app: &App,
    headers: &HeaderMap,
    origin: &Origin,
    token: &str,
    new: &str,
) -> Result<Reply<()>, ApiError> {
    let invalid = || ApiError::from(Rejection::ResetTokenInvalid);
    if token.len() > LONGEST_TOKEN {
        return Err(invalid());
    }
    let vault = app.ledger.vault();
    let (claim, token_hash) = reset_claim(vault, token);
    // Whose token it is, to seal for; whether it is still good is decided in the ledger.
    app.access.wait_until_current(app.patience).await?;
    let (claim, _) = app.access.get::<Claim>(claim).await?;
    let user = claim.user().ok_or_else(invalid)?;
    let (state, _) = app.access.get::<User>(user).await?;
    let person = state.person().ok_or_else(invalid)?;
    if person.reset.as_ref().is_none_or(|sent| sent.token_hash != token_hash) {
        return Err(invalid());
    }
    // Whoever holds the token reads the owner's mail; strangers who guess must not keep them from logging in now.
    let login = login_of(app, headers, person).await?;
    let hash = app.passwords.hash(Standing::Known, login.key(), new).await?;
    let password = vault.sealer(user.0).await?.seal(&hash)?;
    let done = carry_out(app, ResetPassword { token_hash, password }, origin.keyless(user)).await?;
    let cookie = login.cookie(app, next_generation(person))?;
    let reply = Reply::new("Password reset successfully", None, done.at, app.zone, done.position);
    Ok(reply.cookie(cookie))
}
