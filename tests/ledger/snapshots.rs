//! Snapshots of long streams: an economy that never changes an answer, and that nobody can edit unnoticed.

use std::time::Duration;

use lumbung_commands::ledger::Options;
use lumbung_commands::{Actor, Call, Ledger};
use lumbung_domain::{AggregateType, StreamId, Wallet};
use lumbung_journal::snapshot::Unfit;
use lumbung_journal::verify::{BadSnapshot, VerifyError, verify, verify_with};
use lumbung_journal::{IndexKey, MasterKey};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Row};
use tokio::task::JoinSet;

use crate::support::cluster::{database, superuser};
use crate::support::ledger::{MASTER_KEY, Node, assert_sound, furnish, options, run};
use crate::support::people::{register_customer, top_up};

fn every(database: &PgConnectOptions, events: u32) -> Options {
    Options { snapshot_every: events, ..options(database) }
}

async fn tamper(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

/// Waits until the snapshot of a wallet stands at `sequence` or later.
pub(super) async fn kept_at(pool: &PgPool, owner: Actor, sequence: i64) {
    let kept = async {
        loop {
            let found: Option<i64> = sqlx::query_scalar(
                "select sequence from journal.snapshots where aggregate_type = 'Wallet' and aggregate_id = $1",
            )
            .bind(owner.user.to_string())
            .fetch_optional(pool)
            .await
            .unwrap();
            if found.is_some_and(|found| found >= sequence) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), kept).await.expect("no snapshot was written");
}

async fn balance_after(ledger: &Ledger, owner: Actor, rupiah: i64) -> i64 {
    run(ledger, top_up(owner, rupiah)).await.balance_after_rupiah.get()
}

/// A customer whose wallet has `events` events, each but the first a rupiah, and a snapshot at the last of them.
async fn long_wallet(database: &PgConnectOptions, events: i64) -> (PgPool, Actor) {
    let node = Node::open_with(Options { sample_every: 0, ..every(database, 10) }).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    for _ in 2..events {
        run(&node, top_up(customer, 1)).await;
    }
    let pool = superuser(database).await;
    // The first command brings two events.
    run(&node, top_up(customer, 1)).await;
    kept_at(&pool, customer, events / 10 * 10).await;
    node.close().await;
    (pool, customer)
}

async fn key(pool: &PgPool) -> IndexKey {
    IndexKey::find(pool, &MasterKey::new(MASTER_KEY)).await.unwrap().unwrap()
}

async fn faults(pool: &PgPool, key: Option<&IndexKey>) -> Vec<BadSnapshot> {
    match verify_with(pool, key, |_| {}).await {
        Ok(_) => Vec::new(),
        Err(VerifyError::Snapshots(faults)) => faults,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_long_stream_opens_from_its_snapshot_and_the_events_behind_it() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 401).await;
    let verified = verify(&pool, |_| {}).await.unwrap();
    assert!(verified.snapshots.compared >= 1 && !verified.snapshots.macs_checked, "{verified:?}");
    let node = Node::open_with(every(&database, 10)).await;
    assert_eq!(balance_after(&node, customer, 5).await, 405);
    let counts = node.counts();
    assert_eq!((counts.snapshots_used, counts.snapshots_rejected), (1, 0), "{counts:?}");
    // Ten events to see that it is long, at most ten behind the snapshot, its owner and their session, and the comparison
    // after the batch, which folds everything.
    assert!(counts.loaded_events < 401 + 60, "{counts:?}");
    node.assert_cache_equals_log().await;
    node.close().await;
    let unwatched = Options { sample_every: 0, ..every(&database, 10) };
    let node = Node::open_with(unwatched).await;
    assert_eq!(balance_after(&node, customer, 5).await, 410);
    assert!(node.counts().loaded_events < 50, "{:?}", node.counts());
    node.close().await;
}

#[tokio::test]
async fn without_snapshots_everything_is_the_same() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 61).await;
    tamper(&pool, "delete from journal.snapshots").await;
    for every_events in [0, 10] {
        let node = Node::open_with(every(&database, every_events)).await;
        balance_after(&node, customer, 1).await;
        let counts = node.counts();
        assert_eq!((counts.snapshots_used, counts.snapshots_rejected), (0, 0), "{counts:?}");
        node.assert_cache_equals_log().await;
        if every_events == 0 {
            node.close().await;
            let written: i64 =
                sqlx::query_scalar("select count(*) from journal.snapshots").fetch_one(&pool).await.unwrap();
            assert_eq!(written, 0);
        } else {
            // Read in full, it is written down at once, though no ten events were added.
            kept_at(&pool, customer, 62).await;
            assert_eq!(balance_after(&node, customer, 1).await, 63);
            node.close().await;
        }
    }
}

