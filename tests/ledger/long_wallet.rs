//! A hot wallet after a restart: its first command reads a snapshot and the few events behind it, however many there are before.
//!
//! Asserted is how many events are read; the time is printed, because it depends on the machine. `just long-wallet` takes a
//! million events.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use lumbung_commands::ledger::Options;
use lumbung_commands::reference::DefineReferenceData;
use lumbung_domain::{
    Aggregate, AnyAggregate, AnyEvent, StreamId, TopUpId, Wallet, WalletCommand, WalletSource,
};
use lumbung_domain::{Rupiah, UserId};
use lumbung_journal::{Appender, Batch, Hash, Head, Record, Verdict, codec, read};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::snapshots::kept_at;
use crate::support::cluster::{database, superuser};
use crate::support::ledger::{Node, assert_sound, furnish, options, run};
use crate::support::people::{register_customer, top_up};

/// Events of the wallet in the usual run.
const EVENTS: i64 = 20_000;
/// How many of them come through the loop, the last ones.
const THROUGH_THE_LOOP: i64 = 2_000;
const BATCH: i64 = 5_000;
const RESTARTS: usize = 5;

fn events() -> i64 {
    std::env::var("LUMBUNG_WALLET_EVENTS").map_or(EVENTS, |events| events.parse().unwrap())
}

fn production(database: &PgConnectOptions) -> Options {
    // The one fold of everything takes as long as it takes.
    let answer_within = Duration::from_secs(3_600);
    Options { sample_every: 0, sample_events: 5_000, snapshot_every: 500, answer_within, ..options(database) }
}

/// Appends credits of one rupiah up to the sequence `until`, chained and encoded as the loop does it.
async fn fill(database: &PgConnectOptions, pool: &PgPool, owner: UserId, until: i64) {
    let stream = StreamId::of::<Wallet>(owner);
    let mut appender = Appender::new(database.clone(), Duration::from_secs(60));
    let mut wallet = AnyAggregate::unborn(stream.kind);
    let (_, stored) = read::streams(pool, std::slice::from_ref(&stream)).await.unwrap();
    for record in &stored {
        wallet.evolve(&codec::decode(record).unwrap()).unwrap();
    }
    let (mut sequence, mut head) = (stored.len() as i64, read::head(pool).await.unwrap());
    while sequence < until {
        let recorded_at = DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap();
        let mut batch = empty(head, recorded_at);
        while sequence < until && (batch.records.len() as i64) < BATCH {
            sequence += 1;
            let event = credit(&wallet, owner);
            wallet.evolve(&event).unwrap();
            let mut record = Record {
                position: head.position + 1,
                stream: stream.clone(),
                sequence,
                event_type: Cow::Borrowed(event.event_type()),
                event_version: Cow::Borrowed(event.event_version()),
                payload: codec::encode(&event).unwrap(),
                metadata: r#"{"use_case":"TopUp"}"#.to_owned(),
                recorded_at,
                hash: Hash::GENESIS,
            };
            record.hash = record.expected_hash(head.hash);
            head = record.head();
            batch.records.push(record);
        }
        batch.last = head;
        assert_eq!(appender.append(&batch).await.unwrap(), Verdict::Appended);
    }
}

fn empty(head: Head, recorded_at: DateTime<Utc>) -> Batch {
    let (records, answers, person_keys) = (Vec::new(), Vec::new(), Vec::new());
    Batch { expected: head, last: head, recorded_at, records, answers, person_keys }
}

fn credit(wallet: &AnyAggregate, owner: UserId) -> AnyEvent {
    let command = WalletCommand::Credit {
        owner,
        amount: Rupiah::positive(1).unwrap(),
        source: WalletSource::TopUp { top_up_id: TopUpId(Uuid::now_v7()) },
        remarks: None,
        business_on: Utc::now().date_naive(),
    };
    let mut events = Wallet::of(wallet).unwrap().decide(command).unwrap();
    assert_eq!(events.len(), 1, "the wallet is not open");
    events.remove(0).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_wallet_answers_its_first_command_after_a_restart_at_once() {
    let (database, events) = (database().await, events());
    let node = Node::open_with(production(&database)).await;
    furnish(&node).await;
    let owner = register_customer(&node).await;
    run(&node, top_up(owner, 1)).await;
    node.close().await;
    let pool = superuser(&database).await;
    fill(&database, &pool, owner.user, events - THROUGH_THE_LOOP).await;

    // Never written down so far: the whole stream is read once, then it is.
    let node = Node::open_with(production(&database)).await;
    let started = Instant::now();
    run(&node, top_up(owner, 1)).await;
    println!("{events} events: without a snapshot {:?}", started.elapsed());
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let ledger = node.ledger.clone();
        callers.spawn(async move {
            for _ in 0..THROUGH_THE_LOOP / 32 {
                run(&ledger, top_up(owner, 1)).await;
            }
        });
    }
    callers.join_all().await;
    kept_at(&pool, owner, events - 1_000).await;
    node.close().await;

    for _ in 0..RESTARTS {
        let opening = Instant::now();
        let node = Node::open_with(production(&database)).await;
        // What a server does before it listens.
        run(&node, DefineReferenceData).await;
        let (opened, before, started) = (opening.elapsed(), node.counts(), Instant::now());
        run(&node, top_up(owner, 1)).await;
        let (first, counts) = (started.elapsed(), node.counts());
        println!(
            "{events} events: opened in {opened:?}, first command {first:?}, {} events read",
            counts.loaded_events - before.loaded_events
        );
        assert_eq!((counts.snapshots_used, counts.snapshots_rejected), (1, 0), "{counts:?}");
        // The first 64 tell that it is long; behind the snapshot are at most as many as it takes for two more.
        assert!(counts.loaded_events < 1_200, "{counts:?}");
        let check = node.check_cache().await.unwrap();
        // The wallet is longer than what may be folded at once: only what is behind its snapshot was.
        assert_eq!((check.different, check.from_snapshot, check.passed_over), (0, 1, 0), "{check:?}");
        node.close().await;
    }
    let node = Node::open(&database).await;
    assert!(assert_sound(&node).await.snapshots.compared >= 1);
    node.close().await;
}
