//! The rules of every aggregate, through `cqrs-es`'s TestFramework: given events, when a command comes, then
//! these events or this rejection.

#![allow(clippy::unwrap_used, clippy::panic)]

mod example;

mod branch;
mod claim;
mod document;
mod ledger;
mod loan;
mod loan_sequences;
mod message;
mod permission;
mod phone_login;
mod plafond;
mod plafond_sequences;
mod product;
mod reset;
mod role;
mod schedule;
mod servicing;
mod session;
mod staff;
mod totality;
mod transfer;
mod user;
mod wallet;

use std::fmt::Debug;

use cqrs_es::DomainEvent;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use lumbung_domain::{Aggregate, Cqrs, Rejection};

fn given<A>(events: impl IntoIterator<Item = A::Event>) -> AggregateTestExecutor<Cqrs<A>>
where
    A: Aggregate,
    A::Event: DomainEvent,
{
    TestFramework::with(()).given(events.into_iter().collect())
}

fn nothing<A>() -> AggregateTestExecutor<Cqrs<A>>
where
    A: Aggregate,
    A::Event: DomainEvent,
{
    TestFramework::with(()).given_no_previous_events()
}

/// The state after the events.
fn folded<A: Aggregate>(events: &[A::Event]) -> A {
    let mut state = A::default();
    for event in events {
        state.evolve(event);
    }
    state
}

/// Decides and evolves as the ledger does. A refused command must leave the state as it was, and what was
/// decided must fold into the same state after a trip through JSON.
fn obey<A>(state: &mut A, command: A::Command) -> Result<Vec<A::Event>, Rejection>
where
    A: Aggregate,
    A::Command: Debug,
{
    let before = state.clone();
    let decided = state.decide(command);
    assert_eq!(*state, before);
    for event in decided.iter().flatten() {
        let stored = serde_json::to_string(event).unwrap();
        state.evolve(&serde_json::from_str(&stored).unwrap());
    }
    let stored = serde_json::to_string(state).unwrap();
    assert_eq!(serde_json::from_str::<A>(&stored).unwrap(), *state);
    decided
}
