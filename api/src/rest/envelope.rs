//! The way of every answer into its envelope: that of the path's API, or RFC 9457 for errors to who accepts
//! `application/problem+json`.

use axum::http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, LINK, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use chrono_tz::Tz;
use lumbung_domain::Rate;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::dialect::{Dialect, Occasion, Told};
use super::error::{ApiError, FieldError, Problem};

pub(super) const LEDGER_POSITION: HeaderName = HeaderName::from_static("ledger-position");
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const PROBLEM_JSON: &str = "application/problem+json";

/// A success on its way out. Everything in it is a pure function of what the ledger or the read models said, so an
/// answer given again under an Idempotency-Key is byte-equal.
pub(super) struct Reply<T> {
    status: StatusCode,
    message: &'static str,
    data: Option<T>,
    timestamp: String,
    headers: HeaderMap,
}

impl<T: Serialize> Reply<T> {
    /// `at`: when it was answered, printed in `zone`; `position`: what the answer reflects.
    pub(super) fn new(
        message: &'static str,
        data: Option<T>,
        at: DateTime<Utc>,
        zone: Tz,
        position: i64,
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(LEDGER_POSITION, HeaderValue::from(position));
        Self { status: StatusCode::OK, message, data, timestamp: local_time(at, zone), headers }
    }

    #[must_use]
    pub(super) fn created(mut self) -> Self {
        self.status = StatusCode::CREATED;
        self
    }

    /// Says that the answer was given before.
    #[must_use]
    pub(super) fn replayed(mut self, replayed: bool) -> Self {
        if replayed {
            self.headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        self
    }

    /// The version of the aggregate that the answer shows.
    #[must_use]
    pub(super) fn version(mut self, version: i64) -> Self {
        if let Ok(value) = HeaderValue::try_from(format!("\"{version}\"")) {
            self.headers.insert(ETAG, value);
        }
        self
    }

    /// A cookie for the client to keep.
    #[must_use]
    pub(super) fn cookie(mut self, cookie: Option<HeaderValue>) -> Self {
        if let Some(cookie) = cookie {
            self.headers.append(SET_COOKIE, cookie);
        }
        self
    }

    /// Where the next page is, if there is one.
    #[must_use]
    pub(super) fn next(mut self, link: Option<HeaderValue>) -> Self {
        if let Some(link) = link {
            self.headers.insert(LINK, link);
        }
        self
    }
}

/// The edge finds what was told in the response and gives it its envelope.
impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let Self { status, message, data, timestamp, headers } = self;
        match data.map(|data| to_raw_value(&data)).transpose() {
            Ok(data) => {
                let mut response = (status, headers).into_response();
                response.extensions_mut().insert(Told { message, data, timestamp });
                response
            }
            Err(error) => ApiError::fatal(error).into_response(),
        }
    }
}

/// A success in its envelope; any other response as it is.
pub(super) fn enveloped(mut response: Response, dialect: Dialect) -> Response {
    let Some(told) = response.extensions_mut().remove::<Told>() else { return response };
    let Ok(body) = dialect.success(&told) else { return ApiError::internal().into_response() };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // It may say how long the response was without a body.
    headers.remove(CONTENT_LENGTH);
    *response.body_mut() = body.into();
    response
}

/// RFC 9457 §3.1, with the same extensions as the other form has fields.
#[derive(Serialize)]
struct ProblemDocument<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    errors: &'a [FieldError],
    #[serde(rename = "requestId")]
    request_id: &'a str,
    timestamp: &'a str,
}

