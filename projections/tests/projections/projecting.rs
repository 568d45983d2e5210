//! The projector: checkpoint, standby, halt.

use std::sync::Arc;
use std::time::Duration;

use lumbung_domain::*;
use lumbung_projections::{LiveSchema, Projector, ProjectorState, Reader, Stopper, loans, plafonds, prepare};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;

use crate::log::Log;
use crate::people::{officer, submission, user};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The read side of one node.
pub(crate) struct Node {
    pub(crate) reader: Arc<Reader>,
    pub(crate) projector: Projector,
    following: JoinHandle<()>,
    stopper: Stopper,
}

impl Node {
    pub(crate) async fn start(log: &Log) -> Self {
        Self::start_with(log, 4).await
    }

    pub(crate) async fn start_with(log: &Log, pool_size: u32) -> Self {
        prepare(&log.options).await.unwrap();
        let (stopper, stop) = Stopper::new();
        let reader = Reader::open(log.options.clone(), pool_size).await.unwrap();
        let following = reader.follow(stop.clone());
        let projector =
            Projector::start(log.options.clone(), Arc::clone(&log.feed), Arc::clone(&reader), stop);
        Self { reader, projector, following, stopper }
    }

    /// What queries see once they show `position`.
    pub(crate) async fn read_at(&self, position: i64) -> Arc<LiveSchema> {
        self.reader.freshness().wait_for(position, PATIENCE).await.unwrap().schema
    }

    pub(crate) async fn is(&self, wanted: impl Fn(&ProjectorState) -> bool) -> ProjectorState {
        let mut state = self.projector.state();
        let found = tokio::time::timeout(PATIENCE, state.wait_for(|state| wanted(state))).await;
        found.unwrap().unwrap().clone()
    }

    pub(crate) async fn stop(self) {
        self.stopper.stop();
        tokio::time::timeout(PATIENCE, self.projector.stopped()).await.unwrap();
        self.following.await.unwrap();
    }
}

async fn checkpoint(read: &LiveSchema) -> i64 {
    sqlx::query_scalar("select max(position) from checkpoint").fetch_one(read.pool()).await.unwrap()
}

/// As if PostgreSQL had lost the batches after `position` in a crash.
async fn lose_checkpoint(log: &Log, read: &LiveSchema, position: i64) {
    let mut admin = PgConnection::connect_with(&log.options).await.unwrap();
    sqlx::raw_sql(&format!(
        "set search_path = {schema}; delete from checkpoint where position > {position};
         update loans set status = 'SUBMITTED', version = 1; delete from loan_history where position > {position};
         update approval_queue set stage = 'MARKETING', desk = 'MARKETING:1'",
        schema = read.name()
    ))
    .execute(&mut admin)
    .await
    .unwrap();
}

/// A loan is submitted and approved, and the read models lose the approval again. Answers them and where they were.
async fn approve_and_forget(log: &mut Log, node: &Node) -> (Arc<LiveSchema>, i64) {
    log.select(1, 11, 1);
    log.submit(1, 1, 1, 3_000_000);
    let submitted = log.commit().await;
    node.read_at(submitted).await;
    log.approve(1, officer(101, Some(1)), None);
    let approved = log.commit().await;
    let read = node.read_at(approved).await;
    assert_eq!(checkpoint(&read).await, approved);
    lose_checkpoint(log, &read, submitted).await;
    (read, approved)
}

#[tokio::test]
async fn a_checkpoint_that_went_back_is_projected_from_again() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    approve_and_forget(&mut log, &node).await;
    log.approve(1, officer(102, Some(1)), None);
    let position = log.commit().await;
    let read = node.read_at(position).await;
    assert_eq!(checkpoint(&read).await, position);
    let loan = loans::by_id(&read, LoanNumber(1)).await.unwrap().unwrap();
    assert_eq!((loan.status, loan.version), (LoanStatus::BranchManagerApproved, 3));
    let steps: i64 =
        sqlx::query_scalar("select count(*) from loan_history").fetch_one(read.pool()).await.unwrap();
    assert_eq!(steps, 3);
    node.stop().await;
}

