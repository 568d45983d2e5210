//! What surrounds every request: its id, its time limit, caught panics, the form of errors, and the headers that keep
//! answers out of caches and frames.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, ALLOW, STRICT_TRANSPORT_SECURITY, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use tracing::{Instrument, error, info, info_span, warn};
use uuid::Uuid;

use super::dialect::Dialect;
use super::envelope::{enveloped, render};
use super::error::ApiError;
use crate::app::App;
use crate::audit::Trail;
use crate::auth::ClientAddress;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The codes of a failed login.
const FAILED_LOGIN: [&str; 2] = ["INVALID_CREDENTIALS", "INVALID_PHONE_OR_PIN"];

/// Names one request in answers, logs and the metadata of its events.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The client's own id if it is a UUID or, as in W3C traces, its 32 hexadecimal digits alone; else a new one. Anything
    /// else, and digits without a letter among them, may say somebody's name or number, and ids are kept with events for
    /// ever.
    fn of(headers: &HeaderMap) -> Self {
        let made = |id: &&str| {
            matches!(id.len(), 32 | 36)
                && Uuid::try_parse(id).is_ok()
                && id.bytes().any(|byte| byte.is_ascii_alphabetic())
        };
        let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(made);
        Self(given.map_or_else(|| Uuid::now_v7().to_string().into(), Into::into))
    }
}

/// The outermost layer.
pub(super) async fn surround(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let ClientAddress(client) =
        ClientAddress::of(request.extensions(), request.headers(), &app.trusted_proxies);
    let trail = Trail::of(&request, Arc::clone(&id.0), client);
    request.extensions_mut().insert(trail.clone());
    let started = Instant::now();
    let accept = accept_only(request.headers());
    let dialect = Dialect::of(request.uri().path());
    // The template of the route: a path may hold anything that somebody types.
    let span = info_span!(
        "request",
        http.request.id = id.as_str(),
        http.request.method = trail.method_name(),
        url.path = trail.route()
    );
    async move {
        let allowed = app.cors.allowed(request.headers());
        let response = match app.cors.preflight(request.method(), request.headers()) {
            Some(preflight) => preflight,
            None => in_time(&app, request, next).await,
        };
        record_refusal(&app, &trail, &response);
        let mut response = in_its_form(&app, response, &accept, &id, dialect);
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            headers.insert(X_REQUEST_ID, id);
        }
        app.cors.mark(allowed, headers);
        protect(headers, app.https);
        report(&app, &trail, response.status(), started.elapsed());
        response
    }
    .instrument(span)
    .await
}

/// An answer in the envelope of its API, an error in the form that the client accepts; what is neither as it is.
fn in_its_form(
    app: &App,
    response: Response,
    accept: &HeaderMap,
    id: &RequestId,
    dialect: Dialect,
) -> Response {
    let response = enveloped(response, dialect);
    let Some(error) = response.extensions().get::<ApiError>() else { return response };
    log(error);
    let mut rendered = render(error.problem(), dialect, accept, id.as_str(), Utc::now(), app.zone);
    if let Some(allow) = response.headers().get(ALLOW) {
        rendered.headers_mut().insert(ALLOW, allow.clone());
    }
    rendered.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    rendered
}

fn report(app: &App, trail: &Trail, status: StatusCode, took: Duration) {
    app.requests.answered(trail.method(), trail.route(), status, took);
    if app.log_requests {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let status = status.as_u16();
        info!(http.response.status_code = status, event.duration = nanoseconds, "a request was answered");
    }
}

/// A refusal for who asked is an audit row, wherever it was made. A failed login says so itself, because only it knows
/// whose login failed.
fn record_refusal(app: &App, trail: &Trail, response: &Response) {
    let status = response.status();
    let code = response.extensions().get::<ApiError>().map(|error| error.problem().code);
    match status {
        StatusCode::FORBIDDEN => app.audit.denied(trail, status, code.unwrap_or("ACCESS_DENIED")),
        StatusCode::UNAUTHORIZED
            if trail.has_token() && code.is_none_or(|code| !FAILED_LOGIN.contains(&code)) =>
        {
            app.audit.denied(trail, status, code.unwrap_or("UNAUTHORIZED"));
        }
        _ => {}
    }
}

/// The ledger answers for its commands sooner than this; the limit is for everything around them.
async fn in_time(app: &App, request: Request, next: Next) -> Response {
    let limit = Duration::from_millis(app.limits.request_timeout_ms);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) if reads => ApiError::overloaded().into_response(),
        // A command may have reached the ledger.
        Err(_) => ApiError::outcome_unknown().into_response(),
    }
}

/// A panic of a handler, as a response. Its text goes to the log alone.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text");
    error!(panic = text, "a request panicked");
    ApiError::internal().into_response()
}

fn log(error: &ApiError) {
    let problem = error.problem();
    if let Some(cause) = &problem.cause {
        let cause = &**cause as &dyn std::error::Error;
        if problem.retry_after_s.is_some() {
            warn!(error = cause, code = problem.code, "a request could not be served for now");
        } else {
            error!(error = cause, code = problem.code, "a request failed");
        }
    }
}

/// Answers are about people and money: nobody stores, guesses or frames them. Where the API is at home behind HTTPS,
/// nobody comes back without.
fn protect(headers: &mut HeaderMap, https: bool) {
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
}

fn accept_only(headers: &HeaderMap) -> HeaderMap {
    let mut accept = HeaderMap::new();
    for value in headers.get_all(ACCEPT) {
        accept.append(ACCEPT, value.clone());
    }
    accept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_of_requests_say_nothing() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            RequestId::of(&headers).as_str().to_owned()
        };
        for good in ["0192a4b0-0000-7000-8000-000000000001", "4bf92f3577b34da6a3ce929d0e0e4736"] {
            assert_eq!(of(good), good);
        }
        let numbers = ["3171234567890123", "081234567890", "0812-3456-7890", "317123:456789.0123", "-"];
        let told =
            ["john.doe", "phone-081234567890", "nik3171234567890123x", "00000000000000003171234567890123"];
        let odd = ["", "a b", "<script>", "é", "{0192a4b0-0000-7000-8000-000000000001}", "a-1_b.c:2"];
        for bad in odd.into_iter().chain(numbers).chain(told) {
            assert_ne!(of(bad), bad);
            assert_eq!(of(bad).len(), 36);
        }
        assert_ne!(RequestId::of(&HeaderMap::new()).as_str(), RequestId::of(&HeaderMap::new()).as_str());
    }

    #[test]
    fn a_panic_is_an_internal_error_without_its_text() {
        for panic in
            [Box::new("the secret") as Box<dyn Any + Send>, Box::new(String::from("it")), Box::new(7)]
        {
            let response = panicked(panic);
            let error = response.extensions().get::<ApiError>().unwrap();
            assert_eq!((error.problem().status.as_u16(), error.problem().code), (500, "INTERNAL_ERROR"));
            assert_eq!(error.problem().message, "Internal Server Error");
        }
    }
}
