//! `/api/customer/profile` and `/api/users/profile`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use chrono::{NaiveDate, Utc};
use lumbung_commands::user::{RepeatProfileUpdate, UpdateProfile};
use lumbung_domain::{
    Address, Birthdate, Branch, DocumentKind, DocumentRef, Invalid, Nik, Person, Phone, Profile, User,
};
use lumbung_journal::Sealer;
use serde::Serialize;

use super::body::parse_with;
use super::command::carry_out;
use super::documents::{File, is_answered, seal, store};
use super::envelope::Reply;
use super::error::{ApiError, FieldError};
use super::loan_json::BranchJson;
use super::multipart::{AskedParts, DATA, Parts, PartsForm};
use super::people::People;
use super::uploads::document_url;
use super::user_json::UserDetail;
use super::view::Streams;
use crate::app::App;
use crate::auth::{Caller, Gate, ProfileRead, ProfileUpdate};

/// What a customer tells about themselves. Absent fields keep their value.
pub(super) struct Told {
    nik: Option<Nik>,
    birthdate: Option<Birthdate>,
    phone: Option<Phone>,
    address: Option<Address>,
    files: Vec<File>,
}

impl PartsForm for Told {
    fn read(parts: &Parts, app: &App) -> Result<Self, ApiError> {
        let today = Utc::now().with_timezone(&app.zone).date_naive();
        let data = parts.one(DATA);
        let nothing_told = matches!(data, Ok(None));
        let told = match data {
            Ok(Some(data)) if data.content.len() as u64 > app.limits.body_bytes => {
                let message = format!("must be at most {} bytes", app.limits.body_bytes);
                Err(vec![FieldError { field: DATA.into(), message: message.into() }])
            }
            Ok(Some(data)) => fields(&data.content, today),
            Ok(None) => Ok(Self::nothing()),
            Err(fault) => Err(vec![fault]),
        };
        let (mut told, mut faults) =
            told.map_or_else(|faults| (None, faults), |told| (Some(told), Vec::new()));
        let mut files = Vec::new();
        for kind in [DocumentKind::Ktp, DocumentKind::Kk, DocumentKind::Npwp] {
            match File::of(parts, kind, app.limits.file_bytes) {
                Ok(file) => files.extend(file),
                Err(fault) => faults.push(fault),
            }
        }
        if nothing_told && files.is_empty() && faults.is_empty() {
            return Err(ApiError::parameter(DATA, "is required"));
        }
        if let Some(told) = &mut told {
            told.files = files;
        }
        told.filter(|_| faults.is_empty()).ok_or_else(|| ApiError::fields(faults))
    }
}

fn fields(data: &Bytes, today: NaiveDate) -> Result<Told, Vec<FieldError>> {
    let told = parse_with(data, |fields| {
        let nik = fields.given_text("nik", Nik::new);
        let birthdate = fields.given_text("birthdate", |text| born_by(today, text));
        let phone = fields.given_text("phone", Phone::new);
        let address = fields.given_text("address", Address::new);
        Some(Told { nik: nik?, birthdate: birthdate?, phone: phone?, address: address?, files: Vec::new() })
    });
    told.map_err(|error| {
        let faults = error.problem().fields.iter().cloned();
        // To this parser the part is the whole body.
        faults
            .map(
                |fault| {
                    if fault.field == "body" { FieldError { field: DATA.into(), ..fault } } else { fault }
                },
            )
            .collect()
    })
}

fn born_by(today: NaiveDate, text: &str) -> Result<Birthdate, Invalid> {
    let date = Birthdate::parse(text)?;
    if date.is_after(today) { Err(Invalid::new("must not be in the future")) } else { Ok(date) }
}

impl Told {
    fn nothing() -> Self {
        Self { nik: None, birthdate: None, phone: None, address: None, files: Vec::new() }
    }

