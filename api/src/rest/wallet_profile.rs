//! `PUT /profile`: a customer changes their name or address.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::Expected;
use lumbung_commands::user::{NewName, UpdateWalletProfile, seal_name};
use lumbung_domain::{Address, PersonName, Rejection, Sealed, User, UserId};
use lumbung_journal::Sealer;
use serde::Serialize;

use super::body::{Fields, Form};
use super::command::{Asked, carry_out};
use super::envelope::{Reply, wallet_time};
use super::error::ApiError;
use super::people::People;
use crate::app::App;
use crate::auth::{Caller, OwnWallet};

/// How often a name that is only told in part is completed anew, because the other part was changed meanwhile.
const COMPLETIONS: usize = 3;

/// Absent fields keep their value.
pub(super) struct Told {
    first: Option<PersonName>,
    last: Option<PersonName>,
    address: Option<Address>,
}

impl Form for Told {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let first = fields.given_text("first_name", PersonName::new);
        let last = fields.given_text("last_name", PersonName::new);
        let address = fields.given_text("address", Address::new);
        Some(Self { first: first?, last: last?, address: address? })
    }
}

#[derive(Serialize)]
pub(super) struct ProfileJson {
    user_id: UserId,
    first_name: String,
    /// Empty of who has but one name.
    last_name: String,
    address: Option<String>,
    updated_date: String,
}

pub(super) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller<OwnWallet>,
    asked: Asked<(), Told>,
) -> Result<Reply<ProfileJson>, ApiError> {
    let user = caller.user();
    let call = asked.call(&app, user);
    let sealer = app.ledger.vault().sealer(user.0).await?;
    let address = asked.form.address.as_ref().map(|address| sealer.seal(address)).transpose()?;
    let mut completions = 0;
    let done = loop {
        completions += 1;
        let use_case = UpdateWalletProfile {
            actor: caller.actor(),
            expected: asked.expected.clone(),
            name: new_name(&app, user, &sealer, &asked.form).await?,
            address: address.clone(),
        };
        match carry_out(&app, use_case, call.clone()).await {
            // Whoever named no version did not mean one: it is the other part of the name that has changed.
            Err(error)
                if error.code() == Rejection::VersionMismatch.code()
                    && asked.expected == Expected::Anything
                    && completions < COMPLETIONS => {}
            done => break done?,
        }
    };
    let profile = &done.outcome;
    let people = People::of(&app, [profile.name.ciphertext()]).await?;
    let (first_name, last_name) = people.names(&profile.name, profile.name_parts.as_ref())?;
    let json = ProfileJson {
        user_id: profile.user_id,
        first_name,
        last_name,
        address: people.optional(profile.address.as_ref())?,
        updated_date: wallet_time(done.at, app.zone),
    };
    people.complete(done.replayed)?;
    let reply = Reply::new("Profile updated successfully", Some(json), done.at, app.zone, done.position);
    Ok(reply.version(profile.version).replayed(done.replayed))
}

/// The whole of a name of which a part was told.
async fn new_name(
    app: &App,
    user: UserId,
    sealer: &Sealer,
    told: &Told,
) -> Result<Option<NewName>, ApiError> {
    let (first, last, completes) = match (told.first.clone(), told.last.clone()) {
        (None, None) => return Ok(None),
        (Some(first), Some(last)) => (first, Some(last), None),
        (first, last) => {
            let Held { sealed, first: held_first, last: held_last } = held(app, user).await?;
            (first.unwrap_or(held_first), last.or(held_last), Some(sealed))
        }
    };
    let (name, parts) = seal_name(sealer, &first, last.as_ref())?;
    Ok(Some(NewName { name, parts, completes }))
}

/// The name that somebody has.
struct Held {
    sealed: Sealed<PersonName>,
    first: PersonName,
    last: Option<PersonName>,
}

async fn held(app: &App, user: UserId) -> Result<Held, ApiError> {
    app.access.wait_until_current(app.patience).await?;
    let (state, _) = app.access.get::<User>(user).await?;
    let person = state.person().ok_or_else(ApiError::unauthorized)?;
    let sealed = person.name.clone();
    let opener = app.ledger.vault().opener([sealed.ciphertext()]).await?;
    let (first, last) = match &person.name_parts {
        Some(parts) => {
            let last = parts.last.as_ref().map(|last| opener.open(last)).transpose()?;
            (opener.open(&parts.first)?, last)
        }
        None => opener.open(&sealed)?.parted(),
    };
    Ok(Held { sealed, first, last })
}
