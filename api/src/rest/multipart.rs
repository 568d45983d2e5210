//! Reading multipart bodies (RFC 7578): whatever a client sends, the answer is a list of parts or a clear error.
//!
//! Bounds: the body, the number of parts, the time until the body is there, and the memory that all bodies together take.
//! A body is whole before it is taken apart. File names and types that a client claims are never used; what is in a
//! part, its content says.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use futures_util::stream;
use lumbung_commands::{Call, Expected};
use lumbung_domain::UserId;
use multer::Multipart;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::canonical::canonical_fields;
use super::command::{Scope, expected};
use super::error::{ApiError, FieldError};
use super::receive::Incoming;
use crate::app::App;
use crate::audit::Trail;
use crate::uploads::OnTheWay;

/// The part that holds the JSON fields.
pub(super) const DATA: &str = "data";

const MOST_PARTS: usize = 32;
/// RFC 2046 §5.1.1.
const LONGEST_BOUNDARY: usize = 70;
const LONGEST_FILE_NAME: usize = 255;
/// When to ask again who has too many bodies under way.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What an endpoint reads from the parts of its body.
pub(super) trait PartsForm: Sized + Send + 'static {
    /// # Errors
    /// All that is wrong, in the order of the documented body.
    fn read(parts: &Parts, app: &App) -> Result<Self, ApiError>;
}

/// A request for a command whose body is multipart; see [`super::command::Asked`].
pub(super) struct AskedParts<F> {
    pub(super) form: F,
    /// `If-Match`.
    pub(super) expected: Expected,
    /// Of the parts; empty without an Idempotency-Key.
    digest: Vec<u8>,
    scope: Scope,
    // Counted for as long as the form is.
    _on_the_way: OnTheWay,
}

/// The parts of a body.
pub(super) struct Parts {
    parts: Vec<Part>,
    on_the_way: OnTheWay,
}

/// One part.
pub(super) struct Part {
    name: String,
    file_name: Option<String>,
    pub(super) content: Bytes,
}

impl<F: PartsForm> FromRequest<Arc<App>> for AskedParts<F> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let scope = Scope::of(&head);
        let expected = expected(&head.headers);
        let keyed = scope.as_ref().is_ok_and(Scope::has_key);
        // Nobody sends files who was not asked who they are.
        let sender =
            head.extensions.get::<Trail>().and_then(Trail::actor).ok_or_else(ApiError::unauthorized)?;
        let form = match Parts::receive(&head.headers, body, sender.user, app).await {
            Ok(parts) => read(parts, keyed, app).await,
            Err(error) => Err(error),
        };
        let faults = [scope.as_ref().err(), expected.as_ref().err(), form.as_ref().err()];
        if let Some(all) = ApiError::all(faults.into_iter().flatten()) {
            return Err(all);
        }
        let (form, digest, on_the_way) = form?;
        Ok(Self { form, expected: expected?, digest, scope: scope?, _on_the_way: on_the_way })
    }
}

/// Megabytes are looked through and hashed off the threads that answer requests.
async fn read<F: PartsForm>(
    parts: Parts,
    keyed: bool,
    app: &Arc<App>,
) -> Result<(F, Vec<u8>, OnTheWay), ApiError> {
    let app = Arc::clone(app);
    let read = move || {
        let form = F::read(&parts, &app)?;
        let digest = if keyed { parts.digest() } else { Vec::new() };
        Ok((form, digest, parts.on_the_way))
    };
    tokio::task::spawn_blocking(read).await.map_err(ApiError::fatal)?
}

impl<F> AskedParts<F> {
    /// A call of `actor`, under the request's Idempotency-Key if it has one.
    pub(super) fn call(&self, app: &App, actor: UserId) -> Call {
        self.scope.call(app, actor, || vec![&self.digest])
    }
}

