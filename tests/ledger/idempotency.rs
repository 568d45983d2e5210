//! Idempotency-Keys: one effect, one answer, on every node and after every restart.

use lumbung_commands::loan::{ApproveLoan, SubmitLoan};
use lumbung_commands::plafond::SelectPlafond;
use lumbung_commands::session::{EndSession, OpenSession};
use lumbung_commands::{Actor, Answer, Call, Expected, Ledger, UseCase};
use lumbung_domain::{
    LoanNumber, LoanStatus, PlafondNumber, ProductId, Rejection, RoleId, Rupiah, SessionId, Tenor,
};
use lumbung_journal::idempotency;
use uuid::Uuid;

use crate::support::cluster::database;
use crate::support::ledger::{JAKARTA, Node, assert_sound, events, furnish, keyed, run};
use crate::support::people::{Someone, fresh_number, register_customer, register_staff, top_up};

async fn execute<U: UseCase>(ledger: &Ledger, use_case: U, call: Call) -> Answer<U::Outcome> {
    ledger.execute(use_case, call).await.unwrap()
}

/// A furnished ledger with one customer.
async fn customer() -> (sqlx::postgres::PgConnectOptions, Node, Actor) {
    let database = database().await;
    let node = Node::open(&database).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    (database, node, customer)
}

fn bronze(actor: Actor) -> SelectPlafond {
    SelectPlafond {
        actor,
        number: PlafondNumber(fresh_number()),
        product: ProductId(1),
        expected: Expected::Anything,
    }
}

