//! What keeps a transfer from being settled twice: its own state, and the id of the request. Each suffices without the other.

use lumbung_commands::settlement::{PROCESS, Step, derived_id};
use lumbung_commands::transfer::{SettleTransfer, TransferEnd};
use lumbung_commands::{Book, Call, Halt, IdempotencyKey, UseCase};
use lumbung_domain::{Rupiah, TransferId, TransferStatus, UserId, Wallet, WalletCommand, WalletSource};
use lumbung_journal::{idempotency, process};
use tokio::task::JoinSet;

use super::start::{balance, doubled, settle, start, status, until};
use crate::support::cluster::database;
use crate::support::ledger::{Node, events, furnish, run};
use crate::support::people::{register_customer, top_up};

const DONE: TransferEnd = TransferEnd { status: TransferStatus::Success, now: true };

/// What settling would be if it did not look at the transfer.
#[derive(Debug, Clone, Copy)]
struct CreditBlindly {
    transfer: TransferId,
    to: UserId,
}

impl UseCase for CreditBlindly {
    const NAME: &'static str = "CreditBlindly";
    type Outcome = TransferEnd;

    fn decide(&self, book: &mut Book<'_>) -> Result<TransferEnd, Halt> {
        let source = WalletSource::Transfer { transfer_id: self.transfer };
        let (owner, amount, business_on) = (self.to, Rupiah::positive(10).unwrap(), book.business_on()?);
        let credit = WalletCommand::Credit { owner, amount, source, remarks: None, business_on };
        book.run::<Wallet>(owner, credit)?;
        Ok(DONE)
    }
}

fn call(key: IdempotencyKey) -> Call {
    Call { key: Some(key), ..Call::default() }
}

/// Where the first event of a transfer stands.
async fn position(node: &Node, transfer: TransferId) -> i64 {
    sqlx::query_scalar("select min(position) from journal.events where aggregate_id = $1")
        .bind(transfer.to_string())
        .fetch_one(node.pool())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_alone_suffices() {
    let database = database().await;
    let nodes = [Node::open(&database).await, Node::open(&database).await];
    furnish(&nodes[0]).await;
    let (from, to) = (register_customer(&nodes[0]).await, register_customer(&nodes[0]).await);
    run(&nodes[0], top_up(from, 1_000)).await;
    for round in 1..=5 {
        let transfer = start(&nodes[0], from, to, 10).await;
        let mut asked = JoinSet::new();
        for number in 0..40 {
            let ledger = nodes[number % 2].ledger.clone();
            // No id at all: nothing tells the ledger that they are one request.
            asked.spawn(async move { run(&ledger, SettleTransfer { transfer }).await });
        }
        let told = asked.join_all().await;
        assert!(told.iter().all(|end| end.status == TransferStatus::Success), "{told:?}");
        assert_eq!(told.iter().filter(|end| end.now).count(), 1, "one did it");
        assert_eq!(balance(&nodes[1], to).await, round * 10);
    }
    assert_eq!((doubled(&nodes[0]).await, events(&nodes[0], "TransferSettled").await), (0, 5));
    for node in nodes {
        node.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_derived_id_alone_suffices() {
    let database = database().await;
    let nodes = [Node::open(&database).await, Node::open(&database).await];
    furnish(&nodes[0]).await;
    let (from, to) = (register_customer(&nodes[0]).await, register_customer(&nodes[0]).await);
    run(&nodes[0], top_up(from, 1_000)).await;
    // Many at once, by something that looks at no state.
    let transfer = start(&nodes[0], from, to, 10).await;
    let key = derived_id(&nodes[0], position(&nodes[0], transfer).await, Step::Settle, transfer);
    let mut asked = JoinSet::new();
    for number in 0..40 {
        let ledger = nodes[number % 2].ledger.clone();
        let blindly = CreditBlindly { transfer, to: to.user };
        asked.spawn(async move { ledger.execute(blindly, call(key)).await.unwrap() });
    }
    let told = asked.join_all().await;
    assert_eq!(told.iter().filter(|answer| !answer.replayed).count(), 1);
    assert_eq!(balance(&nodes[0], to).await, 10);
    // The process manager asks under the same id, so it is told that answer too, although the transfer is pending.
    let settlement = settle(&database, &nodes[0]);
    let progress = settlement.progress();
    while process::checkpoint(nodes[0].pool(), PROCESS).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        (balance(&nodes[0], to).await, status(&nodes[0], transfer).await),
        (10, TransferStatus::Pending)
    );
    // And what it settled itself nobody settles again under its id.
    let second = start(&nodes[0], from, to, 10).await;
    until(&nodes[0], second, TransferStatus::Success).await;
    let key = derived_id(&nodes[1], position(&nodes[1], second).await, Step::Settle, second);
    let blindly = CreditBlindly { transfer: second, to: to.user };
    let again = nodes[1].execute(blindly, call(key)).await.unwrap();
    assert_eq!((again.replayed, again.outcome), (true, Ok(DONE)));
    assert_eq!((balance(&nodes[0], to).await, doubled(&nodes[0]).await), (20, 0));
    settlement.stopped().await;
    // It was answered twice and did something once.
    assert_eq!(progress.counts().settled, 1);
    for node in nodes {
        node.close().await;
    }
}

/// The checkpoint says how far back a manager may begin again; what it was answered since then stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_outlive_the_pruning_of_answers_while_the_checkpoint_is_below_them() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (from, to) = (register_customer(&node).await, register_customer(&node).await);
    run(&node, top_up(from, 1_000)).await;
    let kept = async || {
        let count = sqlx::query_scalar::<_, i64>("select count(*) from journal.idempotency");
        count.fetch_one(node.pool()).await.unwrap()
    };
    let far_future = chrono::Utc::now() + chrono::TimeDelta::days(365);
    let forget = async || idempotency::forget_before(node.pool(), far_future, 1_000).await.unwrap();
    assert_eq!(process::checkpoint(node.pool(), PROCESS).await.unwrap(), 0);
    let mut positions = Vec::new();
    for number in 1..=4 {
        let transfer = start(&node, from, to, 10).await;
        let at = position(&node, transfer).await;
        let id = derived_id(&node, at, Step::Settle, transfer);
        node.execute(SettleTransfer { transfer }, call(id)).await.unwrap().outcome.unwrap();
        positions.push(at);
        assert_eq!(kept().await, number);
    }
    // A manager that has finished nothing may ask for all of them again.
    assert_eq!((forget().await, kept().await), (0, 4));
    process::note_checkpoint(node.pool(), PROCESS, positions[2]).await.unwrap();
    assert_eq!((forget().await, kept().await), (2, 2));
    // Another manager that is behind holds them too.
    process::checkpoint(node.pool(), "another").await.unwrap();
    process::note_checkpoint(node.pool(), PROCESS, node.feed().reached()).await.unwrap();
    assert_eq!((forget().await, kept().await), (0, 2));
    process::note_checkpoint(node.pool(), "another", node.feed().reached()).await.unwrap();
    assert_eq!(forget().await, 1, "the last answer is as old as the last event");
    node.close().await;
}
