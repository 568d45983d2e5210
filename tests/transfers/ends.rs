//! How a transfer ends.

use lumbung_domain::TransferStatus;

use super::start::{balance, start, status, until};
use crate::rest_smoke::Server;
use crate::support::ledger::run;
use crate::support::people::{register_customer, top_up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_gets_the_money() {
    let server = Server::start().await;
    let ledger = &server.node().ledger;
    let (from, to) = (register_customer(ledger).await, register_customer(ledger).await);
    run(ledger, top_up(from, 1_000)).await;
    let transfer = start(ledger, from, to, 400).await;
    until(ledger, transfer, TransferStatus::Success).await;
    assert_eq!((balance(ledger, from).await, balance(ledger, to).await), (600, 400));
    assert_eq!(status(ledger, transfer).await, TransferStatus::Success);
}