fn loan(actor: Actor) -> SubmitLoan {
    SubmitLoan {
        actor,
        loan: LoanNumber(fresh_number()),
        branch: JAKARTA,
        amount: Rupiah::positive(1_000_000).unwrap(),
        tenor: Tenor::new(6).unwrap(),
        interest_rate: None,
    }
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_here_and_elsewhere_and_after_a_restart() {
    let (database, node, customer) = customer().await;
    let other = Node::open(&database).await;
    let first = execute(&node, top_up(customer, 500), keyed(&node, "key", "body")).await;
    assert!(!first.replayed && first.outcome.is_ok());
    run(&node, top_up(customer, 70)).await;
    let told_again = Answer { replayed: true, ..first };
    for ledger in [&node, &other, &node] {
        let again = execute(ledger, top_up(customer, 500), keyed(ledger, "key", "body")).await;
        assert_eq!(again, told_again);
    }
    node.close().await;
    other.close().await;

    let reopened = Node::open(&database).await;
    let again = execute(&reopened, top_up(customer, 500), keyed(&reopened, "key", "body")).await;
    assert_eq!(again, told_again);
    assert_eq!(events(&reopened, "WalletCredited").await, 2);
    assert_sound(&reopened).await;
    reopened.close().await;
}

#[tokio::test]
async fn a_key_that_comes_with_another_body_is_refused_and_stays_what_it_was() {
    let (_, node, customer) = customer().await;
    let first = execute(&node, top_up(customer, 500), keyed(&node, "key", "body")).await;
    let other = execute(&node, top_up(customer, 501), keyed(&node, "key", "other body")).await;
    assert_eq!((other.outcome, other.replayed), (Err(Rejection::IdempotencyKeyReused), false));
    let again = execute(&node, top_up(customer, 500), keyed(&node, "key", "body")).await;
    assert_eq!(again, Answer { replayed: true, ..first });
    assert_eq!(events(&node, "WalletCredited").await, 1);
    node.close().await;
}

#[tokio::test]
async fn another_key_is_another_command() {
    let (_, node, customer) = customer().await;
    for key in ["actor 1, POST /topup, a", "actor 1, POST /topup, b", "actor 2, POST /topup, a"] {
        let answer = execute(&node, top_up(customer, 10), keyed(&node, key, "body")).await;
        assert!(!answer.replayed, "{key}");
    }
    assert_eq!(events(&node, "WalletCredited").await, 3);
    node.close().await;
}

#[tokio::test]
async fn sixteen_copies_at_once_on_two_nodes_have_one_effect() {
    let (database, node, customer) = customer().await;
    let other = Node::open(&database).await;
    for round in 0..20 {
        let key = format!("key {round}");
        let copies = (0..16).map(|copy| {
            let ledger = if copy % 2 == 0 { node.ledger.clone() } else { other.ledger.clone() };
            let call = keyed(&ledger, &key, "body");
            tokio::spawn(async move { execute(&ledger, top_up(customer, 1), call).await })
        });
        let mut answers = Vec::new();
        for copy in copies.collect::<Vec<_>>() {
            answers.push(copy.await.unwrap());
        }
        let firsts: Vec<_> = answers.iter().filter(|answer| !answer.replayed).collect();
        assert_eq!(firsts.len(), 1, "round {round}: {answers:?}");
        let told_again = Answer { replayed: true, ..firsts[0].clone() };
        assert!(answers.iter().filter(|answer| answer.replayed).all(|answer| *answer == told_again));
    }
    assert_eq!(events(&node, "WalletCredited").await, 20);
    assert_sound(&node).await;
    node.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_refusal_is_told_again_although_it_would_be_accepted_now() {
    let (_, node, customer) = customer().await;
    let refused = execute(&node, loan(customer), keyed(&node, "key", "body")).await;
    assert_eq!((&refused.outcome, refused.replayed), (&Err(Rejection::PlafondRequired), false));
    run(&node, bronze(customer)).await;
    let again = execute(&node, loan(customer), keyed(&node, "key", "body")).await;
    assert_eq!(again, Answer { replayed: true, ..refused });
    let other_key = execute(&node, loan(customer), keyed(&node, "another key", "body")).await;
    assert!(other_key.outcome.is_ok() && !other_key.replayed);
    node.close().await;
}

#[tokio::test]
async fn who_may_not_ask_is_neither_remembered_nor_told_anything() {
    let (_, node, customer) = customer().await;
    let officer = register_staff(&node, RoleId::MARKETING, Some(JAKARTA)).await;
    let denied = execute(&node, loan(officer), keyed(&node, "key", "body")).await;
    assert_eq!(denied.outcome, Err(Rejection::AccessDenied));
    // The same key works for whoever may.
    run(&node, bronze(customer)).await;
    let accepted = execute(&node, loan(customer), keyed(&node, "key", "body")).await;
    assert!(accepted.outcome.is_ok() && !accepted.replayed);
    // And after a logout it tells nothing more.
    run(&node, EndSession { actor: customer }).await;
    let denied = execute(&node, loan(customer), keyed(&node, "key", "body")).await;
    assert_eq!((denied.outcome, denied.replayed), (Err(Rejection::Unauthorized), false));
    node.close().await;
}

#[tokio::test]
async fn a_wrong_password_is_not_remembered() {
    let (_, node, _) = customer().await;
    let (newcomer, stranger) = (Someone::new(&node), Someone::new(&node));
    let registering = newcomer.as_customer(SessionId(Uuid::now_v7()));
    execute(&node, registering, Call::default()).await.outcome.unwrap();
    let session = SessionId(Uuid::now_v7());
    let wrong = OpenSession {
        user: newcomer.newcomer.user_id,
        session,
        password: stranger.newcomer.password,
        rehashed: None,
    };
    let right = OpenSession { password: newcomer.newcomer.password.clone(), ..wrong.clone() };
    let refused = execute(&node, wrong, keyed(&node, "key", "body")).await;
    assert_eq!(refused.outcome, Err(Rejection::InvalidCredentials));
    let accepted = execute(&node, right, keyed(&node, "key", "body")).await;
    assert!(accepted.outcome.is_ok() && !accepted.replayed);
    node.close().await;
}

/// A loan that waits for marketing.
async fn submitted(node: &Node, customer: Actor) -> LoanNumber {
    run(node, bronze(customer)).await;
    run(node, loan(customer)).await.submission.loan
}

#[tokio::test]
async fn a_success_is_told_again_although_it_would_be_refused_now() {
    let (database, node, customer) = customer().await;
    let other = Node::open(&database).await;
    let officer = register_staff(&node, RoleId::MARKETING, Some(JAKARTA)).await;
    let loan = submitted(&node, customer).await;
    let approving = ApproveLoan { actor: officer, loan, note: None, expected: Expected::Anything };
    let first = execute(&node, approving.clone(), keyed(&node, "key", "body")).await;
    assert_eq!(first.outcome.as_ref().unwrap().status, LoanStatus::MarketingApproved);
    let told_again = Answer { replayed: true, ..first };
    for ledger in [&node, &other] {
        let again = execute(ledger, approving.clone(), keyed(ledger, "key", "body")).await;
        assert_eq!(again, told_again);
        let new_key = execute(ledger, approving.clone(), keyed(ledger, "new key", "body")).await;
        let status = LoanStatus::MarketingApproved;
        assert_eq!(new_key.outcome, Err(Rejection::LoanWrongStatus { status }));
    }
    node.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_success_is_told_again_although_the_rules_forbid_it_to_this_officer_now() {
    let (_, node, customer) = customer().await;
    let officer = register_staff(&node, RoleId::MARKETING, Some(JAKARTA)).await;
    let loan = submitted(&node, customer).await;
    let approving = ApproveLoan { actor: officer, loan, note: None, expected: Expected::Anything };
    let first = execute(&node, approving.clone(), keyed(&node, "key", "body")).await;
    assert!(first.outcome.is_ok());
    // From now on marketing decides at the next stage too, where this officer has already decided.
    run(&node, super::odd::Permit(RoleId::MARKETING, lumbung_domain::Permission::LoanApproveBranchManager))
        .await;
    let again = execute(&node, approving.clone(), keyed(&node, "key", "body")).await;
    assert_eq!(again, Answer { replayed: true, ..first });
    let refused = execute(&node, approving.clone(), keyed(&node, "new key", "body")).await;
    assert_eq!((&refused.outcome, refused.replayed), (&Err(Rejection::AlreadyDecided), false));
    // A 403 is not kept: it is found out anew.
    let refused = execute(&node, approving, keyed(&node, "new key", "body")).await;
    assert_eq!((&refused.outcome, refused.replayed), (&Err(Rejection::AlreadyDecided), false));
    node.close().await;
}

#[tokio::test]
async fn an_answer_that_was_forgotten_after_its_time_is_given_anew() {
    let (_, node, customer) = customer().await;
    let first = execute(&node, top_up(customer, 1), keyed(&node, "key", "body")).await;
    let forgotten = idempotency::forget_before(node.pool(), first.answered_at, 10).await.unwrap();
    assert_eq!(forgotten, 0, "it is not older than itself");
    let later = first.answered_at + chrono::TimeDelta::microseconds(1);
    assert_eq!(idempotency::forget_before(node.pool(), later, 10).await.unwrap(), 1);
    let anew = execute(&node, top_up(customer, 1), keyed(&node, "key", "body")).await;
    assert!(!anew.replayed);
    assert_eq!(events(&node, "WalletCredited").await, 2);
    node.close().await;
}
