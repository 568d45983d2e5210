//! Commands on their way from HTTP to the ledger and back.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};
use chrono::{DateTime, Utc};
use lumbung_commands::{Answer, Call, Expected, IdempotencyKey, UseCase};
use lumbung_domain::{Rejection, UserId};

use super::body::{Form, Input};
use super::canonical::canonical_fields;
use super::edge::RequestId;
use super::error::ApiError;
use crate::app::App;
use crate::memory::Held;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LONGEST_KEY: usize = 255;

/// A request for a command of an authenticated caller: what its path names, what its headers ask for, its body. All
/// that is wrong with them is told at once.
pub(super) struct Asked<P, F> {
    pub(super) target: P,
    pub(super) form: F,
    /// `If-Match`.
    pub(super) expected: Expected,
    text: Bytes,
    scope: Scope,
    // Counted for as long as the text is.
    _held: Held,
}

/// What a call is recorded and repeated under: where it comes from, and its Idempotency-Key.
pub(super) struct Scope {
    key: Option<String>,
    origin: Origin,
    method: Method,
    path: String,
}

/// Where events come from, for their metadata.
pub(super) struct Origin {
    request_id: Option<RequestId>,
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
        Ok(Self::of(parts))
    }
}

impl Origin {
    fn of(parts: &Parts) -> Self {
        Self { request_id: parts.extensions.get::<RequestId>().cloned() }
    }
}

impl<P, F> FromRequest<Arc<App>> for Asked<P, F>
where
    P: FromRequestParts<Arc<App>> + Send,
    P::Rejection: Into<ApiError>,
    F: Form,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let target = P::from_request_parts(&mut parts, app).await.map_err(Into::into);
        let scope = Scope::of(&parts);
        let expected = expected(&parts.headers);
        let input = Input::<F>::from_request(Request::from_parts(parts, body), app).await;
        let faults =
            [target.as_ref().err(), scope.as_ref().err(), expected.as_ref().err(), input.as_ref().err()];
        if let Some(all) = ApiError::all(faults.into_iter().flatten()) {
            return Err(all);
        }
        let Input { form, text, held } = input?;
        Ok(Self { target: target?, form, expected: expected?, text, scope: scope?, _held: held })
    }
}

/// The one key, if any: 1–255 visible ASCII characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
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

/// `If-Match` (RFC 9110 §13.1.1): `*`, or a list of entity tags. A weak tag, and one that is no version, match nothing.
pub(super) fn expected(headers: &HeaderMap) -> Result<Expected, ApiError> {
    let mut versions = Vec::new();
    let mut values = headers.get_all(IF_MATCH).iter().peekable();
    if values.peek().is_none() {
        return Ok(Expected::Anything);
    }
    let malformed = || ApiError::parameter("If-Match", "must be * or entity tags like \"3\"");
    for value in values {
        let value = value.to_str().map_err(|_| malformed())?.trim();
        if value == "*" && headers.get_all(IF_MATCH).iter().count() == 1 {
            return Ok(Expected::Existing);
        }
        // No tag of this API holds a comma, so one that does is two malformed ones.
        for tag in value.split(',') {
            let strong = tag.trim().strip_prefix("W/").is_none();
            let tag = tag.trim().trim_start_matches("W/");
            let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(malformed)?;
            if !tag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') {
                return Err(malformed());
            }
            versions.extend(version(tag).filter(|_| strong));
        }
    }
    Ok(Expected::OneOf(versions))
}

/// Written as an answer writes it: `03` and `+3` are other tags.
fn version(tag: &str) -> Option<i64> {
    tag.parse().ok().filter(|version: &i64| version.to_string() == tag)
}

impl<P, F> Asked<P, F> {
    /// A call of `actor`, under the request's Idempotency-Key if it has one.
    pub(super) fn call(&self, app: &App, actor: UserId) -> Call {
        self.scope.call(app, actor, || vec![canonical_fields(&self.text)])
    }
}

impl Scope {
    /// # Errors
    /// A malformed Idempotency-Key.
    pub(super) fn of(parts: &Parts) -> Result<Self, ApiError> {
        Ok(Self {
            key: idempotency_key(&parts.headers)?,
            origin: Origin::of(parts),
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
        })
    }

    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// A call of `actor`. `body`: the pieces of the canonical body, made only if there is an Idempotency-Key to compare
    /// them under.
    pub(super) fn call<B: AsRef<[u8]>>(
        &self,
        app: &App,
        actor: UserId,
        body: impl FnOnce() -> Vec<B>,
    ) -> Call {
        let key = self.key.as_deref().map(|key| {
            let vault = app.ledger.vault();
            let scope = [
                actor.0.as_bytes().as_slice(),
                self.method.as_str().as_bytes(),
                self.path.as_bytes(),
                key.as_bytes(),
            ];
            let body = body();
            let pieces: Vec<&[u8]> = body.iter().map(AsRef::as_ref).collect();
            IdempotencyKey {
                key: vault.keyed_hash("idempotency", &scope),
                body: vault.keyed_hash("idempotency-body", &pieces),
            }
        });
        Call { key, ..self.origin.keyless(actor) }
    }
}

impl Origin {
    /// A call of an endpoint that takes no Idempotency-Key.
    pub(super) fn keyless(&self, actor: UserId) -> Call {
        let mut metadata = vec![("actor", actor.to_string())];
        if let Some(id) = &self.request_id {
            metadata.push(("request_id", id.as_str().to_owned()));
        }
        Call { metadata, key: None }
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
    use axum::http::HeaderValue;

    use super::*;

    fn with(name: HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn keys() {
        let key_of = |values: &[&str]| idempotency_key(&with(IDEMPOTENCY_KEY, values));
        assert_eq!(key_of(&[]).unwrap(), None);
        assert_eq!(key_of(&["a!~"]).unwrap().as_deref(), Some("a!~"));
        assert!(key_of(&[&"k".repeat(255)]).is_ok());
        for bad in [&[""][..], &["a b"], &["é"], &[&"k".repeat(256)], &["a", "b"]] {
            let error = key_of(bad).unwrap_err();
            assert_eq!(error.problem().status, 400, "{bad:?}");
            assert!(error.problem().message.starts_with("Idempotency-Key: "));
        }
    }

    #[test]
    fn entity_tags() {
        let of = |values: &[&str]| expected(&with(IF_MATCH, values));
        assert_eq!(of(&[]).unwrap(), Expected::Anything);
        assert_eq!(of(&[" * "]).unwrap(), Expected::Existing);
        assert_eq!(of(&["\"3\""]).unwrap(), Expected::OneOf(vec![3]));
        assert_eq!(of(&["\"3\" , \"4\"", "\"5\""]).unwrap(), Expected::OneOf(vec![3, 4, 5]));
        for matches_nothing in ["W/\"3\"", "\"abc\"", "\"03\"", "\"+3\"", "\"\"", "\"99999999999999999999\""]
        {
            assert_eq!(of(&[matches_nothing]).unwrap(), Expected::OneOf(vec![]), "{matches_nothing}");
        }
        for bad in [
            &[""][..],
            &["3"],
            &["\"3"],
            &["\""],
            &["\"3\","],
            &["*, \"3\""],
            &["*", "*"],
            &["\"a b\""],
            &["\"é\""],
        ] {
            let error = of(bad).unwrap_err();
            assert_eq!(error.problem().status, 400, "{bad:?}");
            assert_eq!(error.problem().message, "If-Match: must be * or entity tags like \"3\"");
        }
    }
}
