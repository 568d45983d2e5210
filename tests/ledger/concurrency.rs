//! Several nodes on one database, everybody at once.

use std::collections::HashMap;
use std::sync::Arc;

use lumbung_commands::loan::{ApproveLoan, RejectLoan, SubmitLoan};
use lumbung_commands::plafond::SelectPlafond;
use lumbung_commands::{Actor, Call, Expected, Ledger};
use lumbung_domain::{
    LoanNumber, LoanStatus, Note, PlafondNumber, ProductId, Rejection, RoleId, Rupiah, Tenor, UserId,
};
use sqlx::Row;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::cluster::{database, superuser};
use crate::support::ledger::{JAKARTA, Node, assert_sound, events, furnish, run};
use crate::support::people::{fresh_number, register_customer, register_staff, top_up};

const ROLES: [RoleId; 3] = [RoleId::MARKETING, RoleId::BRANCH_MANAGER, RoleId::BACKOFFICE];

/// Two officers for each of the three stages.
struct Office {
    desks: [[Actor; 2]; 3],
}

impl Office {
    async fn open(ledger: &Ledger) -> Self {
        let mut desks = Vec::new();
        for role in ROLES {
            let branch = (role != RoleId::BACKOFFICE).then_some(JAKARTA);
            desks.push([
                register_staff(ledger, role, branch).await,
                register_staff(ledger, role, branch).await,
            ]);
        }
        Self { desks: desks.try_into().unwrap() }
    }
}

/// A customer with a plafond of five million.
async fn borrower(ledger: &Ledger) -> Actor {
    let actor = register_customer(ledger).await;
    run(
        ledger,
        SelectPlafond {
            actor,
            number: PlafondNumber(fresh_number()),
            product: ProductId(1),
            expected: Expected::Anything,
        },
    )
    .await;
    actor
}

async fn submit(ledger: &Ledger, actor: Actor, rupiah: i64) -> LoanNumber {
    let loan = LoanNumber(fresh_number());
    let (amount, tenor) = (Rupiah::positive(rupiah).unwrap(), Tenor::new(6).unwrap());
    run(ledger, SubmitLoan { actor, loan, branch: JAKARTA, amount, tenor, interest_rate: None }).await;
    loan
}

