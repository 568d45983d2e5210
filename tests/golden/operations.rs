//! What operators are told.

use lumbung_domain::TransferStatus;

use super::messages::Golden;
use crate::transfers::operators::Office;

pub(super) async fn run(golden: &mut Golden) {
    let mut office = Office::open().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    golden.row("OPERATIONS_OVERVIEW", &office.get("overview").await);
    golden.row("OPERATIONS_OVERVIEW_OTHER", &office.get("overview?x=1").await);
    golden.row("OPERATIONS_TRANSFERS", &office.get("transfers").await);
    golden.row("OPERATIONS_TRANSFERS_STATUS", &office.get("transfers?status=DONE").await);
    golden.row("OPERATIONS_TRANSFER_UNKNOWN", &office.get(&format!("transfers/{nobody}")).await);
    golden.row("OPERATIONS_TRANSFER_ID", &office.get("transfers/7").await);
    golden.row("OPERATIONS_PARK_UNKNOWN", &office.post(nobody, "park").await);
    golden.row("OPERATIONS_PARK_ID", &office.post("7", "park").await);
    golden.row("OPERATIONS_RETRY_UNKNOWN", &office.post(nobody, "retry").await);
    golden.row("OPERATIONS_RETRY_ID", &office.post("7", "retry").await);
    let transfer = office.start(5).await;
    office.caught_up().await;
    golden.row("OPERATIONS_TRANSFER", &office.get(&format!("transfers/{transfer}")).await);
    golden.row("OPERATIONS_RETRY_PENDING", &office.post(transfer, "retry").await);
    golden.row("OPERATIONS_PARK", &office.post(transfer, "park").await);
    golden.row("OPERATIONS_PARK_PARKED", &office.post(transfer, "park").await);
    golden.row("OPERATIONS_RETRY", &office.post(transfer, "retry").await);
    office.let_go().await;
    office.until(transfer, TransferStatus::Success).await;
    golden.row("OPERATIONS_PARK_SUCCESS", &office.post(transfer, "park").await);
    golden.row("OPERATIONS_RETRY_SUCCESS", &office.post(transfer, "retry").await);
}
