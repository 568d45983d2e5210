//! The ledger that is edited: the example ledger, and wallets with snapshots behind it.

use std::time::Duration;

use lumbung_commands::ledger::Options;
use lumbung_commands::{Book, Halt, UseCase};
use lumbung_domain::{Rupiah, TopUpId, UserId, Wallet, WalletCommand, WalletSource};
use lumbung_journal::verify::{anchor, verify_with};
use lumbung_journal::{Hash, IndexKey, MasterKey, Record, read};
use sqlx::PgPool;
use uuid::Uuid;

use crate::export::OTHER_MASTER_KEY;
use crate::export::example::example;
use crate::support::cluster::superuser;
use crate::support::ledger::{Node, options, run};

/// Every table that an edit may touch.
const TABLES: [&str; 3] = ["events", "anchors", "snapshots"];

pub(super) struct History {
    pub(super) pool: PgPool,
    pub(super) key: IndexKey,
    pub(super) records: Vec<Record>,
    /// Their positions.
    pub(super) anchors: Vec<i64>,
    pub(super) snapshots: Vec<Snapshot>,
}

pub(super) struct Snapshot {
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) state: String,
}

struct Credit(UserId);

impl UseCase for Credit {
    const NAME: &'static str = "Credit";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let source = WalletSource::TopUp { top_up_id: TopUpId(Uuid::now_v7()) };
        let (amount, business_on) = (Rupiah::positive(1_000).unwrap(), book.business_on()?);
        book.run::<Wallet>(
            self.0,
            WalletCommand::Credit { owner: self.0, amount, source, remarks: None, business_on },
        )
    }
}

impl History {
    pub(super) async fn lived() -> Self {
        let database = example().await;
        let master_key = MasterKey::new(OTHER_MASTER_KEY);
        let node = Node::open_with(Options { master_key, snapshot_every: 5, ..options(&database) }).await;
        for _ in 0..4 {
            let owner = UserId(Uuid::now_v7());
            for _ in 0..12 {
                run(&node, Credit(owner)).await;
            }
            anchor(node.pool()).await.unwrap();
        }
        let pool = superuser(&database).await;
        let written = async {
            loop {
                let count: i64 = sqlx::query_scalar("select count(*) from journal.snapshots")
                    .fetch_one(&pool)
                    .await
                    .unwrap();
                if count >= 4 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), written).await.expect("no snapshots were written");
        // Its last act is an anchor of the end.
        node.close().await;
        let key = IndexKey::find(&pool, &MasterKey::new(OTHER_MASTER_KEY)).await.unwrap().unwrap();
        sqlx::raw_sql("create schema kept").execute(&pool).await.unwrap();
        for table in TABLES {
            let sql = format!("create table kept.{table} as table journal.{table}");
            sqlx::raw_sql(&sql).execute(&pool).await.unwrap();
        }
        let records = read::after(&pool, 0, 1_000_000).await.unwrap();
        let anchors: Vec<i64> = sqlx::query_scalar("select position from journal.anchors order by 1")
            .fetch_all(&pool)
            .await
            .unwrap();
        let snapshots: Vec<(String, String, String)> = sqlx::query_as(
            "select aggregate_type, aggregate_id, state::text from journal.snapshots order by 2",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let snapshots = snapshots.into_iter().map(|(kind, id, state)| Snapshot { kind, id, state }).collect();
        let history = Self { pool, key, records, anchors, snapshots };
        assert_eq!(history.anchors.last(), Some(&history.end()), "the end is anchored");
        history
    }

    pub(super) fn end(&self) -> i64 {
        self.records.len() as i64
    }

    pub(super) fn record(&self, position: i64) -> &Record {
        &self.records[position as usize - 1]
    }

    /// Changes what is stored as only somebody can who owns the database.
    pub(super) async fn tamper(&self, sql: &str) {
        assert!(self.try_to_tamper(sql).await, "{sql}");
    }

    /// The same; answers whether it was accepted. Two rows with one key are not, triggers or no triggers.
    pub(super) async fn try_to_tamper(&self, sql: &str) -> bool {
        let sql = format!("begin; set local session_replication_role = replica; {sql}; commit");
        let mut connection = self.pool.acquire().await.unwrap();
        let Err(error) = sqlx::raw_sql(&sql).execute(&mut *connection).await else { return true };
        sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
        let refused = error.as_database_error().is_some_and(|error| error.is_unique_violation());
        assert!(refused, "{error}: {sql}");
        false
    }

    /// Whether the table is not what it was.
    pub(super) async fn changed(&self, table: &str) -> bool {
        let rows = |from: &str| format!("select t::text from {from}.{table} t");
        let (now, before) = (rows("journal"), rows("kept"));
        let sql = format!("select exists (({now} except {before}) union all ({before} except {now}))");
        sqlx::query_scalar(&sql).fetch_one(&self.pool).await.unwrap()
    }

    pub(super) async fn restore(&self, table: &str) {
        self.tamper(&format!(
            "delete from journal.{table}; insert into journal.{table} select * from kept.{table}"
        ))
        .await;
    }

    pub(super) async fn assert_sound(&self) {
        let verified = verify_with(&self.pool, Some(&self.key), |_| {}).await.unwrap();
        assert_eq!(verified.head.position, self.end());
        assert_eq!(verified.anchors, self.anchors.len() as u64);
        assert_eq!(verified.snapshots.compared, self.snapshots.len() as u64);
    }

    /// What an attacker does who knows how hashes are made: another payload at `from`, and every hash behind it anew.
    pub(super) fn rechained(&self, from: i64, rewrite: impl Fn(&str) -> String) -> String {
        let mut hash = if from == 1 { Hash::GENESIS } else { self.record(from - 1).hash };
        let mut sql = String::new();
        for record in &self.records[from as usize - 1..] {
            let mut record = record.clone();
            if record.position == from {
                record.payload = rewrite(&record.payload);
                sql += &format!(
                    "update journal.events set payload = $edit${}$edit$ where position = {from};",
                    record.payload
                );
            }
            hash = record.expected_hash(hash);
            sql += &format!(
                "update journal.events set hash = decode('{hash}', 'hex') where position = {};",
                record.position
            );
        }
        sql
    }
}