/// A crash ends every connection. Whoever was shown a position is not shown less by a new one.
#[tokio::test]
async fn what_was_shown_is_never_taken_back() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    let (read, approved) = approve_and_forget(&mut log, &node).await;
    let mut admin = PgConnection::connect_with(&log.options).await.unwrap();
    let end_everyone = "select count(pg_terminate_backend(pid)) from pg_stat_activity
         where pid <> pg_backend_pid() and datname = current_database() and application_name like 'lumbung%'";
    let ended: i64 = sqlx::query_scalar(end_everyone).fetch_one(&mut admin).await.unwrap();
    assert!(ended >= 2);
    // Waits for the projector, which finds its checkpoint gone back and projects again.
    let mut shown = read.pool().acquire().await.unwrap();
    let position: i64 =
        sqlx::query_scalar("select max(position) from checkpoint").fetch_one(&mut *shown).await.unwrap();
    assert!(position >= approved, "shows {position}, showed {approved}");
    let loan = loans::by_id(&read, LoanNumber(1)).await.unwrap().unwrap();
    assert_eq!(loan.status, LoanStatus::MarketingApproved);
    node.stop().await;
}

#[tokio::test]
async fn a_standby_takes_over_and_shows_what_the_other_projects() {
    let mut log = Log::new().await;
    let first = Node::start(&log).await;
    first.is(|state| matches!(state, ProjectorState::Running { .. })).await;
    let second = Node::start(&log).await;
    log.select(1, 11, 1);
    let position = log.commit().await;
    let read = second.read_at(position).await;
    assert!(plafonds::active_of(&read, user(1)).await.unwrap().is_some());
    assert_eq!(*second.projector.state().borrow(), ProjectorState::Standby);

    // The first one's connection dies, and the lock with it; one of them goes on.
    let mut admin = PgConnection::connect_with(&log.options).await.unwrap();
    let killed: i64 = sqlx::query_scalar(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity
         where application_name = 'lumbung-projector' and datname = current_database()",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert!(killed >= 1);
    log.submit(1, 1, 1, 1_000_000);
    let position = log.commit().await;
    second.read_at(position).await;
    first.read_at(position).await;

    first.stop().await;
    second.is(|state| matches!(state, ProjectorState::Running { .. })).await;
    log.approve(1, officer(101, Some(1)), None);
    let read = second.read_at(log.commit().await).await;
    let loan = loans::by_id(&read, LoanNumber(1)).await.unwrap().unwrap();
    assert_eq!(loan.status, LoanStatus::MarketingApproved);
    second.stop().await;
}

#[tokio::test]
async fn what_cannot_be_projected_halts_at_its_position() {
    let mut log = Log::new().await;
    log.select(1, 11, 1);
    log.submit(1, 1, 1, 1_000_000);
    let good = log.commit().await;
    // A decision on a loan that was never submitted, amid good events: no rule makes it.
    let decision = LoanEvent::LoanApproved {
        stage: Stage::Marketing,
        officer: officer(101, Some(1)),
        note: None,
        business_on: crate::people::today(),
    };
    log.approve(1, officer(101, Some(1)), None);
    log.take(&StreamId::of::<Loan>(LoanNumber(99)), decision.into());
    log.approve(1, officer(102, Some(1)), None);
    log.commit().await;

    let node = Node::start(&log).await;
    let state = node.is(|state| matches!(state, ProjectorState::Halted { .. })).await;
    let reason = "loans lacks 1 of the rows that events change".to_owned();
    assert_eq!(state, ProjectorState::Halted { position: good + 2, reason });
    let read = node.read_at(good + 1).await;
    let loan = loans::by_id(&read, LoanNumber(1)).await.unwrap().unwrap();
    assert_eq!(
        (loan.status, loan.submission),
        (LoanStatus::MarketingApproved, submission(1, 1, 1, 1_000_000))
    );
    node.stop().await;
}

#[tokio::test]
async fn read_models_ahead_of_the_log_halt() {
    let log = Log::new().await;
    let schema = prepare(&log.options).await.unwrap();
    let mut admin = PgConnection::connect_with(&log.options).await.unwrap();
    sqlx::raw_sql(&format!("insert into {schema}.checkpoint values (7, now())"))
        .execute(&mut admin)
        .await
        .unwrap();
    let node = Node::start(&log).await;
    let state = node.is(|state| matches!(state, ProjectorState::Halted { .. })).await;
    let ProjectorState::Halted { reason, .. } = state else { unreachable!() };
    assert_eq!(reason, "the read models reached 7, but the log ends at 1");
    node.stop().await;
}
