//! `/api/customer/plafond`.

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use lumbung_commands::plafond::SelectPlafond;
use lumbung_domain::{PlafondNumber, ProductId, ProductTerms, Rejection, Rupiah, whole_number};
use lumbung_projections::plafonds;
use serde::Serialize;

use super::body::{Fields, Form};
use super::command::{Asked, carry_out};
use super::envelope::{Reply, local_time};
use super::error::ApiError;
use super::loan_json::ProductJson;
use super::view::View;
use crate::app::App;
use crate::auth::{Caller, PlafondRead, PlafondSelect};

pub(super) struct Selection {
    product: ProductId,
}

impl Form for Selection {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let product = fields.number("productId", whole_number);
        Some(Self { product: ProductId(product?) })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlafondJson {
    id: i64,
    product: ProductJson,
    original_amount: Rupiah,
    remaining_amount: Rupiah,
    assigned_at: String,
    is_active: bool,
}

impl PlafondJson {
    /// An active plafond, as it is shown.
    pub(super) fn of(plafond: &plafonds::ActivePlafond, zone: Tz) -> Self {
        let (remaining, assigned_at) = (plafond.remaining_rupiah, plafond.assigned_at);
        Self::new(plafond.number, &plafond.terms, remaining, assigned_at, zone)
    }

    /// An active plafond; the terms' amount is the original one.
    fn new(
        number: PlafondNumber,
        terms: &ProductTerms,
        remaining: Rupiah,
        assigned_at: DateTime<Utc>,
        zone: Tz,
    ) -> Self {
        Self {
            id: number.0,
            product: terms.into(),
            original_amount: terms.amount_rupiah,
            remaining_amount: remaining,
            assigned_at: local_time(assigned_at, zone),
            is_active: true,
        }
    }
}

pub(super) async fn select(
    State(app): State<Arc<App>>,
    caller: Caller<PlafondSelect>,
    asked: Asked<(), Selection>,
) -> Result<Reply<PlafondJson>, ApiError> {
    let number = app.numbers.plafond().await?;
    let call = asked.call(&app, caller.user());
    let (product, expected) = (asked.form.product, asked.expected);
    let use_case = SelectPlafond { actor: caller.actor(), number, product, expected };
    let done = carry_out(&app, use_case, call).await?;
    let selected = done.outcome;
    let json =
        PlafondJson::new(selected.number, &selected.terms, selected.terms.amount_rupiah, done.at, app.zone);
    let reply = Reply::new("Plafond selected successfully", Some(json), done.at, app.zone, done.position);
    Ok(reply.version(selected.version).replayed(done.replayed))
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller<PlafondRead>,
    view: View,
) -> Result<Reply<PlafondJson>, ApiError> {
    let plafond = plafonds::active_of(&view.read, caller.user()).await?.ok_or(Rejection::PlafondNotActive)?;
    Ok(view.reply(&app, PlafondJson::of(&plafond, app.zone)).version(plafond.version))
}
