//! Reads: how fresh they are, and which page of a list they show.

mod streams;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Uri};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use lumbung_projections::{Behind, Cursor, Limit, LiveSchema};
use serde::Serialize;

use super::body::integer;
use super::envelope::Reply;
use super::error::ApiError;
use super::query::{Asked, Query};
use crate::app::App;

pub(super) use streams::{Streamed, StreamedList, Streams};

const MIN_POSITION: HeaderName = HeaderName::from_static("min-position");

/// Of every list.
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
        Self::of(Wanted::of(parts)?, 0, app).await
    }
}

impl View {
    /// `known`: what is asked for cannot be answered before that position.
    async fn of(wanted: Wanted, known: i64, app: &App) -> Result<Self, ApiError> {
        let shown = match wanted {
            Wanted::AsTheyAre => app.freshness.shown(),
            Wanted::Reaching(position) => {
                let acknowledged = app.ledger.feed().reached();
                app.freshness.wait_for(acknowledged.max(position).max(known), app.patience).await?
            }
        };
        if shown.position < known {
            return Err(Behind { wanted: known, projected: shown.position }.into());
        }
        Ok(Self { read: shown.schema, position: shown.position })
    }

    /// An answer that shows what was read.
    pub(super) fn reply<T: Serialize>(&self, app: &App, data: T) -> Reply<T> {
        Reply::new("Success", Some(data), Utc::now(), app.zone, self.position)
    }
}

/// How fresh an answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// As fresh as what was acknowledged, and up to this position.
    Reaching(i64),
    AsTheyAre,
}

impl Wanted {
    /// What the request for one thing says of it; its other parameters are of no account.
    fn of(parts: &Parts) -> Result<Self, ApiError> {
        let min_position = min_position(parts);
        let mut query = Query::of(&parts.uri);
        let stale = may_be_stale(&mut query);
        let stale = query.judge(stale);
        let faults = [min_position.as_ref().err(), stale.as_ref().err()];
        match ApiError::all(faults.into_iter().flatten()) {
            Some(all) => Err(all),
            None => Ok(Self::new(min_position?, stale?)),
        }
    }

    fn new(min_position: i64, stale: bool) -> Self {
        if stale { Self::AsTheyAre } else { Self::Reaching(min_position) }
    }
}

/// `?stale=ok`; there is no other value.
fn may_be_stale(query: &mut Query<'_>) -> bool {
    query.one("stale", "must be ok", |text| (text == "ok").then_some(())).is_some()
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
    stale: bool,
    uri: Uri,
}

/// What a list can be narrowed by.
pub(super) trait Filter: Sized {
    /// Its parameters.
    const NAMES: &'static [&'static str];

    /// Takes the parameters and notes what is wrong with them; then what it gives is of no account.
    fn read(query: &mut Query<'_>, app: &App) -> Self;

    /// The position that the read models must have reached to answer it.
    fn position(&self) -> i64 {
        0
    }
}

/// A list that is shown as it is.
pub(super) struct Unfiltered;

impl Filter for Unfiltered {
    const NAMES: &'static [&'static str] = &[];

    fn read(_: &mut Query<'_>, _: &App) -> Self {
        Self
    }
}

/// What a list is asked for. All that is wrong with it is told at once, before anything waits.
pub(super) struct Listing {
    pub(super) view: View,
    pub(super) paging: Paging,
}

/// As [`Listing`], of a list that can be narrowed.
pub(super) struct Filtered<F> {
    pub(super) view: View,
    pub(super) paging: Paging,
    pub(super) filter: F,
}

impl FromRequestParts<Arc<App>> for Listing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Filtered { view, paging, filter: Unfiltered } = Filtered::from_request_parts(parts, app).await?;
        Ok(Self { view, paging })
    }
}

impl<F: Filter + Send> FromRequestParts<Arc<App>> for Filtered<F> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let min_position = min_position(parts);
        let asked = read(&parts.uri, F::NAMES, |query| F::read(query, app));
        let faults = [min_position.as_ref().err(), asked.as_ref().err()];
        if let Some(all) = ApiError::all(faults.into_iter().flatten()) {
            return Err(all);
        }
        let (paging, filter) = asked?;
        let view = View::of(Wanted::new(min_position?, paging.stale), filter.position(), app).await?;
        Ok(Self { view, paging, filter })
    }
}

/// As [`Filtered`], of what operators look at when something is amiss: it waits for nothing and shows the read models as they
/// are.
pub(super) struct AsItIs<F> {
    pub(super) view: View,
    pub(super) paging: Paging,
    pub(super) filter: F,
}

impl<F: Filter + Send> FromRequestParts<Arc<App>> for AsItIs<F> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let (paging, filter) = read(&parts.uri, F::NAMES, |query| F::read(query, app))?;
        Ok(Self { view: View::of(Wanted::AsTheyAre, 0, app).await?, paging, filter })
    }
}

/// As [`AsItIs`], of what is shown whole.
pub(super) struct WholeAsItIs {
    pub(super) view: View,
}

impl FromRequestParts<Arc<App>> for WholeAsItIs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let mut query = Query::of(&parts.uri);
        may_be_stale(&mut query);
        query.refuse_others(Asked::Whole, &["stale"], &[]);
        query.judge(())?;
        Ok(Self { view: View::of(Wanted::AsTheyAre, 0, app).await? })
    }
}