/// An edit, and whether it shows without the ledger's key.
const EDITS: [(&str, bool); 14] = [
    ("state = replace(state::text, '\"balance_rupiah\":', '\"balance_rupiah\":9')::json", true),
    ("state = (state::text || ' ')::json", false),
    ("state = '{}'", true),
    ("state = 'null'", true),
    ("state = '\"Unopened\"'", true),
    ("sequence = sequence - 1", true),
    ("sequence = sequence + 1000", true),
    ("sequence = 0", true),
    ("event_hash = sha256(event_hash)", true),
    ("event_hash = substr(event_hash, 1, 31)", true),
    ("mac = sha256(mac)", false),
    ("mac = substr(mac, 1, 31)", false),
    ("fingerprint = fingerprint || '0'", false),
    ("aggregate_id = (select aggregate_id from journal.events where aggregate_type = 'User' limit 1)", true),
];

#[tokio::test]
async fn an_edited_snapshot_is_used_by_nobody_and_found_by_verify() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 61).await;
    let key = key(&pool).await;
    let of_wallet =
        format!("aggregate_type in ('Wallet', 'Loan', 'Nonsense') and aggregate_id = '{}'", customer.user);
    tamper(&pool, &format!("create table kept as select * from journal.snapshots where {of_wallet}")).await;
    let others = [("aggregate_type = 'Loan'", true), ("aggregate_type = 'Nonsense'", true)];
    let mut balance = 60;
    for (edit, shows_without_key) in EDITS.into_iter().chain(others) {
        tamper(&pool, "delete from journal.snapshots; insert into journal.snapshots select * from kept")
            .await;
        assert_eq!(faults(&pool, Some(&key)).await, []);
        tamper(&pool, &format!("update journal.snapshots set {edit} where {of_wallet}")).await;
        let found = faults(&pool, Some(&key)).await;
        assert!(found.iter().any(|bad| bad.fault == Unfit::Mac), "{edit}: {found:?}");
        let named: String =
            sqlx::query_scalar("select aggregate_id from journal.snapshots").fetch_one(&pool).await.unwrap();
        assert!(found.iter().all(|bad| bad.stream.ends_with(&named)), "{edit}: {found:?}");
        assert_eq!(!faults(&pool, None).await.is_empty(), shows_without_key, "{edit}");

        let node = Node::open_with(every(&database, 10)).await;
        balance += 1;
        assert_eq!(balance_after(&node, customer, 1).await, balance, "{edit}");
        let counts = node.counts();
        // What was moved away from the wallet's name is simply not there.
        let moved = ["fingerprint", "aggregate"].iter().any(|name| edit.starts_with(name));
        assert_eq!((counts.snapshots_used, counts.snapshots_rejected), (0, u64::from(!moved)), "{edit}");
        // A good one took its place.
        kept_at(&pool, customer, balance).await;
        node.assert_cache_equals_log().await;
        node.close().await;
    }
}

