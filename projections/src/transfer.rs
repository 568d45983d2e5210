//! What has become of one transfer? A row of [`crate::transfers`], by its id.

use lumbung_domain::{TransferId, TransferStatus, UserId};
use sqlx::Row;

use crate::cell::{parsed, rupiah};
use crate::error::ReadError;
use crate::reader::LiveSchema;
use crate::transfers::TransferRow;

const BY_ID: &str = "
select t.position, t.sender, t.target, t.amount_rupiah, t.status, t.attempts, t.reason, t.started_at, t.changed_at
from transfers t where t.transfer = $1";

pub(crate) const STATEMENTS: [&str; 1] = [BY_ID];

/// The transfer; `None` if there is none of that id.
///
/// # Errors
/// See [`ReadError`].
pub async fn by_id(read: &LiveSchema, transfer: TransferId) -> Result<Option<TransferRow>, ReadError> {
    let row = sqlx::query(BY_ID).bind(transfer.0).fetch_optional(read.pool()).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(TransferRow {
        transfer,
        position: row.try_get("position")?,
        sender: UserId(row.try_get("sender")?),
        target: UserId(row.try_get("target")?),
        amount_rupiah: rupiah(&row, "amount_rupiah")?,
        status: parsed(&row, "status")?,
        attempts: row.try_get("attempts")?,
        reason: row.try_get("reason")?,
        started_at: row.try_get("started_at")?,
        changed_at: row.try_get("changed_at")?,
    }))
}

/// The sequence of the last event of the `Transfer` stream. Each attempt begins with an event of its own and ends with another,
/// so they need not be counted.
#[must_use]
pub fn version(row: &TransferRow) -> i64 {
    match row.status {
        TransferStatus::Pending => row.attempts * 2 - 1,
        TransferStatus::Parked | TransferStatus::Success | TransferStatus::Returned => row.attempts * 2,
    }
}
