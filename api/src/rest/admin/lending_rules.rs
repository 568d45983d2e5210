//! `/api/admin/lending-rules`: what the law says of lending, in editions that hold from a day on. None is ever changed.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use lumbung_commands::lending_rules::AdoptLendingRules;
use lumbung_domain::{Collectibility, Edition, Invalid, LegalCaps, LendingRules, Rate, whole_number};
use serde::Serialize;

use crate::app::App;
use crate::auth::{Caller, ManageProducts};
use crate::rest::body::{Fields, Form};
use crate::rest::command::{Asked, carry_out};
use crate::rest::days;
use crate::rest::envelope::{Percent, Reply};
use crate::rest::error::ApiError;
use crate::rest::view::StreamedList;

/// More days than that nobody waits for a loan.
const MOST_DAYS: u32 = 36_500;
/// More would be refused as too many grades.
const MOST_GRADES: usize = 20;

pub(in crate::rest) struct EditionForm {
    effective_on: NaiveDate,
    citation: String,
    caps: LegalCaps,
    collectibility: Collectibility,
}

impl Form for EditionForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let effective_on = fields.text("effectiveOn", days::read);
        let citation = fields.text("citation", Edition::read_citation);
        let caps = fields.object("caps", |caps| {
            let daily_cost = caps.number("dailyCostPercent", Rate::parse);
            let daily_penalty = caps.number("dailyPenaltyPercent", Rate::parse);
            let total_cost = caps.number("totalCostPercent", Rate::parse);
            Some(LegalCaps {
                daily_cost_percent: daily_cost?,
                daily_penalty_percent: daily_penalty?,
                total_cost_percent: total_cost?,
            })
        });
        let last_days = fields.numbers("collectibility", MOST_GRADES, read_days);
        let collectibility = fields.judge("collectibility", Collectibility::new(last_days?));
        Some(Self {
            effective_on: effective_on?,
            citation: citation?,
            caps: caps?,
            collectibility: collectibility?,
        })
    }
}

fn read_days(digits: &str) -> Result<u32, Invalid> {
    let days = u32::try_from(whole_number(digits)?).ok().filter(|days| *days <= MOST_DAYS);
    days.ok_or_else(|| Invalid::new("must be between 0 and 36500"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct EditionJson {
    version: u32,
    effective_on: NaiveDate,
    citation: String,
    caps: CapsJson,
    /// The last day past due of every grade but the last one, which has no end.
    collectibility: Vec<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CapsJson {
    daily_cost_percent: Percent,
    daily_penalty_percent: Percent,
    total_cost_percent: Percent,
}

impl From<&Edition> for EditionJson {
    fn from(edition: &Edition) -> Self {
        Self {
            version: edition.version,
            effective_on: edition.effective_on,
            citation: edition.citation.clone(),
            caps: CapsJson {
                daily_cost_percent: Percent(edition.caps.daily_cost_percent),
                daily_penalty_percent: Percent(edition.caps.daily_penalty_percent),
                total_cost_percent: Percent(edition.caps.total_cost_percent),
            },
            collectibility: edition.collectibility.last_days().to_vec(),
        }
    }
}

/// All editions, by version.
pub(in crate::rest) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<ManageProducts>,
    StreamedList { streams, paging }: StreamedList,
) -> Result<Reply<Vec<EditionJson>>, ApiError> {
    let (rules, _) = app.access.get::<LendingRules>(LendingRules::STREAM).await?;
    let (page, next) = paging.cut(rules.editions(), |edition| edition.version.into());
    let rows = page.into_iter().map(EditionJson::from).collect();
    Ok(streams.reply(&app, rows).next(next))
}

pub(in crate::rest) async fn adopt(
    State(app): State<Arc<App>>,
    caller: Caller<ManageProducts>,
    asked: Asked<(), EditionForm>,
) -> Result<Reply<EditionJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let EditionForm { effective_on, citation, caps, collectibility } = asked.form;
    let use_case = AdoptLendingRules { actor: caller.actor(), effective_on, citation, caps, collectibility };
    let done = carry_out(&app, use_case, call).await?;
    let json = EditionJson::from(&done.outcome);
    let reply = Reply::new("Lending rules adopted", Some(json), done.at, app.zone, done.position);
    Ok(reply.replayed(done.replayed).created())
}
