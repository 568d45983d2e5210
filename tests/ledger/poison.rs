//! One command that cannot be carried out fails alone, whatever is wrong with it.

use lumbung_commands::{Call, Ledger, NoAnswer, UseCase};
use lumbung_domain::Rejection;
use tokio::task::JoinSet;

use super::odd::{Misbehave, Take, TakeBlindly, TakeUnsaid, TakeWithKey};
use crate::support::cluster::database;
use crate::support::ledger::{Node, assert_sound, events, furnish, keyed, run};
use crate::support::people::{Someone, register_customer, top_up};

/// How a poisonous use case ends among twenty good ones, which must all succeed.
async fn among_others<U: UseCase>(node: &Node, poison: U, call: Call) -> NoAnswer {
    let customer = register_customer(node).await;
    let before = events(node, "WalletCredited").await;
    let mut others = JoinSet::new();
    for _ in 0..10 {
        let ledger = node.ledger.clone();
        others.spawn(async move { run(&ledger, top_up(customer, 1)).await });
    }
    let ledger = node.ledger.clone();
    let poisoned = tokio::spawn(async move { ledger.execute(poison, call).await });
    for _ in 0..10 {
        let ledger = node.ledger.clone();
        others.spawn(async move { run(&ledger, top_up(customer, 1)).await });
    }
    let last = others.join_all().await.into_iter().map(|topped| topped.balance_after_rupiah.get()).max();
    assert_eq!((last, events(node, "WalletCredited").await), (Some(20), before + 20));
    match poisoned.await.unwrap() {
        Err(reason) => reason,
        Ok(_) => panic!("the poison was swallowed"),
    }
}

/// Longer than an index entry may be, and hardly compressible.
fn noise(ledger: &Ledger) -> String {
    (0..200).map(|n| ledger.vault().keyed_hash_hex("noise", &n.to_string())).collect()
}

async fn node() -> Node {
    let node = Node::open(&database().await).await;
    furnish(&node).await;
    node
}

async fn assert_nothing_is_left_of_it(node: Node) {
    assert_eq!(events(&node, "ClaimTaken").await, claims_of_people(&node).await);
    assert_sound(&node).await;
    node.assert_cache_equals_log().await;
    node.close().await;
}

/// Two branches and the online one, five products, and per person one e-mail and one number.
async fn claims_of_people(ledger: &Ledger) -> i64 {
    3 + 5 + 2 * events(ledger, "UserRegistered").await
}

#[tokio::test]
async fn a_stream_id_that_postgres_cannot_index_fails_its_command_alone() {
    let node = node().await;
    let id = noise(&node);
    assert_eq!(among_others(&node, Take(id), Call::default()).await, NoAnswer::Failed);
    assert_nothing_is_left_of_it(node).await;
}

#[tokio::test]
async fn a_stream_id_that_postgres_cannot_even_look_for_fails_its_command_alone() {
    let node = node().await;
    assert_eq!(among_others(&node, Take("a\0b".to_owned()), Call::default()).await, NoAnswer::Failed);
    assert_nothing_is_left_of_it(node).await;
}

#[tokio::test]
async fn a_stream_that_was_not_looked_for_and_is_there_fails_its_command_alone() {
    let database = database().await;
    let earlier = Node::open(&database).await;
    furnish(&earlier).await;
    run(&earlier, Take("begun before".to_owned())).await;
    earlier.close().await;
    // Nothing of it is in memory.
    let node = Node::open(&database).await;
    run(&node, TakeBlindly("begun now")).await;
    assert_eq!(among_others(&node, TakeBlindly("begun before"), Call::default()).await, NoAnswer::Failed);
    assert_eq!(events(&node, "ClaimTaken").await, claims_of_people(&node).await + 2);
    assert_sound(&node).await;
    node.assert_cache_equals_log().await;
    node.close().await;
}

#[tokio::test]
async fn a_person_key_that_exists_fails_its_command_alone() {
    let node = node().await;
    let known = Someone::new(&node);
    let session = lumbung_domain::SessionId(uuid::Uuid::now_v7());
    node.execute(known.as_customer(session), Call::default()).await.unwrap().outcome.unwrap();
    let taking = TakeWithKey(known.newcomer.key.clone());
    assert_eq!(among_others(&node, taking, Call::default()).await, NoAnswer::Failed);
    assert_nothing_is_left_of_it(node).await;
}

#[tokio::test]
async fn a_decision_that_panics_fails_alone() {
    let node = node().await;
    assert_eq!(among_others(&node, Misbehave::Panic, Call::default()).await, NoAnswer::Failed);
    assert_nothing_is_left_of_it(node).await;
}

#[tokio::test]
async fn a_decision_that_always_names_another_stream_fails_after_some_rounds() {
    let node = node().await;
    for misbehaving in [Misbehave::MissForEver, Misbehave::MissNothing] {
        assert_eq!(among_others(&node, misbehaving, Call::default()).await, NoAnswer::Failed);
    }
    assert_nothing_is_left_of_it(node).await;
}

#[tokio::test]
async fn a_refused_use_case_leaves_none_of_its_events() {
    let node = node().await;
    let refused = node.execute(Misbehave::Refuse, Call::default()).await.unwrap();
    assert_eq!(refused.outcome, Err(Rejection::BalanceNotEnough));
    assert_nothing_is_left_of_it(node).await;
}

#[tokio::test]
async fn what_failed_is_not_remembered_with_its_key() {
    let node = node().await;
    let call = keyed(&node, "key", "body");
    for _ in 0..2 {
        assert_eq!(node.execute(Misbehave::Panic, call.clone()).await, Err(NoAnswer::Failed));
    }
    let done = node.execute(Take("anything".to_owned()), call).await.unwrap();
    assert!(done.outcome.is_ok() && !done.replayed);
    node.close().await;
}

#[tokio::test]
async fn a_hundred_poisoned_commands_at_once_fail_and_a_hundred_others_do_not() {
    let node = node().await;
    let customer = register_customer(&node).await;
    let long = noise(&node);
    let (mut poisoned, mut others) = (JoinSet::new(), JoinSet::new());
    for turn in 0..100 {
        let (one, other) = (node.ledger.clone(), node.ledger.clone());
        let id = format!("{turn}{long}");
        poisoned.spawn(async move { one.execute(Take(id), Call::default()).await });
        others.spawn(async move { run(&other, top_up(customer, 1)).await });
    }
    assert!(poisoned.join_all().await.into_iter().all(|ended| ended == Err(NoAnswer::Failed)));
    others.join_all().await;
    assert_eq!(events(&node, "WalletCredited").await, 100);
    assert_nothing_is_left_of_it(node).await;
}

#[tokio::test]
async fn an_outcome_that_cannot_be_kept_with_its_key_is_not_carried_out() {
    let node = node().await;
    let call = keyed(&node, "key", "body");
    assert_eq!(among_others(&node, TakeUnsaid, call).await, NoAnswer::Failed);
    assert_nothing_is_left_of_it(node).await;
}