impl Parts {
    async fn receive(headers: &HeaderMap, body: Body, sender: UserId, app: &App) -> Result<Self, ApiError> {
        let mut body = Incoming::new(headers, body, app.limits.multipart_bytes);
        let boundary = match body.check_announced().and_then(|()| boundary(headers)) {
            Ok(boundary) => boundary,
            Err(error) => {
                body.drain().await;
                return Err(error);
            }
        };
        // Time is left to answer, for sure, that nothing was done.
        let deadline = Instant::now() + Duration::from_millis(app.limits.request_timeout_ms) * 5 / 6;
        let Ok(mut on_the_way) = timeout_at(deadline, app.uploads.receiving(sender)).await else {
            return Err(ApiError::rate_limited(ASK_AGAIN));
        };
        let bytes = match timeout_at(deadline, body.collect(0, &mut on_the_way.held)).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => {
                drop(on_the_way);
                body.drain().await;
                return Err(error);
            }
            Err(_) => return Err(ApiError::body_timeout()),
        };
        // It is copied to be taken apart, and once the body is gone its files are copied to be sealed.
        if !on_the_way.held.more(bytes.len()) {
            return Err(ApiError::overloaded());
        }
        let parts = match boundary {
            Some(boundary) => take_apart(bytes, boundary).await?,
            None if bytes.is_empty() => Vec::new(),
            None => return Err(not_multipart()),
        };
        Ok(Self { parts, on_the_way })
    }

    /// The only part of this name, if there is one.
    ///
    /// # Errors
    /// There are more.
    pub(super) fn one(&self, name: &'static str) -> Result<Option<&Part>, FieldError> {
        let mut named = self.parts.iter().filter(|part| part.name == name);
        match (named.next(), named.next()) {
            (part, None) => Ok(part),
            (_, Some(_)) => Err(fault(name, "must be given only once")),
        }
    }

    /// The only file of this name, if there is one. A form's file input that nobody used is none: it has no name and no
    /// content.
    ///
    /// # Errors
    /// There are more, or its file name is none.
    pub(super) fn file(&self, name: &'static str) -> Result<Option<&Part>, FieldError> {
        let Some(part) = self.one(name)? else { return Ok(None) };
        match part.file_name.as_deref() {
            Some("") if part.content.is_empty() => Ok(None),
            Some(file_name) if !is_plain(file_name) => Err(fault(name, "must have a plain file name")),
            Some(_) | None => Ok(Some(part)),
        }
    }

    /// A hash of names and contents; the order of parts of different names does not matter, and the fields count as JSON.
    fn digest(&self) -> Vec<u8> {
        let mut parts: Vec<&Part> = self.parts.iter().collect();
        parts.sort_by(|one, other| one.name.cmp(&other.name));
        let mut hash = Sha256::new();
        let mut piece = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        for part in parts {
            piece(part.name.as_bytes());
            match part.name.as_str() {
                DATA => piece(&canonical_fields(&part.content)),
                _ => piece(&part.content),
            }
        }
        hash.finalize().to_vec()
    }
}

pub(super) fn fault(field: &'static str, message: &'static str) -> FieldError {
    FieldError { field: field.into(), message: message.into() }
}

fn is_plain(file_name: &str) -> bool {
    file_name.len() <= LONGEST_FILE_NAME
        && !file_name.chars().any(|letter| letter.is_control() || letter == '/' || letter == '\\')
}

/// What separates the parts; `None` for a request that says nothing of a body, and so should have none.
fn boundary(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let coded = |value: &str| !value.trim().eq_ignore_ascii_case("identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(|value| value.to_str().map_or(true, coded)) {
        let what = "The request body must not be compressed";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", what));
    }
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_| not_multipart())?,
        (Some(_), Some(_)) => return Err(ApiError::parameter("Content-Type", "must be given only once")),
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Err(not_multipart());
    }
    let boundary = multer::parse_boundary(value).ok().filter(|boundary| {
        (1..=LONGEST_BOUNDARY).contains(&boundary.len())
            && boundary.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    });
    boundary.map(Some).ok_or_else(|| {
        ApiError::parameter("Content-Type", "must have a boundary of 1 to 70 visible ASCII characters")
    })
}

async fn take_apart(body: Bytes, boundary: String) -> Result<Vec<Part>, ApiError> {
    let malformed = |_| ApiError::parameter("body", "must be valid multipart/form-data");
    let whole = stream::once(std::future::ready(Ok::<_, Infallible>(body)));
    let mut multipart = Multipart::new(whole, boundary);
    let mut parts: Vec<Part> = Vec::new();
    while let Some(mut field) = multipart.next_field().await.map_err(malformed)? {
        if parts.len() == MOST_PARTS {
            return Err(ApiError::parameter("body", format!("must have at most {MOST_PARTS} parts")));
        }
        let Some(name) = field.name().map(str::to_owned) else {
            return Err(ApiError::parameter("body", "must have a name for each part"));
        };
        let file_name = field.file_name().map(str::to_owned);
        // The whole body is there, so the first chunk is all of it.
        let mut content = Bytes::new();
        while let Some(chunk) = field.chunk().await.map_err(malformed)? {
            content = if content.is_empty() { chunk } else { [content, chunk].concat().into() };
        }
        parts.push(Part { name, file_name, content });
    }
    Ok(parts)
}

fn not_multipart() -> ApiError {
    let what = "The request body must be multipart/form-data";
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", what)
}
