//! A connection that is lost between an append and its answer: the caller learns the truth every time.

use std::time::Duration;

use lumbung_commands::loan::SubmitLoan;
use lumbung_commands::{Answer, Call};
use lumbung_domain::{LoanNumber, Rejection, Rupiah, Tenor};
use tokio::task::JoinSet;

use crate::support::cluster::database;
use crate::support::ledger::{JAKARTA, Node, assert_sound, events, furnish, keyed, options, run};
use crate::support::people::{fresh_number, register_customer, top_up};
use crate::support::proxy::{Cut, Proxy};

const CUTS: [Cut; 3] = [Cut::BeforeTheAnswer, Cut::BehindTheRequest, Cut::BeforeTheRequest];

#[tokio::test]
async fn two_hundred_lost_connections_acknowledge_everything_once() {
    let database = database().await;
    let proxy = Proxy::start();
    let node = Node::open(&proxy.before(&database)).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    let mut balance = 0;
    for round in 0..201 {
        proxy.cut_next(CUTS[round % CUTS.len()]);
        let key = format!("key {round}");
        // With a key and without: neither may be told of a replay, for each is asked for once.
        let call = if round % 2 == 0 { keyed(&node, &key, "body") } else { Call::default() };
        let answer = node.execute(top_up(customer, 1), call).await.unwrap();
        balance += 1;
        assert_eq!(proxy.cuts_made(), round + 1);
        assert_eq!(answer.outcome.unwrap().balance_after_rupiah.get(), balance, "round {round}");
        assert!(!answer.replayed, "round {round}");
    }
    assert_eq!(events(&node, "WalletCredited").await, balance);
    assert!(node.counts().resends >= 201, "{:?}", node.counts());
    assert_sound(&node).await;
    node.assert_cache_equals_log().await;
    node.close().await;
}

#[tokio::test]
async fn lost_connections_under_load_from_two_nodes_acknowledge_everything_once() {
    let database = database().await;
    let proxy = Proxy::start();
    let nodes = [Node::open(&proxy.before(&database)).await, Node::open(&database).await];
    furnish(&nodes[0]).await;
    let customer = register_customer(&nodes[0]).await;
    for round in 0..20 {
        proxy.cut_next(CUTS[round % CUTS.len()]);
        let mut callers = JoinSet::new();
        for caller in 0..16 {
            let ledger = nodes[caller % 2].ledger.clone();
            callers.spawn(async move { run(&ledger, top_up(customer, 1)).await });
        }
        callers.join_all().await;
        assert_eq!(events(&nodes[0], "WalletCredited").await, (round as i64 + 1) * 16);
    }
    assert!(proxy.cuts_made() >= 15, "{}", proxy.cuts_made());
    assert_sound(&nodes[0]).await;
    for node in nodes {
        node.assert_cache_equals_log().await;
        node.close().await;
    }
}

#[tokio::test]
async fn a_refusal_whose_answer_was_lost_is_not_called_a_replay() {
    let database = database().await;
    let proxy = Proxy::start();
    let node = Node::open(&proxy.before(&database)).await;
    furnish(&node).await;
    let actor = register_customer(&node).await;
    for (round, cut) in CUTS.into_iter().enumerate() {
        let (amount, tenor) = (Rupiah::positive(1).unwrap(), Tenor::new(1).unwrap());
        let loan = LoanNumber(fresh_number());
        let submission = SubmitLoan { actor, loan, branch: JAKARTA, amount, tenor, interest_rate: None };
        let call = keyed(&node, &format!("key {round}"), "body");
        proxy.cut_next(cut);
        let answer = node.execute(submission, call.clone()).await.unwrap();
        assert_eq!(proxy.cuts_made(), round + 1);
        assert_eq!((&answer.outcome, answer.replayed), (&Err(Rejection::PlafondRequired), false), "{cut:?}");
        let again = node.execute(submission, call).await.unwrap();
        assert_eq!(again, Answer { replayed: true, ..answer });
    }
    node.close().await;
}

#[tokio::test]
async fn a_registration_whose_answer_was_lost_is_made_once() {
    let database = database().await;
    let proxy = Proxy::start();
    let node = Node::open(&proxy.before(&database)).await;
    furnish(&node).await;
    for cut in CUTS {
        proxy.cut_next(cut);
        let customer = register_customer(&node).await;
        run(&node, top_up(customer, 1)).await;
    }
    assert_eq!(proxy.cuts_made(), 3);
    assert_eq!(events(&node, "WalletOpened").await, 3);
    node.close().await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for_for_ever() {
    let database = database().await;
    let proxy = Proxy::start();
    let mut options = options(&proxy.before(&database));
    options.append_within = Duration::from_millis(300);
    let node = Node::open_with(options).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    for balance in 1..=3 {
        proxy.cut_next(Cut::Silence);
        let topped = run(&node, top_up(customer, 1)).await;
        assert_eq!(topped.balance_after_rupiah.get(), balance);
    }
    assert_eq!(proxy.cuts_made(), 3);
    assert_sound(&node).await;
    node.close().await;
}

#[tokio::test]
async fn the_outcome_is_unknown_to_a_caller_who_did_not_wait_and_the_key_finds_it_out() {
    let database = database().await;
    let proxy = Proxy::start();
    let mut options = options(&proxy.before(&database));
    (options.append_within, options.answer_within) = (Duration::from_millis(600), Duration::from_millis(200));
    let node = Node::open_with(options).await;
    furnish(&node).await;
    let customer = register_customer(&node).await;
    let call = keyed(&node, "key", "body");
    proxy.cut_next(Cut::Silence);
    let unknown = node.execute(top_up(customer, 1), call.clone()).await;
    assert_eq!(unknown, Err(lumbung_commands::NoAnswer::OutcomeUnknown));
    let found_out = loop {
        // Behind the first in the same queue.
        match node.execute(top_up(customer, 1), call.clone()).await {
            Ok(answer) => break answer,
            Err(waiting) => assert_eq!(waiting, lumbung_commands::NoAnswer::OutcomeUnknown),
        }
    };
    assert!(found_out.replayed && found_out.outcome.is_ok());
    assert_eq!(events(&node, "WalletCredited").await, 1);
    node.close().await;
}
