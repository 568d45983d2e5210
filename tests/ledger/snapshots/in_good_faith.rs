//! Snapshots with a MAC that is right for what they say, and that are wrong all the same, or of another software.

use std::time::Duration;

use lumbung_commands::ledger::Options;
use lumbung_commands::{Actor, Call};
use lumbung_domain::{Rupiah, StreamId, Wallet};
use lumbung_journal::snapshot::Unfit;
use sqlx::{Connection, PgConnection, PgPool, Row};
use uuid::Uuid;

use super::edited::{faults, key};
use super::{balance_after, every, kept_at, long_wallet, tamper};
use crate::support::cluster::database;
use crate::support::ledger::{Node, assert_sound, run};
use crate::support::people::top_up;

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
        all_fit(&pool).await;
        kept_at(&pool, customer, 61).await;
        let end = assert_sound(&node).await.head.position;
        assert_eq!(node.head().await.unwrap().position, end);
        node.close().await;
    }
}

/// Waits until what was refused has given way to what is right.
async fn all_fit(pool: &PgPool) {
    let fitting = async {
        while !faults(pool, Some(&key(pool).await)).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), fitting).await.expect("it stays");
}

const RICHER: &str = "state = replace(state::text, '\"balance_rupiah\":', '\"balance_rupiah\":9')::json";

#[tokio::test]
async fn a_snapshot_that_is_wrong_in_good_faith_is_found_by_verify_and_by_the_sampler() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 60).await;
    write_in_good_faith(&pool, customer, RICHER).await;
    let found = faults(&pool, Some(&key(&pool).await)).await;
    let stream = StreamId::of::<Wallet>(customer.user).to_string();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].stream.as_str(), found[0].fault), (stream.as_str(), Unfit::OtherState));

    let unwatched = Options { sample_every: 0, ..every(&database, 10) };
    let node = Node::open_with(unwatched).await;
    // Refused for another reason than its balance, so it is only read.
    let too_much = top_up(customer, Rupiah::MAX.get());
    node.execute(too_much, Call::default()).await.unwrap().outcome.unwrap_err();
    assert_eq!(node.check_cache().await.unwrap().different, 1);
    // Neither memory nor the snapshot says so any more.
    assert_eq!(balance_after(&node, customer, 1).await, 60);
    kept_at(&pool, customer, 60).await;
    assert_sound(&node).await;
    assert_eq!(node.check_cache().await.unwrap().different, 0);
    node.close().await;
}

/// Waits until a connection to this database, another one than `but`, waits for a lock; answers which.
async fn waits_for_a_lock(pool: &PgPool, but: Option<i32>) -> i32 {
    let waiting = "select pid from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock' and pid is distinct from $1";
    let waited = async {
        loop {
            let found = sqlx::query_scalar(waiting).bind(but).fetch_optional(pool).await.unwrap();
            if let Some(pid) = found {
                return pid;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.expect("nobody waits for a lock")
}

/// The wallet's owner is wrong. The writer has taken that state already, and is held up in the middle of its transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_state_that_is_being_written_when_it_is_found_out_is_not_there_afterwards() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 60).await;
    // Not the balance: every event carries that on, and the log itself would be wrong.
    let foreign = format!("state = replace(state::text, '{}', '{}')::json", customer.user, Uuid::nil());
    write_in_good_faith(&pool, customer, &foreign).await;
    let unwatched = Options { sample_every: 0, ..every(&database, 10) };
    let node = Node::open_with(unwatched).await;
    for _ in 0..9 {
        run(&node, top_up(customer, 1)).await;
    }
    let mut holder = PgConnection::connect_with(&database).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query(
        "select from journal.snapshots where aggregate_id = $1 and aggregate_type = 'Wallet' for update",
    )
    .bind(customer.user.to_string())
    .execute(&mut *held)
    .await
    .unwrap();
    // The tenth event since: the wrong state is offered, and the writer stops at the row that is held.
    run(&node, top_up(customer, 1)).await;
    let writer = waits_for_a_lock(&pool, None).await;
    let ledger = node.ledger.clone();
    let check = tokio::spawn(async move { ledger.check_cache().await.unwrap() });
    // The deletion; on a slow machine the writer may have given up and come again, which must do no harm either.
    waits_for_a_lock(&pool, Some(writer)).await;
    held.rollback().await.unwrap();
    assert_eq!(check.await.unwrap().different, 1);
    assert_eq!(faults(&pool, Some(&key(&pool).await)).await, []);
    // The true balance, and in time a snapshot of it.
    assert_eq!(balance_after(&node, customer, 1).await, 70);
    kept_at(&pool, customer, 70).await;
    assert_sound(&node).await;
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
