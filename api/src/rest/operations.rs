//! `/api/operations`: the background work, for those who keep it going.

use std::sync::Arc;

use axum::extract::State;
use lumbung_commands::transfer::{ParkTransfer, RetryTransfer, TransferOutcome};
use lumbung_domain::{Rejection, Rupiah, TransferId, TransferStatus};
use lumbung_projections::transfer;
use lumbung_projections::transfers::{self, TransferRow};
use serde::Serialize;

use super::body::NoFields;
use super::command::{Accepted, Asked, carry_out};
use super::envelope::{Reply, exact_time};
use super::error::ApiError;
use super::path::{TransferToChange, TransferToRead};
use super::query::Query;
use super::view::{AsItIs, Filter, WholeAsItIs};
use crate::app::App;
use crate::auth::{Caller, ManageOperations, ReadOperations};
use crate::operations::Overview;

pub(super) mod business_date;
pub(super) mod daily_run;
pub(super) mod events;

/// `status`: one or more.
pub(super) struct OfStatuses(Vec<TransferStatus>);

impl Filter for OfStatuses {
    const NAMES: &'static [&'static str] = &["status"];

    fn read(query: &mut Query<'_>, _: &App) -> Self {
        let wrong = "must be one or more of PENDING, PARKED, SUCCESS, RETURNED, with commas between them";
        let mut statuses = query.list("status", wrong, |text| text.parse().ok());
        statuses.sort_unstable();
        statuses.dedup();
        Self(statuses)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransferJson {
    id: TransferId,
    status: &'static str,
    amount: Rupiah,
    sender_id: String,
    target_id: String,
    attempts: i64,
    reason: Option<String>,
    started_at: String,
    changed_at: String,
}

/// A transfer after a command on it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperatedJson {
    id: TransferId,
    status: &'static str,
    amount: Rupiah,
    sender_id: String,
    target_id: String,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<ReadOperations>,
    AsItIs { view, paging, filter: OfStatuses(statuses) }: AsItIs<OfStatuses>,
) -> Result<Reply<Vec<TransferJson>>, ApiError> {
    let page = transfers::list(&view.read, &statuses, paging.limit, paging.after).await?;
    let rows = page.rows.into_iter().map(|row| TransferJson::new(&app, row)).collect();
    Ok(view.reply(&app, rows).next(paging.next(page.next)))
}

impl TransferJson {
    fn new(app: &App, row: TransferRow) -> Self {
        Self {
            id: row.transfer,
            status: row.status.as_str(),
            amount: row.amount_rupiah,
            sender_id: row.sender.to_string(),
            target_id: row.target.to_string(),
            attempts: row.attempts,
            reason: row.reason,
            started_at: exact_time(row.started_at, app.zone),
            changed_at: exact_time(row.changed_at, app.zone),
        }
    }
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    _: Caller<ReadOperations>,
    TransferToRead(id): TransferToRead,
    WholeAsItIs { view }: WholeAsItIs,
) -> Result<Reply<TransferJson>, ApiError> {
    let row = transfer::by_id(&view.read, id).await?.ok_or(Rejection::TransferNotFound)?;
    let version = transfer::version(&row);
    Ok(view.reply(&app, TransferJson::new(&app, row)).version(version))
}

pub(super) async fn overview(
    State(app): State<Arc<App>>,
    _: Caller<ReadOperations>,
    _: WholeAsItIs,
) -> Result<Reply<Arc<Overview>>, ApiError> {
    let overview = app.operations.overview(&app).await?;
    let (now, position) = (chrono::Utc::now(), app.freshness.projected());
    Ok(Reply::new("Success", Some(overview), now, app.zone, position))
}

pub(super) async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller<ManageOperations>,
    asked: Asked<TransferToChange, NoFields>,
) -> Result<Reply<OperatedJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let TransferToChange(transfer) = asked.target;
    let use_case = RetryTransfer { actor: caller.actor(), transfer, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    Ok(operated(&app, "The transfer is tried again", &done))
}

pub(super) async fn park(
    State(app): State<Arc<App>>,
    caller: Caller<ManageOperations>,
    asked: Asked<TransferToChange, NoFields>,
) -> Result<Reply<OperatedJson>, ApiError> {
    let call = asked.call(&app, caller.user());
    let TransferToChange(transfer) = asked.target;
    let use_case = ParkTransfer { actor: caller.actor(), transfer, expected: asked.expected };
    let done = carry_out(&app, use_case, call).await?;
    Ok(operated(&app, "The transfer is parked", &done))
}

fn operated(app: &App, message: &'static str, done: &Accepted<TransferOutcome>) -> Reply<OperatedJson> {
    let TransferOutcome { transfer_id, status, amount_rupiah, sender, target, version } = done.outcome;
    let json = OperatedJson {
        id: transfer_id,
        status: status.as_str(),
        amount: amount_rupiah,
        sender_id: sender.to_string(),
        target_id: target.to_string(),
    };
    let reply = Reply::new(message, Some(json), done.at, app.zone, done.position);
    reply.version(version).replayed(done.replayed)
}
