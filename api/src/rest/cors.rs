//! Which scripts of other origins may use the API from a browser (CORS, as in the Fetch standard).
//!
//! Closed unless origins are configured. Credentials are never allowed: a session is a token that a script sends
//! itself, and the one cookie only tells a known device. What is not a preflight of an allowed origin is a request like any other, so nothing of the
//! order of checks changes.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// What clients send beyond what every script may.
const SENT: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, Min-Position, X-Request-Id",
);
/// What clients need of an answer beyond what every script sees.
const SEEN: HeaderValue = HeaderValue::from_static(
    "ETag, Idempotent-Replayed, Ledger-Position, Link, Retry-After, Unread-Count, X-Request-Id",
);
/// How long a browser remembers a preflight, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("3600");
const ANYONE: HeaderValue = HeaderValue::from_static("*");

/// The configured origins.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    anyone: bool,
    origins: Vec<HeaderValue>,
}

impl Cors {
    /// `origins` as the configuration has checked them; `*` is all.
    #[must_use]
    pub fn new(origins: &[String]) -> Self {
        Self {
            anyone: origins.iter().any(|origin| origin == "*"),
            origins: origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect(),
        }
    }

    /// What the origin of a request is told to be allowed, if it is.
    pub(super) fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(ORIGIN)?;
        if self.anyone {
            return Some(ANYONE);
        }
        self.origins.iter().find(|allowed| *allowed == origin).cloned()
    }

    /// The answer to a browser that asks before it sends: it needs no session, and no handler sees it.
    pub(super) fn preflight(&self, method: &Method, request: &HeaderMap) -> Option<Response> {
        let asks = *method == Method::OPTIONS && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || self.allowed(request).is_none() {
            return None;
        }
        let headers = [
            (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (ACCESS_CONTROL_ALLOW_HEADERS, SENT),
            (ACCESS_CONTROL_MAX_AGE, REMEMBERED),
        ];
        Some((StatusCode::NO_CONTENT, headers).into_response())
    }

    /// Marks an answer for the origin that is allowed to see it.
    pub(super) fn mark(&self, allowed: Option<HeaderValue>, response: &mut HeaderMap) {
        if !self.origins.is_empty() && !self.anyone {
            // An answer to another origin, or to none, must not be taken for this one's.
            let accept = response.get(VARY).is_some_and(|vary| vary == "Accept");
            let vary = if accept { "Accept, Origin" } else { "Origin" };
            response.insert(VARY, HeaderValue::from_static(vary));
        }
        if let Some(allowed) = allowed {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, SEEN);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ALLOWED: &str = "https://app.example.com";

    fn from(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, "POST".parse().unwrap());
        headers
    }

    fn cors(origins: &[&str]) -> Cors {
        Cors::new(&origins.iter().map(|origin| (*origin).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn closed_by_default() {
        let closed = cors(&[]);
        assert!(closed.preflight(&Method::OPTIONS, &from(ALLOWED)).is_none());
        let mut response = HeaderMap::new();
        closed.mark(closed.allowed(&from(ALLOWED)), &mut response);
        assert!(response.is_empty());
    }

    #[test]
    fn an_origin_is_compared_whole() {
        let cors = cors(&[ALLOWED]);
        assert_eq!(cors.allowed(&from(ALLOWED)).unwrap(), ALLOWED);
        for other in
            ["https://app.example.com.evil.com", "http://app.example.com", "https://app.example.co", "null"]
        {
            assert_eq!(cors.allowed(&from(other)), None, "{other}");
            assert!(cors.preflight(&Method::OPTIONS, &from(other)).is_none());
        }
        assert!(cors.preflight(&Method::POST, &from(ALLOWED)).is_none());
        let mut response = HeaderMap::new();
        cors.mark(None, &mut response);
        assert_eq!((response.len(), &response[VARY]), (1, &HeaderValue::from_static("Origin")));
    }

    #[test]
    fn anyone_is_told_so_without_their_name() {
        let cors = cors(&["*"]);
        let mut response = HeaderMap::new();
        cors.mark(cors.allowed(&from(ALLOWED)), &mut response);
        assert_eq!(response[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!response.contains_key(VARY));
    }
}
