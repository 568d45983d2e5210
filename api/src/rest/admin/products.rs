//! `/api/admin/products`.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::product::{AmendProduct, DefineProduct, ProductOutcome};
use lumbung_domain::{ProductId, ProductTerms, Rate, Rupiah, ServicingTerms, Tenor, whole_number};
use serde::Serialize;

use crate::app::App;
use crate::auth::{Caller, ManageProducts};
use crate::rest::body::{Fields, Form};
use crate::rest::command::{Accepted, Asked, carry_out};
use crate::rest::envelope::Reply;
use crate::rest::error::ApiError;
use crate::rest::loan_json::ProductJson;
use crate::rest::path::ProductToChange;

pub(in crate::rest) struct ProductForm {
    name: String,
    amount: Rupiah,
    tenor: Tenor,
    interest_rate: Rate,
    /// Left out: a new product is active, an old one stays as it is.
    active: Option<bool>,
}

impl Form for ProductForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", ProductTerms::read_name);
        let amount = fields.number("amount", Rupiah::parse_positive);
        let tenor = fields.number("tenor", |digits| whole_number(digits).and_then(Tenor::new));
        let rate = fields.number("interestRate", Rate::parse);
        let active = fields.optional_boolean("active");
        Some(Self { name: name?, amount: amount?, tenor: tenor?, interest_rate: rate?, active: active? })
    }
}

impl ProductForm {
    fn terms(self, product_id: ProductId) -> ProductTerms {
        let Self { name, amount, tenor, interest_rate, .. } = self;
        ProductTerms {
            product_id,
            name,
            amount_rupiah: amount,
            tenor_months: tenor,
            interest_rate,
            servicing: ServicingTerms::STANDARD,
        }
    }
}

/// A product as it is administered.
#[derive(Serialize)]
pub(in crate::rest) struct AdministeredProduct {
    #[serde(flatten)]
    product: ProductJson,
    active: bool,
}

pub(in crate::rest) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller<ManageProducts>,
    asked: Asked<(), ProductForm>,
) -> Result<Reply<AdministeredProduct>, ApiError> {
    let call = asked.call(&app, caller.user());
    let active = asked.form.active.unwrap_or(true);
    let terms = asked.form.terms(app.numbers.product().await?);
    let done = carry_out(&app, DefineProduct { actor: caller.actor(), terms, active }, call).await?;
    Ok(told(&app, "Product created successfully", done).created())
}

pub(in crate::rest) async fn amend(
    State(app): State<Arc<App>>,
    caller: Caller<ManageProducts>,
    asked: Asked<ProductToChange, ProductForm>,
) -> Result<Reply<AdministeredProduct>, ApiError> {
    let call = asked.call(&app, caller.user());
    let ProductToChange(product) = asked.target;
    let active = asked.form.active;
    let terms = asked.form.terms(product);
    let use_case = AmendProduct { actor: caller.actor(), terms, active, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    Ok(told(&app, "Product updated successfully", done))
}

fn told(app: &App, message: &'static str, done: Accepted<ProductOutcome>) -> Reply<AdministeredProduct> {
    let ProductOutcome { offer, version } = &done.outcome;
    let json = AdministeredProduct { product: (&offer.terms).into(), active: offer.active };
    let reply = Reply::new(message, Some(json), done.at, app.zone, done.position);
    reply.version(*version).replayed(done.replayed)
}