/// An error in the form that the client accepts.
pub(super) fn render(
    problem: &Problem,
    dialect: Dialect,
    accept: &HeaderMap,
    request_id: &str,
    now: DateTime<Utc>,
    zone: Tz,
) -> Response {
    let kept = problem.kept.as_ref();
    let timestamp = &*local_time(kept.map_or(now, |kept| kept.at), zone);
    let request_id = kept.map_or(request_id, |kept| &kept.request_id);
    let Problem { status, code, fields, .. } = problem;
    let (kind, body) = if accepts_problem_json(accept) {
        let document = ProblemDocument {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: &dialect.words(problem),
            code,
            errors: fields,
            request_id,
            timestamp,
        };
        (PROBLEM_JSON, serde_json::to_vec(&document))
    } else {
        ("application/json", dialect.error(problem, &Occasion { timestamp, request_id }))
    };
    // Texts and numbers alone: that they do not serialise cannot be.
    let body = body.unwrap_or_default();
    let mut response = (*status, [(CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response();
    let headers = response.headers_mut();
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if *status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if kept.is_some_and(|kept| kept.replayed) {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

fn accepts_problem_json(headers: &HeaderMap) -> bool {
    headers
        .get_all(axum::http::header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case(PROBLEM_JSON))
                && !parts.any(is_weight_0)
        })
}

/// `q=0`: anything but this (RFC 9110 §12.4.2).
fn is_weight_0(parameter: &str) -> bool {
    let Some((name, weight)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && weight.trim().trim_matches(['0', '.']).is_empty()
}

/// `2025-12-22T10:00:00`, as the loan API prints instants.
pub(super) fn local_time(at: DateTime<Utc>, zone: Tz) -> String {
    printed(at, zone, 'T')
}

/// `2021-04-01 22:21:21`, as the wallet API prints instants.
pub(super) fn wallet_time(at: DateTime<Utc>, zone: Tz) -> String {
    printed(at, zone, ' ')
}

/// `2025-12-22T10:00:00.123456+07:00` (RFC 3339), where instants are told apart and ordered.
pub(super) fn exact_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// To the second. Every answer has one of these, and reading a format each time takes longer than writing the digits.
fn printed(at: DateTime<Utc>, zone: Tz, between: char) -> String {
    let at = at.with_timezone(&zone);
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}")
}

/// A rate as an exact JSON number with at least one decimal: `12.0`.
pub(super) struct Percent(pub(super) Rate);

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::body::to_bytes;
    use axum::http::header::ACCEPT;
    use lumbung_domain::Rejection;

    use super::*;

    fn at() -> DateTime<Utc> {
        "2025-12-22T03:00:00.123456Z".parse().unwrap()
    }

    async fn body(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_success() {
        let reply =
            Reply::new("Success", Some([Percent(Rate::from_e4_const(120_000))]), at(), Tz::Asia__Jakarta, 7)
                .version(3)
                .replayed(true);
        let response = enveloped(reply.into_response(), Dialect::Loan);
        assert_eq!(response.headers()[LEDGER_POSITION], "7");
        assert_eq!(response.headers()[ETAG], "\"3\"");
        assert_eq!(response.headers()[IDEMPOTENT_REPLAYED], "true");
        let expected =
            r#"{"success":true,"message":"Success","data":[12.0],"timestamp":"2025-12-22T10:00:00"}"#;
        assert_eq!(body(response).await, expected);
    }

    #[tokio::test]
    async fn an_error_in_both_forms() {
        let error = ApiError::from(Rejection::Unauthorized);
        let plain = render(error.problem(), Dialect::Loan, &HeaderMap::new(), "r-1", at(), Tz::Asia__Jakarta);
        assert_eq!(plain.headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(
            body(plain).await,
            r#"{"success":false,"message":"Unauthorized","timestamp":"2025-12-22T10:00:00","code":"UNAUTHORIZED","errors":[],"requestId":"r-1"}"#
        );
        let mut accept = HeaderMap::new();
        accept.insert(ACCEPT, "text/html, application/problem+json;q=0.9".parse().unwrap());
        let problem = render(error.problem(), Dialect::Loan, &accept, "r-1", at(), Tz::UTC);
        assert_eq!(
            (problem.status(), &problem.headers()[CONTENT_TYPE]),
            (StatusCode::UNAUTHORIZED, &HeaderValue::from_static(PROBLEM_JSON))
        );
        let document: serde_json::Value = serde_json::from_str(&body(problem).await).unwrap();
        assert_eq!((&document["code"], &document["status"]), (&"UNAUTHORIZED".into(), &401.into()));
    }

    #[test]
    fn what_accepts_problem_json() {
        for (accept, accepts) in [
            ("application/problem+json", true),
            ("text/html, Application/Problem+JSON ; q=0.001", true),
            ("application/problem+json;q=0", false),
            ("application/problem+json; Q=0.000, application/json", false),
            ("application/json, */*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(accepts_problem_json(&headers), accepts, "{accept}");
        }
    }

    #[tokio::test]
    async fn a_kept_rejection_is_byte_equal_whoever_asks_again() {
        let kept =
            |replayed| ApiError::from(Rejection::ProductNotFound).kept(at(), "key-1".to_owned(), replayed);
        let first =
            render(kept(false).problem(), Dialect::Loan, &HeaderMap::new(), "r-1", Utc::now(), Tz::UTC);
        let again =
            render(kept(true).problem(), Dialect::Loan, &HeaderMap::new(), "r-2", Utc::now(), Tz::UTC);
        assert!(!first.headers().contains_key(IDEMPOTENT_REPLAYED));
        assert_eq!(again.headers()[IDEMPOTENT_REPLAYED], "true");
        assert_eq!(body(first).await, body(again).await);
    }
}