/// Whether the approval counted; if not, it was for the loan's status.
async fn approved(ledger: &Ledger, actor: Actor, loan: LoanNumber) -> bool {
    let answer = ledger
        .execute(ApproveLoan { actor, loan, note: None, expected: Expected::Anything }, Call::default())
        .await
        .unwrap();
    match answer.outcome {
        Ok(_) => true,
        Err(Rejection::LoanWrongStatus { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

/// What the log says is in every wallet.
async fn balances(ledger: &Ledger) -> HashMap<UserId, i64> {
    let rows = sqlx::query(
        "select aggregate_id, sum((payload->'WalletCredited'->>'amount_rupiah')::bigint)::bigint as rupiah
         from journal.events where event_type = 'WalletCredited' group by 1",
    );
    let rows = rows.fetch_all(ledger.pool()).await.unwrap();
    rows.iter().map(|row| (row.get::<String, _>(0).parse().unwrap(), row.get(1))).collect()
}

async fn assert_two_nodes_agree(one: &Node, other: &Node) {
    let verified = assert_sound(one).await;
    one.assert_cache_equals_log().await;
    other.assert_cache_equals_log().await;
    let count: i64 =
        sqlx::query_scalar("select count(*) from journal.events").fetch_one(one.pool()).await.unwrap();
    assert_eq!(verified.head.position, count, "positions are not contiguous");
    assert_eq!((one.head().await, other.head().await), (Some(verified.head), Some(verified.head)));
}

#[tokio::test]
async fn sixty_four_tasks_on_two_nodes_lose_nothing_and_double_nothing() {
    let database = database().await;
    let (one, other) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&one).await;
    let office = Arc::new(Office::open(&one).await);
    let mut shared = Vec::new();
    for _ in 0..4 {
        shared.push(register_customer(&one).await);
    }
    let tasks = (0..64).map(|task: usize| {
        let nodes = [one.ledger.clone(), other.ledger.clone()];
        let (office, wallet) = (Arc::clone(&office), shared[task % 4]);
        tokio::spawn(async move {
            let mut acknowledged: HashMap<UserId, i64> = HashMap::new();
            if task < 48 {
                for step in 0..12 {
                    let rupiah = (task * 12 + step + 1) as i64;
                    let ledger = &nodes[(task + step) % 2];
                    let topped = run(ledger, top_up(wallet, rupiah)).await;
                    assert_eq!(
                        topped.balance_after_rupiah.get(),
                        topped.balance_before_rupiah.get() + rupiah
                    );
                    *acknowledged.entry(wallet.user).or_default() += rupiah;
                }
            } else {
                let customer = borrower(&nodes[task % 2]).await;
                let loan = submit(&nodes[(task + 1) % 2], customer, 1_000_000).await;
                for (stage, desk) in office.desks.iter().enumerate() {
                    assert!(approved(&nodes[(task + stage) % 2], desk[stage % 2], loan).await);
                }
                acknowledged.insert(customer.user, 1_000_000);
            }
            acknowledged
        })
    });
    let mut acknowledged: HashMap<UserId, i64> = HashMap::new();
    for task in tasks.collect::<Vec<_>>() {
        for (user, rupiah) in task.await.unwrap() {
            *acknowledged.entry(user).or_default() += rupiah;
        }
    }
    assert_eq!(balances(&one).await, acknowledged);
    assert_two_nodes_agree(&one, &other).await;
    let (counts, others) = (one.counts(), other.counts());
    assert!(counts.moved > 0 && others.moved > 0, "the nodes never met: {counts:?} {others:?}");
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_node_that_loses_twice_in_a_row_takes_the_lock_and_is_not_starved() {
    let database = database().await;
    let quiet = Node::open(&database).await;
    // Of two that never rest, one writes while the other reads what was written.
    let (busy, busier) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&quiet).await;
    let (customer, others) = (register_customer(&quiet).await, register_customer(&quiet).await);
    let mut load = JoinSet::new();
    for task in 0..32 {
        let ledger = [&busy, &busier][task % 2].ledger.clone();
        load.spawn(async move {
            loop {
                run(&ledger, top_up(others, 1)).await;
            }
        });
    }
    let mut acknowledged = 0;
    while quiet.counts().locked < 5 {
        assert!(acknowledged < 2_000, "it never lost twice: {:?}", quiet.counts());
        run(&quiet, top_up(customer, 1)).await;
        acknowledged += 1;
    }
    load.shutdown().await;
    // Callers that hung up cancelled nothing: what they had sent is decided before this.
    for node in [&busy, &busier] {
        run(node, top_up(others, 1)).await;
    }
    assert!(quiet.counts().moved >= 10, "{:?}", quiet.counts());
    assert_eq!(balances(&quiet).await[&customer.user], acknowledged);
    assert_two_nodes_agree(&quiet, &busy).await;
    assert_two_nodes_agree(&quiet, &busier).await;
    for node in [quiet, busy, busier] {
        node.close().await;
    }
}

#[tokio::test]
async fn of_two_officers_at_two_nodes_one_approves_in_a_thousand_races() {
    let database = database().await;
    let (one, other) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&one).await;
    let office = Office::open(&one).await;
    let mut races = 0;
    while races < 1_000 {
        // Sixteen loans at a time, so that a batch holds more than one race.
        let mut submissions = JoinSet::new();
        for _ in 0..16 {
            let ledger = one.ledger.clone();
            submissions.spawn(async move {
                let customer = borrower(&ledger).await;
                submit(&ledger, customer, 1_000_000).await
            });
        }
        let loans = submissions.join_all().await;
        for desk in &office.desks {
            let start = Arc::new(Barrier::new(2 * loans.len()));
            let approvals = loans.iter().flat_map(|loan| {
                [(&one.ledger, desk[0], *loan), (&other.ledger, desk[1], *loan)].map(
                    |(ledger, officer, loan)| {
                        let (ledger, start) = (ledger.clone(), Arc::clone(&start));
                        tokio::spawn(async move {
                            start.wait().await;
                            (loan, approved(&ledger, officer, loan).await)
                        })
                    },
                )
            });
            let mut wins: HashMap<LoanNumber, usize> = HashMap::new();
            for approval in approvals.collect::<Vec<_>>() {
                let (loan, won) = approval.await.unwrap();
                *wins.entry(loan).or_default() += usize::from(won);
            }
            // A second "win" would be an approval at the next stage, for which this desk has no permission.
            assert!(wins.values().all(|wins| *wins == 1), "{wins:?}");
            races += loans.len();
        }
    }
    let loans = races as i64 / 3;
    assert_eq!(events(&one, "LoanApproved").await, 2 * loans);
    assert_eq!(events(&one, "LoanDisbursed").await, loans);
    assert_eq!(events(&one, "PlafondConverted").await, loans);
    assert_two_nodes_agree(&one, &other).await;
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn an_approval_and_a_rejection_at_once_leave_one_decision() {
    let database = database().await;
    let (one, other) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&one).await;
    let office = Office::open(&one).await;
    let [approver, rejecter] = office.desks[0];
    let note = one.vault().sealer(rejecter.user.0).await.unwrap().seal(&Note::new("No").unwrap()).unwrap();
    for _ in 0..30 {
        let customer = borrower(&one).await;
        let loan = submit(&other, customer, 5_000_000).await;
        let rejection =
            RejectLoan { actor: rejecter, loan, note: note.clone(), expected: Expected::Anything };
        let (approval, rejection) =
            tokio::join!(approved(&one, approver, loan), other.execute(rejection, Call::default()));
        let rejection = rejection.unwrap().outcome;
        assert_ne!(approval, rejection.is_ok());
        // What the rejection set free can be asked for again, what the approval holds cannot.
        if let Ok(outcome) = rejection {
            assert_eq!(outcome.status, LoanStatus::MarketingRejected);
            submit(&one, customer, 5_000_000).await;
        }
    }
    assert_eq!(events(&one, "LoanApproved").await + events(&one, "LoanRejected").await, 30);
    assert_two_nodes_agree(&one, &other).await;
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_database_that_isolates_more_by_default_changes_nothing() {
    let database = database().await;
    let pool = superuser(&database).await;
    let stricter = "do $$ begin execute format(
        'alter database %I set default_transaction_isolation = ''repeatable read''', current_database()); end $$";
    sqlx::raw_sql(stricter).execute(&pool).await.unwrap();
    let (one, other) = (Node::open(&database).await, Node::open(&database).await);
    furnish(&one).await;
    let customer = register_customer(&one).await;
    let mut callers = JoinSet::new();
    // One caller on each node: a command that its node cannot bisect away from.
    for ledger in [one.ledger.clone(), other.ledger.clone()] {
        callers.spawn(async move {
            for _ in 0..150 {
                run(&ledger, top_up(customer, 1)).await;
            }
        });
    }
    callers.join_all().await;
    assert_eq!(balances(&one).await[&customer.user], 300);
    assert_two_nodes_agree(&one, &other).await;
    one.close().await;
    other.close().await;
}
