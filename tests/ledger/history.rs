//! The same history, read by postgres-es and by us.

use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore, SerializedEvent};
use cqrs_es::{DomainEvent, EventStore};
use lumbung_commands::Expected;
use lumbung_commands::loan::{ApproveLoan, SubmitLoan};
use lumbung_commands::plafond::SelectPlafond;
use lumbung_commands::session::EndSession;
use lumbung_domain::{
    Aggregate, AnyAggregate, Branch, Claim, Cqrs, Ledger, LendingRules, Loan, LoanNumber, Plafond,
    PlafondNumber, Product, ProductId, Role, RoleId, Rupiah, Session, Staff, StreamId, Tenor, User, Wallet,
};
use lumbung_journal::{Record, codec, read};
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;

use crate::support::cluster::database;
use crate::support::ledger::{JAKARTA, Node, furnish, run};
use crate::support::people::{register_customer, register_staff, top_up};

/// A loan from the first to the last, and what is around it.
async fn lived_in() -> Node {
    let node = Node::open(&database().await).await;
    furnish(&node).await;
    let actor = register_customer(&node).await;
    run(
        &node,
        SelectPlafond {
            actor,
            number: PlafondNumber(1),
            product: ProductId(1),
            expected: Expected::Anything,
        },
    )
    .await;
    let (loan, amount) = (LoanNumber(1), Rupiah::positive(5_000_000).unwrap());
    let tenor = Tenor::new(6).unwrap();
    run(&node, SubmitLoan { actor, loan, branch: JAKARTA, amount, tenor, interest_rate: None }).await;
    for role in [RoleId::MARKETING, RoleId::BRANCH_MANAGER, RoleId::BACKOFFICE] {
        let branch = (role != RoleId::BACKOFFICE).then_some(JAKARTA);
        let officer = register_staff(&node, role, branch).await;
        run(&node, ApproveLoan { actor: officer, loan, note: None, expected: Expected::Anything }).await;
    }
    run(&node, top_up(actor, 1)).await;
    run(&node, EndSession { actor }).await;
    node
}

fn repository(pool: &PgPool) -> PostgresEventRepository {
    PostgresEventRepository::new(pool.clone()).with_tables("journal.events", "no_snapshots")
}

fn serialized(record: &Record) -> SerializedEvent {
    SerializedEvent::new(
        record.stream.id.to_string(),
        usize::try_from(record.sequence).unwrap(),
        record.stream.kind.to_string(),
        record.event_type.to_string(),
        record.event_version.to_string(),
        serde_json::from_str(&record.payload).unwrap(),
        serde_json::from_str(&record.metadata).unwrap(),
    )
}

/// Compares events and state of every stream of a kind; answers how many there are.
async fn compare<A>(pool: &PgPool) -> usize
where
    A: Aggregate,
    A::Event: DomainEvent,
{
    let ids: Vec<String> =
        sqlx::query_scalar("select distinct aggregate_id from journal.events where aggregate_type = $1")
            .bind(A::TYPE.as_str())
            .fetch_all(pool)
            .await
            .unwrap();
    let store = PersistedEventStore::<_, Cqrs<A>>::new_event_store(repository(pool));
    for id in &ids {
        let stream = StreamId::of::<A>(id.as_str());
        let (_, records) = read::streams(pool, std::slice::from_ref(&stream)).await.unwrap();
        let ours: Vec<SerializedEvent> = records.iter().map(serialized).collect();
        let theirs = repository(pool).get_events::<Cqrs<A>>(id).await.unwrap();
        assert_eq!(theirs, ours, "{stream}");

        let mut state = AnyAggregate::unborn(A::TYPE);
        for record in &records {
            state.evolve(&codec::decode(record).unwrap()).unwrap();
        }
        let loaded = store.load_aggregate(id).await.unwrap();
        assert_eq!(
            (loaded.aggregate.0, loaded.current_sequence),
            (A::of(&state).unwrap().as_ref().clone(), ours.len())
        );
    }
    ids.len()
}

#[tokio::test]
async fn postgres_es_reads_every_stream_as_we_do() {
    let node = lived_in().await;
    let pool = node.pool();
    let compared = [
        compare::<Ledger>(pool).await,
        compare::<LendingRules>(pool).await,
        compare::<Role>(pool).await,
        compare::<Branch>(pool).await,
        compare::<Product>(pool).await,
        compare::<Staff>(pool).await,
        compare::<User>(pool).await,
        compare::<Claim>(pool).await,
        compare::<Session>(pool).await,
        compare::<Plafond>(pool).await,
        compare::<Loan>(pool).await,
        compare::<Wallet>(pool).await,
    ];
    assert_eq!(compared, [1, 1, 8, 3, 5, 1, 5, 18, 5, 1, 1, 1]);
    let streams: i64 =
        sqlx::query_scalar("select count(distinct (aggregate_type, aggregate_id)) from journal.events")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(compared.iter().sum::<usize>() as i64, streams, "a kind is missing from this test");
    node.close().await;
}

#[tokio::test]
async fn postgres_es_reads_on_from_a_sequence_as_we_do() {
    let node = lived_in().await;
    let (_, records) = read::streams(node.pool(), &[StreamId::of::<Loan>(LoanNumber(1))]).await.unwrap();
    let ours: Vec<SerializedEvent> = records[2..].iter().map(serialized).collect();
    let theirs = repository(node.pool()).get_last_events::<Cqrs<Loan>>("1", 2).await.unwrap();
    assert_eq!((theirs.len(), theirs), (3, ours));
    node.close().await;
}
