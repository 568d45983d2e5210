//! `GET /api/loans/simulate`: what a loan would cost, for everybody. Nothing is recorded of it.

use std::sync::Arc;

use axum::extract::State;
use chrono::{Days, NaiveDate};
use lumbung_commands::business_date::FURTHEST_DAYS;
use lumbung_domain::{
    Agreement, Bill, DayCount, Edition, Instalment, LendingRules, Method, Plan, Product, ProductId,
    ProductTerms, Rate, Rejection, Rupiah, ServicingTerms, Tenor, whole_number,
};
use serde::Serialize;

use crate::app::App;
use crate::rest::body::integer;
use crate::rest::days::{DATE, date};
use crate::rest::debt_json::InstalmentJson;
use crate::rest::envelope::{Percent, Reply};
use crate::rest::error::ApiError;
use crate::rest::query::Query;
use crate::rest::view::{Filter, Streamed};

/// `amount`, `tenor`, `interestRate`; `productId`, whose terms are then the defaults; `method`, `dayCount`, `startOn`.
pub(in crate::rest) struct Question {
    amount: Option<Rupiah>,
    tenor: Option<Tenor>,
    /// Of the product if it is left out.
    interest_rate: Option<Rate>,
    product: Option<ProductId>,
    method: Option<Method>,
    day_count: Option<DayCount>,
    /// The business date if it is left out.
    start_on: Option<NaiveDate>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct SimulationJson {
    amount: Rupiah,
    tenor: Tenor,
    interest_rate: Percent,
    method: &'static str,
    day_count: &'static str,
    start_on: NaiveDate,
    /// Of the first month.
    monthly_payment: i64,
    total_interest: i64,
    total_fees: i64,
    total_payment: i64,
    instalments: Vec<InstalmentJson>,
    /// What forbids the loan; `null` if nothing does.
    legal_cap: Option<CapJson>,
}

#[derive(Serialize)]
struct CapJson {
    cap: &'static str,
    percent: Percent,
    citation: String,
}

impl Filter for Question {
    const NAMES: &'static [&'static str] =
        &["amount", "tenor", "interestRate", "productId", "method", "dayCount", "startOn"];

    fn read(query: &mut Query<'_>, _: &App) -> Self {
        let product = query.one("productId", "must be the id of a product", |text| integer(text).ok());
        Self {
            amount: query.required("amount", Rupiah::parse_positive),
            tenor: query.required("tenor", |digits| whole_number(digits).and_then(Tenor::new)),
            interest_rate: if product.is_some() {
                query.read("interestRate", Rate::parse)
            } else {
                query.required("interestRate", Rate::parse)
            },
            product: product.map(ProductId),
            method: query.one("method", "must be ANNUITY or FLAT", |text| text.parse().ok()),
            day_count: query.one("dayCount", "must be THIRTY_360 or ACTUAL_365", |text| text.parse().ok()),
            start_on: query.one("startOn", DATE, date),
        }
    }
}

pub(in crate::rest) async fn simulate(
    State(app): State<Arc<App>>,
    Streamed { streams, filter: question }: Streamed<Question>,
) -> Result<Reply<SimulationJson>, ApiError> {
    let start_on = start_on(&question, app.business_day().await?.on)?;
    let product = match question.product {
        Some(product) => Some(offered(&app, product).await?),
        None => None,
    };
    let (rules, _) = app.access.get::<LendingRules>(LendingRules::STREAM).await?;
    let json = SimulationJson::new(&question, product.as_ref(), &rules.on(start_on), start_on)?;
    Ok(streams.reply(&app, json))
}

/// The day that was asked for, no further from today than operators can set the date.
fn start_on(question: &Question, today: NaiveDate) -> Result<NaiveDate, ApiError> {
    let Some(day) = question.start_on else { return Ok(today) };
    let first = today.checked_sub_days(Days::new(FURTHEST_DAYS)).unwrap_or(NaiveDate::MIN);
    let last = today.checked_add_days(Days::new(FURTHEST_DAYS)).unwrap_or(NaiveDate::MAX);
    if (first..=last).contains(&day) {
        Ok(day)
    } else {
        Err(ApiError::parameter("startOn", format!("must be between {first} and {last}")))
    }
}

/// The terms of a product that customers may choose.
async fn offered(app: &App, product: ProductId) -> Result<ProductTerms, ApiError> {
    let (state, _) = app.access.get::<Product>(product).await?;
    let offer = state.offer().filter(|offer| offer.is_selectable()).ok_or(Rejection::ProductNotFound)?;
    Ok(offer.terms.clone())
}

impl SimulationJson {
    fn new(
        question: &Question,
        product: Option<&ProductTerms>,
        rules: &Edition,
        start_on: NaiveDate,
    ) -> Result<Self, ApiError> {
        let terms = product.map_or(ServicingTerms::STANDARD, |product| product.servicing);
        let rate = question.interest_rate.or(product.map(|product| product.interest_rate));
        // What is required was found when it was read.
        let (Some(principal_rupiah), Some(tenor_months), Some(interest_rate)) =
            (question.amount, question.tenor, rate)
        else {
            return Err(ApiError::internal());
        };
        let plan = Plan {
            principal_rupiah,
            interest_rate,
            tenor_months,
            method: question.method.unwrap_or(terms.method),
            day_count: question.day_count.unwrap_or(terms.day_count),
            instalment_fee_rupiah: terms.instalment_fee_rupiah,
            begins_on: start_on,
        };
        let rows = plan.instalments().ok_or(Rejection::ScheduleTooLarge)?;
        let legal_cap = match Agreement::schedule(&plan, rules) {
            Err(Rejection::AgreementAboveCap { cap, percent, citation, .. }) => {
                Some(CapJson { cap: cap.as_str(), percent: Percent(percent), citation })
            }
            Ok(_) | Err(_) => None,
        };
        let sum = |amount: fn(&Instalment) -> i64| rows.iter().map(amount).sum();
        Ok(Self {
            amount: principal_rupiah,
            tenor: tenor_months,
            interest_rate: Percent(interest_rate),
            method: plan.method.as_str(),
            day_count: plan.day_count.as_str(),
            start_on,
            monthly_payment: rows.first().map_or(0, Instalment::total_rupiah),
            total_interest: sum(|row| row.interest_rupiah.get()),
            total_fees: sum(|row| row.fee_rupiah.get()),
            total_payment: sum(Instalment::total_rupiah),
            instalments: rows.iter().map(|row| InstalmentJson::from(&Bill::from(row))).collect(),
            legal_cap,
        })
    }
}
