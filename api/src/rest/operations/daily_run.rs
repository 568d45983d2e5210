//! `/api/operations/daily-run`: how far the days of loans are closed, and what this node does about it.

use std::sync::Arc;

use axum::extract::State;
use chrono::NaiveDate;
use lumbung_projections::loan_accounts::progress;
use serde::Serialize;

use crate::app::App;
use crate::auth::{Caller, ReadOperations};
use crate::daily_run::{DailyRunState, Failing};
use crate::rest::envelope::{Reply, exact_time};
use crate::rest::error::ApiError;
use crate::rest::view::WholeAsItIs;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rest) struct DailyRunJson {
    business_date: NaiveDate,
    /// Loans that have days at all.
    active_loans: i64,
    /// Those of them that are closed up to the business date.
    closed_loans: i64,
    open_loans: i64,
    /// The first day that is not closed.
    oldest_open_since: Option<NaiveDate>,
    /// From here on of this node: whether it closes days now.
    running: bool,
    /// `running`, `idle`, or `standby` while another node has the work.
    state: &'static str,
    /// The business date of the latest run that there was something to do for.
    run_for: Option<NaiveDate>,
    /// Loans whose days it closed.
    closed_this_run: u64,
    per_second: f64,
    started_at: Option<String>,
    /// Loans whose days cannot be closed.
    failing: usize,
    /// The first of them.
    failures: Vec<FailureJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureJson {
    loan_id: i64,
    code: &'static str,
    attempts: u32,
    retry_at: String,
}

pub(in crate::rest) async fn show(
    State(app): State<Arc<App>>,
    _: Caller<ReadOperations>,
    WholeAsItIs { view }: WholeAsItIs,
) -> Result<Reply<DailyRunJson>, ApiError> {
    let today = app.business_day().await?.on;
    let found = progress(&view.read, today).await?;
    let (state, run, failing) = (app.daily_run.state(), app.daily_run.run(), app.daily_run.failing());
    let json = DailyRunJson {
        business_date: today,
        active_loans: found.active,
        closed_loans: found.active - found.open,
        open_loans: found.open,
        oldest_open_since: found.oldest_open_on,
        running: state == DailyRunState::Running,
        state: state.as_str(),
        run_for: run.map(|run| run.day),
        closed_this_run: run.map_or(0, |run| run.loans),
        per_second: run.map_or(0.0, |run| run.per_second()),
        started_at: run.map(|run| exact_time(run.started_at, app.zone)),
        failing: app.daily_run.counts().failing,
        failures: failing.iter().map(|failing| FailureJson::new(&app, failing)).collect(),
    };
    Ok(view.reply(&app, json))
}

impl FailureJson {
    fn new(app: &App, failing: &Failing) -> Self {
        Self {
            loan_id: failing.loan.0,
            code: failing.code,
            attempts: failing.attempts,
            retry_at: exact_time(failing.retry_at, app.zone),
        }
    }
}
