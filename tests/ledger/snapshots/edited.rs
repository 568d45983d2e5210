//! Snapshots that somebody edited in the database: nobody uses them, and verify names them.

use lumbung_journal::snapshot::Unfit;
use lumbung_journal::verify::{BadSnapshot, VerifyError, verify_with};
use lumbung_journal::{IndexKey, MasterKey};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgPool};

use super::{balance_after, every, kept_at, long_wallet, tamper};
use crate::support::cluster::database;
use crate::support::ledger::{MASTER_KEY, Node};

pub(super) async fn key(pool: &PgPool) -> IndexKey {
    IndexKey::find(pool, &MasterKey::new(MASTER_KEY)).await.unwrap().unwrap()
}

pub(super) async fn faults(pool: &PgPool, key: Option<&IndexKey>) -> Vec<BadSnapshot> {
    match verify_with(pool, key, |_| {}).await {
        Ok(_) => Vec::new(),
        Err(VerifyError::Snapshots(faults)) => faults,
        Err(other) => panic!("{other}"),
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

/// `lumbung verify` on a database, with a master key or without.
async fn verify_by_command(database: &PgConnectOptions, master_key: Option<&str>) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_lumbung"));
    command.arg("verify").env_clear().current_dir(folder.path());
    command.arg("--data-dir").arg(folder.path().join("data"));
    command.env("DATABASE_URL", database.to_url_lossy().as_str());
    if let Some(key) = master_key {
        command.env("LUMBUNG_MASTER_KEY", key);
    }
    let output = command.output().await.unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    assert!(!folder.path().join("data/secrets").exists(), "verify made keys");
    (output.status.code().unwrap(), said)
}

#[tokio::test]
async fn the_command_line_names_an_edited_snapshot_and_says_what_it_could_not_check() {
    let database = database().await;
    let (pool, customer) = long_wallet(&database, 61).await;
    let (right, wrong) = ("07".repeat(32), "08".repeat(32));
    let (code, said) = verify_by_command(&database, Some(&right)).await;
    assert!(code == 0 && said.contains(" snapshots, head ") && !said.contains("not checked"), "{said}");
    tamper(&pool, "update journal.snapshots set mac = sha256(mac) where aggregate_type = 'Wallet'").await;
    for key in [None, Some(wrong.as_str())] {
        let (code, said) = verify_by_command(&database, key).await;
        assert!(code == 0 && said.contains("the MACs of the snapshots were not checked"), "{said}");
    }
    let (code, said) = verify_by_command(&database, Some(&right)).await;
    let named = format!("the snapshot of Wallet/{}", customer.user);
    assert!(code == 1 && said.contains(&named) && said.contains("its MAC is not the ledger's"), "{said}");
}