/// Writes a row as only this ledger can: with a MAC that is right for whatever it says.
async fn write_in_good_faith(pool: &PgPool, owner: Actor, sets: &str) {
    let key = key(pool).await;
    tamper(pool, &format!("update journal.snapshots set {sets} where aggregate_id = '{}'", owner.user)).await;
    let row = sqlx::query(
        "select fingerprint, sequence, event_hash, state::text as state from journal.snapshots where aggregate_id = $1",
    )
    .bind(owner.user.to_string())
    .fetch_one(pool)
    .await
    .unwrap();
    let (id, sequence) = (owner.user.to_string(), row.get::<i64, _>("sequence").to_be_bytes());
    let fields: [&[u8]; 6] = [
        b"Wallet",
        id.as_bytes(),
        row.get::<&str, _>("fingerprint").as_bytes(),
        &sequence,
        row.get::<&[u8], _>("event_hash"),
        row.get::<&str, _>("state").as_bytes(),
    ];
    sqlx::query("update journal.snapshots set mac = $1 where aggregate_id = $2")
        .bind(&key.keyed_hash("snapshot-v1", &fields)[..])
        .bind(owner.user.to_string())
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_snapshot_of_a_log_that_is_no_more_is_not_used() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 61).await;
    // As after a restore: the MAC is right, the event is another one, or not there.
    for (sets, fault) in [
        ("event_hash = sha256(event_hash)", Unfit::OtherEvent),
        ("sequence = sequence + 100", Unfit::NoEvent),
    ] {
        write_in_good_faith(&pool, customer, sets).await;
        let found = faults(&pool, Some(&key(&pool).await)).await;
        assert_eq!(found.iter().map(|bad| bad.fault).collect::<Vec<_>>(), [fault]);
        let node = Node::open_with(every(&database, 10)).await;
        run(&node, top_up(customer, 1)).await;
        assert_eq!((node.counts().snapshots_used, node.counts().snapshots_rejected), (0, 1));
        kept_at(&pool, customer, 61).await;
        let end = assert_sound(&node).await.head.position;
        assert_eq!(node.head().await.unwrap().position, end);
        node.close().await;
    }
}

#[tokio::test]
async fn a_snapshot_that_is_wrong_in_good_faith_is_found_by_verify_and_by_the_sampler() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 60).await;
    let richer = "state = replace(state::text, '\"balance_rupiah\":', '\"balance_rupiah\":9')::json";
    write_in_good_faith(&pool, customer, richer).await;
    let found = faults(&pool, Some(&key(&pool).await)).await;
    let stream = StreamId::of::<Wallet>(customer.user).to_string();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].stream.as_str(), found[0].fault), (stream.as_str(), Unfit::OtherState));

    let unwatched = Options { sample_every: 0, ..every(&database, 10) };
    let node = Node::open_with(unwatched).await;
    // Refused for another reason than its balance, so it is only read.
    let too_much = top_up(customer, lumbung_domain::Rupiah::MAX.get());
    node.execute(too_much, Call::default()).await.unwrap().outcome.unwrap_err();
    assert_eq!(node.check_cache().await.unwrap().different, 1);
    // Neither memory nor the snapshot says so any more.
    assert_eq!(balance_after(&node, customer, 1).await, 60);
    kept_at(&pool, customer, 60).await;
    assert_sound(&node).await;
    assert_eq!(node.check_cache().await.unwrap().different, 0);
    node.close().await;
}

#[tokio::test]
async fn what_other_software_wrote_is_neither_read_nor_replaced() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 61).await;
    write_in_good_faith(&pool, customer, "fingerprint = '0-other', state = '{\"Wealthy\":true}'").await;
    let other = "select state::text from journal.snapshots where fingerprint = '0-other'";
    let node = Node::open_with(every(&database, 10)).await;
    assert_eq!(balance_after(&node, customer, 1).await, 61);
    assert_eq!((node.counts().snapshots_used, node.counts().snapshots_rejected), (0, 0));
    let own = async {
        while node.counts().snapshots_written == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), own).await.unwrap();
    let verified = assert_sound(&node).await;
    assert_eq!(verified.snapshots.foreign, 1);
    let kept: String = sqlx::query_scalar(other).fetch_one(&pool).await.unwrap();
    assert_eq!(kept, "{\"Wealthy\":true}");
    // After a month nobody needs it any more.
    tamper(&pool, "update journal.snapshots set written_at = now() - interval '31 days'").await;
    let gone = lumbung_journal::snapshot::prune(node.pool(), Duration::from_secs(30 * 86_400)).await.unwrap();
    assert_eq!(gone, 1);
    assert_eq!(assert_sound(&node).await.snapshots.foreign, 0);
    node.close().await;
}