    fn seal(&self, sealer: &Sealer) -> Result<Profile, ApiError> {
        Ok(Profile {
            nik: self.nik.as_ref().map(|nik| sealer.seal(nik)).transpose()?,
            birthdate: self.birthdate.as_ref().map(|date| sealer.seal(date)).transpose()?,
            phone: self.phone.as_ref().map(|phone| sealer.seal(phone)).transpose()?,
            address: self.address.as_ref().map(|address| sealer.seal(address)).transpose()?,
            ..Profile::default()
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProfileJson {
    nik: Option<String>,
    birthdate: Option<String>,
    phone_number: Option<String>,
    address: Option<String>,
    ktp_url: Option<String>,
    kk_url: Option<String>,
    npwp_url: Option<String>,
    is_complete: bool,
}

impl ProfileJson {
    pub(super) fn new(profile: &Profile, people: &People, app: &App) -> Result<Self, ApiError> {
        let url = |document: Option<DocumentRef>| document.map(|document| document_url(app, document));
        Ok(Self {
            nik: people.optional(profile.nik.as_ref())?,
            birthdate: people.optional(profile.birthdate.as_ref())?,
            phone_number: people.optional(profile.phone.as_ref())?,
            address: people.optional(profile.address.as_ref())?,
            ktp_url: url(profile.ktp),
            kk_url: url(profile.kk),
            npwp_url: url(profile.npwp),
            is_complete: profile.is_complete(),
        })
    }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller<ProfileRead>,
    streams: Streams,
) -> Result<Reply<UserDetail>, ApiError> {
    own(&app, &caller, &streams).await
}

/// Of any user; the staff's values are all unset.
pub(super) async fn show_own(
    State(app): State<Arc<App>>,
    caller: Caller,
    streams: Streams,
) -> Result<Reply<UserDetail>, ApiError> {
    own(&app, &caller, &streams).await
}

async fn own<G: Gate>(
    app: &App,
    caller: &Caller<G>,
    streams: &Streams,
) -> Result<Reply<UserDetail>, ApiError> {
    let (user, version) = app.access.get::<User>(caller.user()).await?;
    let person: &Person = user.person().ok_or_else(ApiError::unauthorized)?;
    let people = People::of(app, [person.name.ciphertext()]).await?;
    let roles = caller.identity().roles().iter().filter_map(|role| role.name()).map(str::to_owned).collect();
    let branch = match person.branch {
        Some(branch) => match &*app.access.get::<Branch>(branch).await?.0 {
            Branch::Open { branch_id, code, location, .. } => {
                Some(BranchJson::new(branch_id.0, code.as_str(), location.as_str()))
            }
            Branch::Unopened | Branch::Closed {} => None,
        },
        None => None,
    };
    let json = UserDetail::own(person, roles, branch, &people, app)?;
    Ok(streams.reply(app, json).version(version))
}

pub(super) async fn update(
    State(app): State<Arc<App>>,
    caller: Caller<ProfileUpdate>,
    asked: AskedParts<Told>,
) -> Result<Reply<ProfileJson>, ApiError> {
    let (actor, user) = (caller.actor(), caller.user());
    let call = asked.call(&app, user);
    let done = if is_answered(&app, &call).await? {
        carry_out(&app, RepeatProfileUpdate { actor }, call).await?
    } else {
        let bytes = asked.form.files.iter().map(File::bytes).sum();
        app.uploads.allow(user, bytes)?;
        let sealer = app.ledger.vault().sealer(user.0).await?;
        let mut profile = asked.form.seal(&sealer)?;
        let files = seal(sealer, user, asked.form.files).await?;
        for file in &files {
            let document = file.stored.document;
            *profile.slot(document.kind) = Some(document);
        }
        let documents = files.iter().map(|file| file.stored.clone()).collect();
        let kept = store(&app, files).await?;
        let use_case = UpdateProfile { actor, expected: asked.expected, profile, documents };
        kept.unless_refused(&app, carry_out(&app, use_case, call).await).await?
    };
    let profile = &done.outcome.profile;
    let people = People::of(&app, ciphertexts(profile)).await?;
    let json = ProfileJson::new(profile, &people, &app)?;
    people.complete(done.replayed)?;
    let reply = Reply::new("Profile updated successfully", Some(json), done.at, app.zone, done.position);
    Ok(reply.version(done.outcome.version).replayed(done.replayed))
}

fn ciphertexts(profile: &Profile) -> impl Iterator<Item = &str> {
    let nik = profile.nik.as_ref().map(|nik| nik.ciphertext());
    let birthdate = profile.birthdate.as_ref().map(|date| date.ciphertext());
    let phone = profile.phone.as_ref().map(|phone| phone.ciphertext());
    let address = profile.address.as_ref().map(|address| address.ciphertext());
    [nik, birthdate, phone, address].into_iter().flatten()
}
