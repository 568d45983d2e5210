//! Commands on their way from HTTP to the ledger and back.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method};
use chrono::{DateTime, Utc};
use lumbung_commands::{Answer, Call, IdempotencyKey, UseCase};
use lumbung_domain::{Rejection, UserId};
use lumbung_journal::WrappedPersonKey;

use super::canonical::canonical;
use super::edge::RequestId;
use super::error::ApiError;
use crate::app::App;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LONGEST_KEY: usize = 255;

/// What a command takes from its request besides the body.
pub(super) struct Origin {
    request_id: Option<RequestId>,
    key: Option<String>,
    method: Method,
    path: String,
}

/// What the ledger accepted. Everything that an answer shows comes from here or is computed from it.
pub(super) struct Accepted<T> {
    pub(super) outcome: T,
    pub(super) position: i64,
    pub(super) at: DateTime<Utc>,
    pub(super) replayed: bool,
}

impl FromRequestParts<Arc<App>> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        Ok(Self {
            request_id: parts.extensions.get::<RequestId>().cloned(),
            key: idempotency_key(parts)?,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
        })
    }
}

/// The one key, if any: 1–255 visible ASCII characters.
fn idempotency_key(parts: &Parts) -> Result<Option<String>, ApiError> {
    let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.as_bytes();
    let fits = (1..=LONGEST_KEY).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(key) if fits && values.next().is_none() => Ok(Some(key.to_owned())),
        Ok(_) | Err(_) => Err(ApiError::parameter(
            "Idempotency-Key",
            "must be one key of 1 to 255 visible ASCII characters",
        )),
    }
}

impl Origin {
    /// A call of `actor`, under the request's Idempotency-Key if it has one.
    pub(super) fn call(&self, app: &App, actor: UserId, body: &[u8]) -> Call {
        let key = self.key.as_deref().map(|key| {
            let vault = app.ledger.vault();
            let scope = [
                actor.0.as_bytes().as_slice(),
                self.method.as_str().as_bytes(),
                self.path.as_bytes(),
                key.as_bytes(),
            ];
            IdempotencyKey {
                key: vault.keyed_hash("idempotency", &scope),
                body: vault.keyed_hash("idempotency-body", &[&canonical(body)]),
            }
        });
        Call { key, ..self.keyless(actor, Vec::new()) }
    }

    /// A call of an endpoint that takes no Idempotency-Key.
    pub(super) fn keyless(&self, actor: UserId, person_keys: Vec<WrappedPersonKey>) -> Call {
        let mut metadata = vec![("actor", actor.to_string())];
        if let Some(id) = &self.request_id {
            metadata.push(("request_id", id.as_str().to_owned()));
        }
        Call { metadata, key: None, person_keys }
    }
}

/// Carries out a use case for a client.
///
/// # Errors
/// The business said no, or there is no definite answer.
pub(super) async fn carry_out<U: UseCase>(
    app: &App,
    use_case: U,
    call: Call,
) -> Result<Accepted<U::Outcome>, ApiError> {
    let key = call.key;
    let Answer { outcome, position, answered_at: at, replayed } = app.ledger.execute(use_case, call).await?;
    match (outcome, key) {
        (Ok(outcome), _) => Ok(Accepted { outcome, position, at, replayed }),
        (Err(rejection @ Rejection::IdempotencyKeyReused), _) | (Err(rejection), None) => {
            Err(rejection.into())
        }
        (Err(rejection), Some(key)) => Err(ApiError::from(rejection).kept(at, kept_id(&key), replayed)),
    }
}

/// The request id inside a rejection that is kept: computed from the key, so that whoever repeats the request reads the
/// same bytes. The header names the request at hand.
fn kept_id(key: &IdempotencyKey) -> String {
    let mut id = String::from("key-");
    for byte in &key.key[..12] {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::Request;

    use super::*;

    fn key_of(values: &[&str]) -> Result<Option<String>, ApiError> {
        let mut request = Request::builder();
        for value in values {
            request = request.header(IDEMPOTENCY_KEY, *value);
        }
        idempotency_key(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn keys() {
        assert_eq!(key_of(&[]).unwrap(), None);
        assert_eq!(key_of(&["a!~"]).unwrap().as_deref(), Some("a!~"));
        assert!(key_of(&[&"k".repeat(255)]).is_ok());
        for bad in [&[""][..], &["a b"], &["é"], &[&"k".repeat(256)], &["a", "b"]] {
            let error = key_of(bad).unwrap_err();
            assert_eq!(error.problem().status, 400, "{bad:?}");
            assert!(error.problem().message.starts_with("Idempotency-Key: "));
        }
    }
}
