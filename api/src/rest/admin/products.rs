//! `/api/admin/products`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::product::{AmendProduct, DefineProduct, ProductOutcome};
use lumbung_domain::{
    Allocation, Component, DayCount, Invalid, Method, ProductChange, ProductId, ProductTerms, Rate, Rupiah,
    ServicingChange, ServicingTerms, Tenor, whole_number,
};
use serde::Serialize;

use crate::app::App;
use crate::auth::{Caller, ManageProducts};
use crate::rest::body::{Fields, Form};
use crate::rest::command::{Accepted, Asked, carry_out};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::loan_json::OfferedProduct;
use crate::rest::path::ProductToChange;

/// What a product is to offer. Left out, `active` is true of a new one, and its terms of servicing the usual; an old one keeps what
/// it has.
pub(in crate::rest) struct ProductForm(ProductChange);

impl Form for ProductForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", ProductTerms::read_name);
        let amount = fields.number("amount", Rupiah::parse_positive);
        let tenor = fields.number("tenor", |digits| whole_number(digits).and_then(Tenor::new));
        let rate = fields.number("interestRate", Rate::parse);
        let servicing = servicing(fields);
        let active = fields.optional_boolean("active");
        Some(Self(ProductChange {
            name: name?,
            amount_rupiah: amount?,
            tenor_months: tenor?,
            interest_rate: rate?,
            servicing: servicing?,
            active: active?,
        }))
    }
}

fn servicing(fields: &mut Fields<'_>) -> Option<ServicingChange> {
    let method = fields.optional_text("method", one_of::<Method>("must be ANNUITY or FLAT"));
    let day_count = fields.optional_text("dayCount", one_of::<DayCount>("must be THIRTY_360 or ACTUAL_365"));
    let grace = fields.optional_number("graceDays", |digits| {
        whole_number(digits).and_then(ServicingTerms::check_grace_days)
    });
    let penalty = fields.optional_number("latePenaltyPercentPerDay", Rate::parse);
    let fee = fields.optional_number("instalmentFee", Rupiah::parse);
    let parts = fields.optional_texts(
        "allocation",
        Component::ALL.len(),
        one_of::<Component>("must be PENALTY, FEE, INTEREST or PRINCIPAL"),
    );
    let allocation = match parts? {
        None => None,
        Some(parts) => Some(fields.judge("allocation", Allocation::new(&parts))?),
    };
    Some(ServicingChange {
        method: method?,
        day_count: day_count?,
        grace_days: grace?,
        late_penalty_percent_per_day: penalty?,
        instalment_fee_rupiah: fee?,
        allocation,
    })
}

/// Reads a name out of a list of them.
fn one_of<T: std::str::FromStr>(wrong: &'static str) -> impl Fn(&str) -> Result<T, Invalid> {
    move |text| text.trim().parse().map_err(|_| Invalid::new(wrong))
}

/// A product as it is administered.
#[derive(Serialize)]
pub(in crate::rest) struct AdministeredProduct {
    #[serde(flatten)]
    product: OfferedProduct,
    active: bool,
}

pub(in crate::rest) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller<ManageProducts>,
    asked: Asked<(), ProductForm>,
) -> Result<Reply<AdministeredProduct>, ApiError> {
    let call = asked.call(&app, caller.user());
    let product_id = app.numbers.product().await?;
    let ProductForm(new) = asked.form;
    let active = new.active.unwrap_or(true);
    let terms = terms(product_id, new);
    let done = carry_out(&app, DefineProduct { actor: caller.actor(), terms, active }, call).await?;
    Ok(told(&app, "Product created successfully", done).created())
}

fn terms(product_id: ProductId, new: ProductChange) -> ProductTerms {
    let ProductChange { name, amount_rupiah, tenor_months, interest_rate, servicing, .. } = new;
    let servicing = ServicingTerms::STANDARD.with(&servicing);
    ProductTerms { product_id, name, amount_rupiah, tenor_months, interest_rate, servicing }
}

pub(in crate::rest) async fn amend(
    State(app): State<Arc<App>>,
    caller: Caller<ManageProducts>,
    asked: Asked<ProductToChange, ProductForm>,
) -> Result<Reply<AdministeredProduct>, ApiError> {
    let call = asked.call(&app, caller.user());
    let ProductToChange(product) = asked.target;
    let ProductForm(change) = asked.form;
    let use_case = AmendProduct { actor: caller.actor(), product, change, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    Ok(told(&app, "Product updated successfully", done))
}

fn told(app: &App, message: &'static str, done: Accepted<ProductOutcome>) -> Reply<AdministeredProduct> {
    let ProductOutcome { offer, version } = &done.outcome;
    let json = AdministeredProduct { product: (&offer.terms).into(), active: offer.active };
    let reply = Reply::new(message, Some(json), done.at, app.zone, done.position);
    reply.version(*version).replayed(done.replayed)
}
