//! Reads: how fresh they are, and which page of a list they show.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Uri};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use lumbung_projections::{Cursor, Limit, LiveSchema};
use serde::Serialize;

use super::body::integer;
use super::envelope::Reply;
use super::error::ApiError;
use crate::app::App;

const MIN_POSITION: HeaderName = HeaderName::from_static("min-position");

/// The read models, as fresh as the request asks for: with everything that this node had acknowledged when the request
/// arrived, and up to `Min-Position`. `?stale=ok` takes them as they are.
pub(super) struct View {
    pub(super) read: Arc<LiveSchema>,
    /// What they show at least.
    pub(super) position: i64,
}

impl FromRequestParts<Arc<App>> for View {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let acknowledged = app.ledger.feed().reached();
        let wanted = acknowledged.max(min_position(parts)?);
        let position = if parameter(&parts.uri, "stale").as_deref() == Some("ok") {
            app.freshness.projected()
        } else {
            app.freshness.wait_for(wanted, app.patience).await?
        };
        // Taken after the wait: a schema that a rebuild made is behind until then.
        Ok(Self { read: app.reader.live(), position })
    }
}

impl View {
    /// An answer that shows what was read.
    pub(super) fn reply<T: Serialize>(&self, app: &App, data: T) -> Reply<T> {
        Reply::new("Success", Some(data), Utc::now(), app.zone, self.position)
    }
}

fn min_position(parts: &Parts) -> Result<i64, ApiError> {
    let Some(value) = parts.headers.get(MIN_POSITION) else { return Ok(0) };
    let position = value.to_str().ok().and_then(|text| integer(text).ok()).filter(|position| *position >= 0);
    position.ok_or_else(|| ApiError::parameter("Min-Position", "must be a position of the ledger"))
}

/// Which rows of a list.
pub(super) struct Paging {
    pub(super) limit: Limit,
    pub(super) after: Option<Cursor>,
    uri: Uri,
}

impl FromRequestParts<Arc<App>> for Paging {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        Self::of(&parts.uri)
    }
}

impl Paging {
    fn of(uri: &Uri) -> Result<Self, ApiError> {
        let limit = match parameter(uri, "limit") {
            None => Limit::default(),
            Some(text) => integer(&text)
                .ok()
                .and_then(Limit::new)
                .ok_or_else(|| ApiError::parameter("limit", "must be between 1 and 1000"))?,
        };
        let after = match parameter(uri, "cursor") {
            None => None,
            Some(text) => {
                let cursor = decode(&text);
                Some(cursor.ok_or_else(|| ApiError::parameter("cursor", "must be one that a list gave"))?)
            }
        };
        Ok(Self { limit, after, uri: uri.clone() })
    }

    /// The value of `Link`, relative, with every other parameter as it was.
    pub(super) fn next(&self, next: Option<Cursor>) -> Option<HeaderValue> {
        let cursor = encode(next?);
        let kept = self
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("cursor"));
        let query: Vec<&str> = kept.collect();
        let path = self.uri.path();
        let and = if query.is_empty() { "" } else { "&" };
        let link = format!("<{path}?{}{and}cursor={cursor}>; rel=\"next\"", query.join("&"));
        HeaderValue::try_from(link).ok()
    }
}

/// The first value of a parameter. The ones of this API need no percent-decoding.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&');
    let mut values = pairs.filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    values.next().map(|(_, value)| value.to_owned())
}

fn encode(cursor: Cursor) -> String {
    URL_SAFE_NO_PAD.encode(cursor.0.to_be_bytes())
}

fn decode(text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let position = i64::from_be_bytes(bytes.try_into().ok()?);
    (position > 0).then_some(Cursor(position))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn paging(uri: &str) -> Result<Paging, ApiError> {
        Paging::of(&uri.parse().unwrap())
    }

    #[test]
    fn limits_and_cursors_are_checked() {
        let page = paging("/api/loans").unwrap_or_else(|_| unreachable!());
        assert_eq!((page.limit.get(), page.after), (100, None));
        assert_eq!(paging("/api/loans?limit=1000").ok().map(|page| page.limit.get()), Some(1_000));
        for bad in [
            "limit=0",
            "limit=1001",
            "limit=",
            "limit=ten",
            "limit=-1",
            "cursor=",
            "cursor=zzz",
            "cursor=%20",
        ] {
            let error = paging(&format!("/api/loans?{bad}")).err().unwrap();
            assert_eq!(error.problem().status, 400, "{bad}");
            assert_eq!(error.problem().fields[0].field, bad.split('=').next().unwrap());
        }
    }

    #[test]
    fn the_next_page_begins_where_this_one_ended() {
        let page =
            paging("/api/loans?stale=ok&limit=2&cursor=AAAAAAAAAAE").unwrap_or_else(|_| unreachable!());
        assert_eq!(page.after, Some(Cursor(1)));
        assert_eq!(page.next(None), None);
        let link = page.next(Some(Cursor(77))).unwrap();
        let link = link.to_str().unwrap();
        assert_eq!(link, "</api/loans?stale=ok&limit=2&cursor=AAAAAAAAAE0>; rel=\"next\"");
        let uri = link.split(['<', '>']).nth(1).unwrap();
        assert_eq!(paging(uri).ok().and_then(|page| page.after), Some(Cursor(77)));
    }
}
