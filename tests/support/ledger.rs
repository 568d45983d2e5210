//! Ledgers in this process.

use std::sync::Arc;
use std::time::Duration;

use lumbung_commands::ledger::{LedgerTask, LoopFailed, Options};
use lumbung_commands::reference::{DefineReferenceData, OpenBranch};
use lumbung_commands::{Call, IdempotencyKey, Ledger};
use lumbung_domain::{BranchCode, BranchId, Place};
use lumbung_journal::verify::Verified;
use lumbung_journal::{MasterKey, verify};
use sqlx::postgres::PgConnectOptions;

use super::people::register_staff;

pub(crate) const MASTER_KEY: [u8; 32] = [7; 32];

/// One node: a ledger and the task that runs it.
pub(crate) struct Node {
    pub(crate) ledger: Ledger,
    task: LedgerTask,
}

impl Node {
    pub(crate) async fn open(database: &PgConnectOptions) -> Self {
        Self::open_with(options(database)).await
    }

    pub(crate) async fn open_with(options: Options) -> Self {
        let (ledger, task) = Ledger::open(options).await.unwrap();
        Self { ledger, task }
    }

    /// Lets go of the ledger and waits for its loop, which must have nothing to complain of.
    pub(crate) async fn close(self) {
        self.ended().await.unwrap();
    }

    /// Lets go of the ledger and waits for what its loop says.
    pub(crate) async fn ended(self) -> Result<(), LoopFailed> {
        drop(self.ledger);
        self.task.finished().await
    }

    /// That every stream this node holds is the fold of its events, and that no batch ever found otherwise.
    pub(crate) async fn assert_cache_equals_log(&self) {
        let check = self.ledger.check_cache().await.expect("the loop is gone");
        assert_eq!((check.different, self.ledger.counts().differences), (0, 0), "{check:?}");
        assert_eq!(
            (check.from_snapshot, check.passed_over),
            (0, 0),
            "not all was folded from the first event: {check:?}"
        );
    }
}

impl std::ops::Deref for Node {
    type Target = Ledger;
    fn deref(&self) -> &Ledger {
        &self.ledger
    }
}

/// Compares every batch's streams with the log, from their first events however long they are, and waits for nothing as long as production would.
pub(crate) fn options(database: &PgConnectOptions) -> Options {
    Options {
        pool_size: 4,
        answer_within: Duration::from_secs(60),
        append_within: Duration::from_secs(5),
        sample_every: 1,
        sample_events: u64::MAX,
        ..Options::new(database.clone(), MasterKey::new(MASTER_KEY), Arc::new(|at| at.date_naive()))
    }
}

pub(crate) const JAKARTA: BranchId = BranchId(1);
pub(crate) const SURABAYA: BranchId = BranchId(2);

/// Reference data, two branches and a superadmin.
pub(crate) async fn furnish(ledger: &Ledger) {
    run(ledger, DefineReferenceData).await;
    for (branch_id, code, location) in [(JAKARTA, "JKT", "Jakarta"), (SURABAYA, "SBY", "Surabaya")] {
        let (code, location) = (BranchCode::new(code).unwrap(), Place::new(location).unwrap());
        run(ledger, OpenBranch { branch_id, code, location }).await;
    }
    register_staff(ledger, lumbung_domain::RoleId::SUPERADMIN, None).await;
}

/// Carries out a use case that must be accepted.
pub(crate) async fn run<U: lumbung_commands::UseCase>(ledger: &Ledger, use_case: U) -> U::Outcome {
    ledger.execute(use_case, Call::default()).await.unwrap().outcome.unwrap()
}

/// A call with an Idempotency-Key.
pub(crate) fn keyed(ledger: &Ledger, key: &str, body: &str) -> Call {
    let hash = |purpose, text: &str| ledger.vault().keyed_hash(purpose, &[text.as_bytes()]);
    Call { key: Some(IdempotencyKey { key: hash("key", key), body: hash("body", body) }), ..Call::default() }
}

/// The log must be sound, and every snapshot what the log makes.
pub(crate) async fn assert_sound(ledger: &Ledger) -> Verified {
    verify::verify_with(ledger.pool(), Some(ledger.vault().index_key()), |_| {}).await.unwrap()
}

/// How many events of a type the log holds.
pub(crate) async fn events(ledger: &Ledger, event_type: &str) -> i64 {
    sqlx::query_scalar("select count(*) from journal.events where event_type = $1")
        .bind(event_type)
        .fetch_one(ledger.pool())
        .await
        .unwrap()
}
