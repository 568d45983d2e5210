//! Reads of the streams themselves, through the node's view of them: they need not wait for the read models.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::Utc;
use lumbung_projections::Behind;
use serde::Serialize;

use super::{Filter, Paging, Wanted, may_be_stale, min_position, read};
use crate::app::App;
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::query::{Asked, Query};

/// The streams, as fresh as the request asks for.
pub(in crate::rest) struct Streams {
    /// What they show at least.
    position: i64,
}

impl FromRequestParts<Arc<App>> for Streams {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        Self::of(Wanted::of(parts)?, 0, app).await
    }
}

impl Streams {
    /// `known`: what is asked for cannot be answered before that position.
    async fn of(wanted: Wanted, known: i64, app: &App) -> Result<Self, ApiError> {
        let position = match wanted {
            Wanted::AsTheyAre => app.access.applied(),
            Wanted::Reaching(position) => {
                let acknowledged = app.ledger.feed().reached();
                app.access.wait_until_applied(acknowledged.max(position).max(known), app.patience).await?
            }
        };
        if position < known {
            return Err(Behind { wanted: known, projected: position }.into());
        }
        Ok(Self { position })
    }

    /// An answer that shows what was read.
    pub(in crate::rest) fn reply<T: Serialize>(&self, app: &App, data: T) -> Reply<T> {
        Reply::new("Success", Some(data), Utc::now(), app.zone, self.position)
    }
}

/// As [`Streams`], of what is shown whole and has parameters.
pub(in crate::rest) struct Streamed<F> {
    pub(in crate::rest) streams: Streams,
    pub(in crate::rest) filter: F,
}

impl<F: Filter + Send> FromRequestParts<Arc<App>> for Streamed<F> {
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
        let streams = Streams::of(Wanted::new(min_position?, stale), filter.position(), app).await?;
        Ok(Self { streams, filter })
    }
}

/// As [`Streams`], of a list.
pub(in crate::rest) struct StreamedList {
    pub(in crate::rest) streams: Streams,
    pub(in crate::rest) paging: Paging,
}

impl FromRequestParts<Arc<App>> for StreamedList {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let min_position = min_position(parts);
        let asked = read(&parts.uri, &[], |_| ());
        let faults = [min_position.as_ref().err(), asked.as_ref().err()];
        if let Some(all) = ApiError::all(faults.into_iter().flatten()) {
            return Err(all);
        }
        let (paging, ()) = asked?;
        let streams = Streams::of(Wanted::new(min_position?, paging.stale), 0, app).await?;
        Ok(Self { streams, paging })
    }
}
