//! Everything is bounded: the lanes, the memory, the managers' share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lumbung_commands::ledger::Lane;
use lumbung_commands::{Book, Call, Halt, Ledger, NoAnswer, UseCase};
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use tokio::task::JoinSet;

use crate::support::cluster::{database, superuser};
use crate::support::ledger::{Node, assert_sound, events, furnish, options, run};
use crate::support::people::{register_customer, top_up};

/// Holds the lock that every append takes, until it is dropped.
async fn hold_appends(database: &sqlx::postgres::PgConnectOptions) -> PgConnection {
    let mut connection = superuser(database).await.acquire().await.unwrap().detach();
    connection.execute("begin; select pg_advisory_xact_lock(5492307)").await.unwrap();
    connection
}

/// Whether somebody waits for that lock: a batch is on its way.
async fn until_an_append_waits(pool: &sqlx::PgPool) {
    let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                   and database = (select oid from pg_database where datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(pool).await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_client_lane_refuses_at_once_and_does_the_rest() {
    let database = database().await;
    let node =
        Node::open_with(lumbung_commands::ledger::Options { client_lane: 8, ..options(&database) }).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    let held = hold_appends(&database).await;
    let (mut refused, mut accepted) = (0, JoinSet::new());
    let first = node.ledger.clone();
    accepted.spawn(async move { run(&first, top_up(customer, 1)).await });
    until_an_append_waits(node.pool()).await;
    // The batch on its way has left the lane; eight more fit in.
    for _ in 0..20 {
        let mut waiting = Box::pin(node.execute(top_up(customer, 1), Call::default()));
        match at_once(&mut waiting).await {
            Some(answer) => {
                assert_eq!(answer, Err(NoAnswer::Overloaded));
                refused += 1;
            }
            // It stands in the lane; that its caller goes away cancels nothing.
            None => drop(waiting),
        }
    }
    assert_eq!(refused, 12);
    drop(held);
    accepted.join_all().await;
    let last = loop {
        match node.execute(top_up(customer, 1), Call::default()).await {
            Err(NoAnswer::Overloaded) => tokio::task::yield_now().await,
            answer => break answer.unwrap().outcome.unwrap(),
        }
    };
    assert_eq!(last.balance_after_rupiah.get(), 10);
    assert_sound(&node).await;
    node.close().await;
}

/// What the future answers without waiting.
async fn at_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_node_that_holds_ten_streams_decides_as_well_as_any() {
    let database = database().await;
    let node =
        Node::open_with(lumbung_commands::ledger::Options { cached_streams: 10, ..options(&database) }).await;
    furnish(&node).await;
    let mut customers = Vec::new();
    for _ in 0..20 {
        customers.push(register_customer(&node).await);
    }
    for round in 1..=3 {
        let mut callers = JoinSet::new();
        for customer in customers.clone() {
            let ledger = node.ledger.clone();
            callers.spawn(async move { run(&ledger, top_up(customer, 1)).await });
        }
        for topped in callers.join_all().await {
            assert_eq!(topped.balance_after_rupiah.get(), round);
        }
    }
    // An idle turn evicts; then there is nothing else to compare.
    let check = node.check_cache().await.unwrap();
    assert!(check.compared <= 10 && check.different == 0, "{check:?}");
    assert!(node.counts().loads > 100, "{:?}", node.counts());
    assert_sound(&node).await;
    node.close().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_nothing() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    for _ in 0..50 {
        let mut impatient = Box::pin(node.execute(top_up(customer, 1), Call::default()));
        assert_eq!(at_once(&mut impatient).await, None);
    }
    let last = run(&node, top_up(customer, 1)).await;
    assert_eq!(last.balance_after_rupiah.get(), 51);
    node.close().await;
}

#[tokio::test]
async fn what_waits_when_the_last_handle_goes_is_still_done() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    let held = hold_appends(&database).await;
    for lane in [Lane::Client, Lane::Manager] {
        for _ in 0..20 {
            let mut hung_up = Box::pin(node.execute_in(lane, top_up(customer, 1), Call::default()));
            assert_eq!(at_once(&mut hung_up).await, None);
        }
        // The clients' batch is on its way; only the managers' tickets are left in a lane.
        until_an_append_waits(node.pool()).await;
    }
    drop(held);
    node.close().await;
    let reopened = Node::open(&database).await;
    assert_eq!(events(&reopened, "WalletCredited").await, 40);
    reopened.close().await;
}

/// Notes when it is decided, in which batch.
struct Stamp {
    clock: Arc<AtomicU64>,
    lane: Lane,
}

impl UseCase for Stamp {
    const NAME: &'static str = "Stamp";
    type Outcome = (u64, chrono::DateTime<chrono::Utc>, bool);

    fn decide(&self, book: &mut Book<'_>) -> Result<Self::Outcome, Halt> {
        let order = self.clock.fetch_add(1, Ordering::Relaxed);
        Ok((order, book.now(), self.lane == Lane::Manager))
    }
}

fn stamp(
    ledger: &Ledger,
    lane: Lane,
    clock: &Arc<AtomicU64>,
    into: &mut JoinSet<(u64, chrono::DateTime<chrono::Utc>, bool)>,
) {
    let (ledger, stamp) = (ledger.clone(), Stamp { clock: Arc::clone(clock), lane });
    into.spawn(
        async move { ledger.execute_in(lane, stamp, Call::default()).await.unwrap().outcome.unwrap() },
    );
}

#[tokio::test]
async fn managers_get_an_eighth_while_clients_wait_and_never_nothing() {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let (clock, mut stamps) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    let held = hold_appends(&database).await;
    stamp(&node, Lane::Client, &clock, &mut stamps);
    until_an_append_waits(node.pool()).await;
    for _ in 0..1_000 {
        stamp(&node, Lane::Client, &clock, &mut stamps);
        stamp(&node, Lane::Manager, &clock, &mut stamps);
    }
    // Both lanes are full before the first batch is through.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    drop(held);
    let mut stamps = stamps.join_all().await;
    stamps.sort_unstable();
    assert_eq!(stamps.len(), 2_001);
    // Batches of 512: 64 managers and 448 clients, twice; then 64 and the last 104 clients.
    let managers_among = |from: usize, to: usize| stamps[from..to].iter().filter(|stamp| stamp.2).count();
    assert_eq!(managers_among(0, 1), 0);
    assert_eq!(managers_among(1, 513), 64);
    assert_eq!(managers_among(513, 1_025), 64);
    assert_eq!(managers_among(1_025, 1_025 + 168), 64);
    node.close().await;
}