#[tokio::test]
async fn an_erased_person_is_erased_from_snapshots_too() {
    let database = database().await;
    let node = Node::open_with(every(&database, 1)).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    run(&node, top_up(customer, 1)).await;
    kept_at(node.pool(), customer, 2).await;
    let pool = superuser(&database).await;
    let states =
        "select state::text from journal.snapshots where aggregate_type = 'User' and aggregate_id = $1";
    let state = async {
        loop {
            let found: Option<String> = sqlx::query_scalar(states)
                .bind(customer.user.to_string())
                .fetch_optional(&pool)
                .await
                .unwrap();
            if let Some(found) = found {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let state = tokio::time::timeout(Duration::from_secs(30), state).await.unwrap();
    for clear in ["Person", "@example.com", "Sudirman", "1990"] {
        assert!(!state.contains(clear), "{clear} in {state}");
    }
    node.close().await;
    let forget = format!("delete from journal.person_keys where person = '{}'", customer.user);
    tamper(&pool, &forget).await;
    let node = Node::open_with(every(&database, 1)).await;
    assert_eq!(balance_after(&node, customer, 1).await, 2);
    assert!(node.counts().snapshots_used > 0);
    assert!(node.vault().sealer(customer.user.0).await.is_err());
    node.assert_cache_equals_log().await;
    assert_sound(&node).await;
    node.close().await;
}

/// Two nodes whose caches hold nearly nothing, so that nearly every command begins with a snapshot, its own node's or the
/// other's, which may be ahead of the head that the loop knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_every_three_events_on_two_racing_nodes_change_no_answer() {
    let database = database().await;
    let tight = || Options { cached_streams: 1, batch_commands: 8, ..every(&database, 3) };
    let (one, other) = (Node::open_with(tight()).await, Node::open_with(tight()).await);
    furnish(&one).await;
    let mut owners = Vec::new();
    for _ in 0..4 {
        owners.push(register_customer(&one).await);
    }
    let mut tasks = JoinSet::new();
    for task in 0..24 {
        let nodes = [one.ledger.clone(), other.ledger.clone()];
        let owner = owners[task % owners.len()];
        tasks.spawn(async move {
            for step in 0..25 {
                let topped = run(&nodes[(task + step) % 2], top_up(owner, 7)).await;
                assert_eq!(topped.balance_after_rupiah.get(), topped.balance_before_rupiah.get() + 7);
            }
        });
    }
    // Meanwhile the log is proven and refolded again and again: every snapshot is true the moment it is written.
    while !tasks.is_empty() {
        tokio::select! {
            Some(done) = tasks.join_next() => done.unwrap(),
            _ = assert_sound(&one) => {}
        }
    }
    for owner in &owners {
        assert_eq!(balance_after(&one, *owner, 1).await, 24 / 4 * 25 * 7 + 1);
    }
    for node in [&one, &other] {
        let counts = node.counts();
        assert!(counts.snapshots_used > 0 && counts.snapshots_written > 0 && counts.moved > 0, "{counts:?}");
        assert_eq!(counts.snapshots_rejected, 0, "{counts:?}");
        node.assert_cache_equals_log().await;
    }
    assert_sound(&one).await;
    let kinds: Vec<String> = sqlx::query_scalar("select distinct aggregate_type from journal.snapshots")
        .fetch_all(one.pool())
        .await
        .unwrap();
    assert!(kinds.iter().any(|kind| *kind == AggregateType::Wallet.as_str()), "{kinds:?}");
    one.close().await;
    other.close().await;
}
