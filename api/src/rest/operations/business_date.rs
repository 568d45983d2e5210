//! `/api/operations/business-date`: what day it is for the books.

use std::sync::Arc;

use axum::extract::State;
use chrono::{NaiveDate, Utc};
use lumbung_commands::business_date::{
    BusinessDate, FURTHEST_AHEAD_IN_PRODUCTION_DAYS, FURTHEST_DAYS, SetBusinessDate,
};
use lumbung_domain::Invalid;
use serde::Serialize;

use crate::app::App;
use crate::auth::{Caller, ManageOperations, ReadOperations};
use crate::config::Environment;
use crate::rest::body::{Fields, Form};
use crate::rest::command::{Asked, carry_out};
use crate::rest::days::{DATE, date};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::view::WholeAsItIs;

/// A day, or `null` for what the calendar says.
pub(in crate::rest) struct Setting(Option<NaiveDate>);

impl Form for Setting {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let day = fields.text_or_null("businessDate", |text| date(text).ok_or(Invalid::new(DATE)));
        Some(Self(day?))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct BusinessDateJson {
    business_date: NaiveDate,
    /// An operator set it; otherwise the calendar tells it.
    set: bool,
}

pub(in crate::rest) async fn show(
    State(app): State<Arc<App>>,
    _: Caller<ReadOperations>,
    _: WholeAsItIs,
) -> Result<Reply<BusinessDateJson>, ApiError> {
    let today = app.business_day().await?;
    let json = BusinessDateJson { business_date: today.on, set: today.set };
    Ok(Reply::new("Success", Some(json), Utc::now(), app.zone, app.access.applied()))
}

pub(in crate::rest) async fn set(
    State(app): State<Arc<App>>,
    caller: Caller<ManageOperations>,
    asked: Asked<(), Setting>,
) -> Result<Reply<BusinessDateJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let Setting(business_on) = asked.form;
    let most_ahead_days = match app.environment {
        Environment::Production => FURTHEST_AHEAD_IN_PRODUCTION_DAYS,
        _ => FURTHEST_DAYS,
    };
    let use_case = SetBusinessDate { actor: caller.actor(), business_on, most_ahead_days };
    let done = carry_out(&app, use_case, call).await?;
    let BusinessDate { business_on, set } = done.outcome;
    let json = BusinessDateJson { business_date: business_on, set };
    let message = if set { "The business date is set" } else { "The business date follows the calendar" };
    Ok(Reply::new(message, Some(json), done.at, app.zone, done.position).replayed(done.replayed))
}