/// As [`Filtered`], of what is shown whole.
pub(super) struct Narrowed<F> {
    pub(super) view: View,
    pub(super) filter: F,
}

impl<F: Filter + Send> FromRequestParts<Arc<App>> for Narrowed<F> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let min_position = min_position(parts);
        let mut query = Query::of(&parts.uri);
        let stale = may_be_stale(&mut query);
        let filter = F::read(&mut query, app);
        query.refuse_others(Asked::Whole, &["stale"], F::NAMES);
        let asked = query.judge((stale, filter));
        let faults = [min_position.as_ref().err(), asked.as_ref().err()];
        if let Some(all) = ApiError::all(faults.into_iter().flatten()) {
            return Err(all);
        }
        let (stale, filter) = asked?;
        let view = View::of(Wanted::new(min_position?, stale), filter.position(), app).await?;
        Ok(Self { view, filter })
    }
}

/// The page, then the filter, then whatever the list does not have.
fn read<F>(
    uri: &Uri,
    filters: &[&str],
    filter: impl FnOnce(&mut Query<'_>) -> F,
) -> Result<(Paging, F), ApiError> {
    let mut query = Query::of(uri);
    let limit = query.one("limit", "must be a whole number between 1 and 1000", |text| {
        integer(text).ok().and_then(Limit::new)
    });
    let after = query.one("cursor", "must be the cursor of a previous page", decode);
    let stale = may_be_stale(&mut query);
    let filter = filter(&mut query);
    query.refuse_others(Asked::List, &PARAMETERS, filters);
    let paging = Paging { limit: limit.unwrap_or_default(), after, stale, uri: uri.clone() };
    query.judge((paging, filter))
}

impl Paging {
    /// That no page was asked for.
    ///
    /// # Errors
    /// 400 naming the parameters that ask for one.
    pub(super) fn refuse(&self, why: &'static str) -> Result<(), ApiError> {
        let mut query = Query::of(&self.uri);
        for name in ["limit", "cursor"] {
            if query.first(name).is_some() {
                query.fault::<()>(name, why);
            }
        }
        query.judge(())
    }

    /// The page of rows that are all at hand, in the order of `key`, and the value of `Link`.
    pub(super) fn cut<T>(
        &self,
        rows: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> i64,
    ) -> (Vec<T>, Option<HeaderValue>) {
        let after = self.after.map_or(i64::MIN, |cursor| cursor.0);
        let mut behind = rows.into_iter().filter(|row| key(row) > after);
        let page: Vec<T> = behind.by_ref().take(self.limit.get().into()).collect();
        let last = page.last().filter(|_| behind.next().is_some());
        let next = self.next(last.map(|row| Cursor(key(row))));
        (page, next)
    }

    /// The value of `Link`, relative, with every other parameter as it was.
    pub(super) fn next(&self, next: Option<Cursor>) -> Option<HeaderValue> {
        let cursor = encode(next?);
        let kept = self.uri.query().unwrap_or_default().split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !is_cursor(pair));
        let query: Vec<&str> = kept.collect();
        let path = self.uri.path();
        let and = if query.is_empty() { "" } else { "&" };
        let link = format!("<{path}?{}{and}cursor={cursor}>; rel=\"next\"", query.join("&"));
        HeaderValue::try_from(link).ok()
    }
}

/// However its name is written.
fn is_cursor(pair: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "cursor")
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
        read(&uri.parse().unwrap(), &[], |_| ()).map(|(paging, ())| paging)
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
            "limit=1&limit=1",
            "stale=",
            "stale=yes",
            "stale=OK",
            "stale=ok&stale=ok",
        ] {
            let error = paging(&format!("/api/loans?{bad}")).err().unwrap();
            assert_eq!(error.problem().status, 400, "{bad}");
            assert_eq!(error.problem().fields[0].field, bad.split('=').next().unwrap());
        }
        assert_eq!(paging("/api/loans?lim%69t=%31").ok().map(|page| page.limit.get()), Some(1));
        let error = paging("/api/loans?status=x&cursor=y&limit=0&branchId&").err().unwrap();
        let fields: Vec<&str> = error.problem().fields.iter().map(|fault| &*fault.field).collect();
        assert_eq!(fields, ["limit", "cursor", "branchId", "status"]);
        assert_eq!(error.problem().message, "limit: must be a whole number between 1 and 1000");
    }

    #[test]
    fn the_next_page_begins_where_this_one_ended() {
        let page =
            paging("/api/loans?stale=ok&limit=2&%63ursor=AAAAAAAAAAE").unwrap_or_else(|_| unreachable!());
        assert_eq!(page.after, Some(Cursor(1)));
        assert_eq!(page.next(None), None);
        let link = page.next(Some(Cursor(77))).unwrap();
        let link = link.to_str().unwrap();
        assert_eq!(link, "</api/loans?stale=ok&limit=2&cursor=AAAAAAAAAE0>; rel=\"next\"");
        let uri = link.split(['<', '>']).nth(1).unwrap();
        assert_eq!(paging(uri).ok().and_then(|page| page.after), Some(Cursor(77)));
    }
}
