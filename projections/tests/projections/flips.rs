//! Rebuilding beside a running projector, and moving over.

use std::sync::Arc;
use std::time::Duration;

use lumbung_domain::*;
use lumbung_projections::{Difference, Reader, Rebuild, Stopper, flip, loans, prepare, rebuild};
use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

use crate::log::Log;
use crate::people::officer;
use crate::projecting::{Node, PATIENCE};

/// Loans of many customers, in batches, at every stage.
async fn lend(log: &mut Log, customers: std::ops::Range<u128>) {
    for customer in customers {
        let loan = i64::try_from(customer).unwrap();
        log.select(customer, loan, 1);
        log.submit(loan, customer, 1 + loan % 3, 1_000_000);
        for stage in 0..loan % 5 {
            match stage {
                3 => {}
                stage => {
                    log.approve(loan, officer(9_000 + u128::try_from(stage).unwrap(), Some(1)), Some("note"))
                }
            }
        }
        if loan % 7 == 0 {
            log.top_up(customer);
        }
        if loan % 10 == 0 {
            log.commit().await;
        }
    }
    log.define_role(RoleId(i64::try_from(log.streams.len()).unwrap()), &[]);
    log.commit().await;
}

impl Log {
    /// One more credit of a wallet.
    pub(crate) fn top_up(&mut self, customer: u128) {
        let owner = crate::people::user(customer);
        let source = WalletSource::TopUp { top_up_id: TopUpId(owner.0) };
        let amount = crate::people::rupiah(1);
        let command = WalletCommand::Credit {
            owner,
            amount,
            source,
            remarks: None,
            business_on: crate::people::today(),
        };
        self.run::<Wallet>(owner, command).unwrap();
    }
}

fn options(log: &Log, batch: usize) -> Rebuild {
    Rebuild { batch, ..Rebuild::new(log.options.clone()) }
}

