//! Reads: how fresh they are, and which page of a list they show.

use std::borrow::Cow;
use std::collections::BTreeSet;
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
use super::error::{ApiError, FieldError};
use crate::app::App;

const MIN_POSITION: HeaderName = HeaderName::from_static("min-position");

/// Of a list.
const PARAMETERS: [&str; 3] = ["limit", "cursor", "stale"];

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
        Self::reaching(min_position(parts)?, parts, app).await
    }
}

impl View {
    async fn reaching(min_position: i64, parts: &Parts, app: &App) -> Result<Self, ApiError> {
        let acknowledged = app.ledger.feed().reached();
        let wanted = acknowledged.max(min_position);
        let shown = if parameter(&parts.uri, "stale").as_deref() == Some("ok") {
            app.freshness.shown()
        } else {
            app.freshness.wait_for(wanted, app.patience).await?
        };
        Ok(Self { read: shown.schema, position: shown.position })
    }

    /// An answer that shows what was read.
    pub(super) fn reply<T: Serialize>(&self, app: &App, data: T) -> Reply<T> {
        Reply::new("Success", Some(data), Utc::now(), app.zone, self.position)
    }
}

fn min_position(parts: &Parts) -> Result<i64, ApiError> {
    let Some(value) = parts.headers.get(MIN_POSITION) else { return Ok(0) };
    let position = value.to_str().ok().and_then(|text| integer(text).ok()).filter(|position| *position >= 0);
    position.ok_or_else(|| ApiError::parameter("Min-Position", "must be a whole number, 0 or more"))
}

/// Which rows of a list.
pub(super) struct Paging {
    pub(super) limit: Limit,
    pub(super) after: Option<Cursor>,
    uri: Uri,
}

/// What a list is asked for. All that is wrong with it is told at once, before anything waits.
pub(super) struct Listing {
    pub(super) view: View,
    pub(super) paging: Paging,
}

impl FromRequestParts<Arc<App>> for Listing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let (min_position, paging) = (min_position(parts), Paging::of(&parts.uri));
        let faults = [min_position.as_ref().err(), paging.as_ref().err()];
        if let Some(all) = ApiError::all(faults.into_iter().flatten()) {
            return Err(all);
        }
        let view = View::reaching(min_position?, parts, app).await?;
        Ok(Self { view, paging: paging? })
    }
}

impl Paging {
    fn of(uri: &Uri) -> Result<Self, ApiError> {
        let mut faults = Vec::new();
        let mut fault = |field: Cow<'static, str>, message: &'static str| {
            faults.push(FieldError { field, message: message.into() });
        };
        let limit = match parameter(uri, "limit") {
            None => Limit::default(),
            Some(text) => integer(&text).ok().and_then(Limit::new).unwrap_or_else(|| {
                fault("limit".into(), "must be a whole number between 1 and 1000");
                Limit::default()
            }),
        };
        let cursor = parameter(uri, "cursor");
        let after = cursor.as_deref().and_then(decode);
        if cursor.is_some() && after.is_none() {
            fault("cursor".into(), "must be the cursor of a previous page");
        }
        for name in unknown(uri) {
            fault(name.to_owned().into(), "is not a parameter of this list");
        }
        if faults.is_empty() {
            Ok(Self { limit, after, uri: uri.clone() })
        } else {
            Err(ApiError::fields(faults))
        }
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

/// The names of a list's parameters that it does not have. To ignore one would be to show more than was asked for: most
/// of them are meant as filters.
fn unknown(uri: &Uri) -> BTreeSet<&str> {
    let names = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next());
    names.filter(|name| !name.is_empty() && !PARAMETERS.contains(name)).collect()
}

/// The first value of a parameter. The ones of this API need no percent-decoding.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&');
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(key, _)| *key == name);
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
            "limit",
            "status=SUBMITTED",
            "branchId=1",
            "lim%69t=1",
        ] {
            let error = paging(&format!("/api/loans?{bad}")).err().unwrap();
            assert_eq!(error.problem().status, 400, "{bad}");
            assert_eq!(error.problem().fields[0].field, bad.split('=').next().unwrap());
        }
        let error = paging("/api/loans?status=x&cursor=y&limit=0&branchId&").err().unwrap();
        let fields: Vec<&str> = error.problem().fields.iter().map(|fault| &*fault.field).collect();
        assert_eq!(fields, ["limit", "cursor", "branchId", "status"]);
        assert_eq!(error.problem().message, "limit: must be a whole number between 1 and 1000");
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
