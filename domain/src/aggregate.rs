//! What an aggregate is: state that decides commands into events and evolves by events.
//!
//! Both halves are pure. Time, ids, the actor and the business date arrive inside the command, so the same
//! history always folds into the same state, on every node and in every test.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Rejection;
use crate::any::{AggregateType, AnyAggregate, AnyEvent};

/// State of one stream.
///
/// `Default` is the state before the first event. A command that is refused leaves no trace: `decide` takes
/// `&self` and answers with a [`Rejection`].
pub trait Aggregate:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync
{
    /// The value of the column `aggregate_type`; never changes once events were written.
    const TYPE: AggregateType;
    type Command: Send;
    type Event: Event;

    /// Judges a command against the state. Answers the events that carry it out, none if there is nothing to do.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Rejection>;

    /// Takes one event into the state. Total: an event that was committed is never refused.
    fn evolve(&mut self, event: &Self::Event);

    /// This aggregate inside `any`, if that is what it holds.
    fn of(any: &AnyAggregate) -> Option<&std::sync::Arc<Self>>;
    fn into_any(state: std::sync::Arc<Self>) -> AnyAggregate;
    fn event_into_any(event: Self::Event) -> AnyEvent;
}

/// One fact of a stream, as it is stored.
pub trait Event: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync {
    /// The value of the column `event_type`: the variant's name.
    fn event_type(&self) -> &'static str;
    /// The version of the payload's shape, counted from `"1"`. A changed shape gets the next number and an
    /// upcaster in the journal's codec.
    fn event_version(&self) -> &'static str {
        "1"
    }
}
