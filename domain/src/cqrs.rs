//! Our aggregates in the vocabulary of `cqrs-es`.
//!
//! For its `TestFramework` and for `postgres-es`, whose repository reads the same history. The ledger loop calls
//! [`Aggregate::decide`] itself: their dispatch has no order across streams and loses events on a crash.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::{Aggregate, Event, Rejection};

/// An aggregate of ours as one of theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Cqrs<A: Aggregate>(pub A);

impl<A> cqrs_es::Aggregate for Cqrs<A>
where
    A: Aggregate,
    A::Event: DomainEvent,
{
    const TYPE: &'static str = A::TYPE.as_str();
    type Command = A::Command;
    type Event = A::Event;
    type Error = Rejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: A::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Rejection> {
        // `write` evolves as it goes, so everything is decided on the state before the command.
        for event in self.0.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: A::Event) {
        self.0.evolve(&event);
    }
}

macro_rules! domain_events {
    ($($event:ident),+ $(,)?) => {$(
        impl DomainEvent for crate::$event {
            fn event_type(&self) -> String {
                Event::event_type(self).to_owned()
            }
            fn event_version(&self) -> String {
                Event::event_version(self).to_owned()
            }
        }
    )+};
}

domain_events! {
    LedgerEvent, LendingRulesEvent, RoleEvent, BranchEvent, ProductEvent, StaffEvent, UserEvent, ClaimEvent, SessionEvent,
    PlafondEvent, LoanEvent, WalletEvent, TransferEvent, MessageEvent, DocumentEvent,
}