#[tokio::test]
async fn a_rebuild_equals_the_live_schema_and_takes_over() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    let old = node.reader.live().name().clone();
    lend(&mut log, 1..200).await;
    node.read_at(log.position()).await;

    let mut seen = Vec::new();
    let report = rebuild(&options(&log, 100), |progress| seen.push(progress.position)).await.unwrap();
    assert_eq!(report.differences, []);
    assert_eq!(report.compared_at, Some(log.position()));
    assert_eq!(report.events, u64::try_from(log.position()).unwrap());
    assert!(seen.len() > 5 && seen.is_sorted() && seen.last() == Some(&log.position()), "{seen:?}");

    // The running node moves over and goes on.
    lend(&mut log, 200..220).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while *node.reader.live().name() != report.schema {
        assert!(tokio::time::Instant::now() < deadline, "the node did not move");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let read = node.read_at(log.position()).await;
    assert_eq!(*read.name(), report.schema);
    assert!(loans::by_id(&read, LoanNumber(219)).await.unwrap().is_some());

    // The old one stays to go back to, and a flip does go back, showing no less.
    flip(&log.options, &old).await.unwrap();
    lend(&mut log, 220..230).await;
    while *node.reader.live().name() != old {
        assert!(tokio::time::Instant::now() < deadline + PATIENCE, "the node did not move back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let read = node.read_at(log.position()).await;
    assert!(loans::by_id(&read, LoanNumber(229)).await.unwrap().is_some());
    node.stop().await;
}

#[tokio::test]
async fn a_rebuild_while_the_log_grows() {
    let log = Arc::new(Mutex::new(Log::new().await));
    let (node, options) = {
        let mut log = log.lock().await;
        lend(&mut log, 1..100).await;
        (Node::start(&log).await, options(&log, 50))
    };
    let writer = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            for round in 0..60 {
                let mut log = log.lock().await;
                lend(&mut log, 1_000 + round * 10..1_010 + round * 10).await;
                drop(log);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    // While everyone moves, what a client was shown never falls, and what is shown holds what was waited for.
    let reading = async {
        let mut shown = 0;
        while !writer.is_finished() {
            let position = log.lock().await.position();
            let now = node.reader.freshness().wait_for(position.max(shown), PATIENCE).await.unwrap();
            shown = now.position;
            let found: i64 = sqlx::query_scalar("select max(position) from checkpoint")
                .fetch_one(now.schema.pool())
                .await
                .unwrap();
            assert!(found >= shown, "{} shows {found}, promised {shown}", now.schema.name());
        }
    };
    let rebuilding = async {
        for _ in 0..3 {
            let report = rebuild(&options, |_| {}).await.unwrap();
            assert_eq!(report.differences, []);
            assert!(report.compared_at.is_some());
        }
    };
    tokio::join!(reading, rebuilding);
    writer.await.unwrap();

    let log = log.lock().await;
    node.read_at(log.position()).await;
    // The final word: a rebuild in peace equals what flips and projectors left.
    let report = rebuild(&options, |_| {}).await.unwrap();
    assert_eq!((report.differences, report.compared_at), (vec![], Some(log.position())));
    let kept: i64 = sqlx::query_scalar("select count(*) from projection.read_schemas")
        .fetch_one(&log.pool)
        .await
        .unwrap();
    assert_eq!(kept, 2);
    node.stop().await;
}

/// A flip to a schema that is behind: whoever was shown more keeps reading the old one until the new one has it.
#[tokio::test]
async fn queries_move_only_to_what_they_have_seen() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    let first = node.reader.live().name().clone();
    lend(&mut log, 1..20).await;
    node.read_at(log.position()).await;
    node.stop().await;
    let second = rebuild(&options(&log, 1_000), |_| {}).await.unwrap().schema;

    let node = Node::start(&log).await;
    let (stopper, stop) = Stopper::new();
    let reader = Reader::open(log.options.clone(), 2).await.unwrap();
    let following = reader.follow(stop);
    lend(&mut log, 20..40).await;
    let position = log.position();
    reader.freshness().wait_for(position, PATIENCE).await.unwrap();
    node.stop().await;

    flip(&log.options, &first).await.unwrap();
    // Nobody feeds the first schema now; long enough for the news to arrive by every way.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(*reader.live().name(), second);
    assert_eq!(reader.freshness().projected(), position);

    let node = Node::start(&log).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while *reader.live().name() != first {
        assert!(tokio::time::Instant::now() < deadline, "the reader did not move");
        assert!(reader.freshness().projected() >= position);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let found: i64 = sqlx::query_scalar("select max(position) from checkpoint")
        .fetch_one(reader.live().pool())
        .await
        .unwrap();
    assert!(found >= position);
    stopper.stop();
    following.await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn a_rebuild_reports_what_was_wrong() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    lend(&mut log, 1..20).await;
    let read = node.read_at(log.position()).await;
    let mut admin = PgConnection::connect_with(&log.options).await.unwrap();
    sqlx::raw_sql(&format!(
        "set search_path = {}; update plafonds set remaining_rupiah = 1 where plafond = 3; delete from loan_history where loan = 4",
        read.name()
    ))
    .execute(&mut admin)
    .await
    .unwrap();
    node.stop().await;

    let report = rebuild(&options(&log, 1_000), |_| {}).await.unwrap();
    let found: Vec<_> = report.differences.iter().map(|d| (d.table, d.rebuilt_rows - d.live_rows)).collect();
    assert!(matches!(&report.differences[..], [Difference { .. }, Difference { .. }]));
    assert_eq!(found[0], ("plafonds", 0));
    assert_eq!(found[1].0, "loan_history");
    assert!(found[1].1 > 0);
    assert_eq!(prepare(&log.options).await.unwrap(), report.schema);
    // Without a running node too, and the second one finds nothing wrong.
    assert_eq!(rebuild(&options(&log, 1_000), |_| {}).await.unwrap().differences, []);
}
