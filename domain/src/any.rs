//! The closed world of aggregates: one enum of states and one of events, so that a cache, a feed and a codec
//! can hold any stream without giving up types.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Aggregate, Event};

macro_rules! closed_world {
    ($($kind:ident),+ $(,)?) => {
        /// The kinds of streams. The name is the column `aggregate_type`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[derive(strum::IntoStaticStr, strum::EnumString, strum::VariantArray)]
        #[strum(const_into_str)]
        pub enum AggregateType { $($kind),+ }

        /// The state of any stream.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AnyAggregate { $($kind(Arc<crate::$kind>)),+ }

        /// An event of any stream. Serializes as its own enum does: `{"LoanApproved": {…}}`.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum AnyEvent { $($kind(<crate::$kind as Aggregate>::Event)),+ }

        impl AnyAggregate {
            /// The state of a stream without events.
            #[must_use]
            pub fn unborn(kind: AggregateType) -> Self {
                match kind { $(AggregateType::$kind => Self::$kind(Arc::default())),+ }
            }

            #[must_use]
            pub fn aggregate_type(&self) -> AggregateType {
                match self { $(Self::$kind(_) => AggregateType::$kind),+ }
            }

            /// Takes one event into the state.
            ///
            /// # Errors
            /// The event belongs to another kind of stream; the state is as before.
            pub fn evolve(&mut self, event: &AnyEvent) -> Result<(), WrongAggregate> {
                match (self, event) {
                    $((Self::$kind(state), AnyEvent::$kind(event)) => {
                        Arc::make_mut(state).evolve(event);
                        Ok(())
                    })+
                    (state, event) => Err(WrongAggregate {
                        stream: state.aggregate_type(),
                        event: event.aggregate_type(),
                    }),
                }
            }

            /// The state as JSON text, for people who look at a stream; personal values stay sealed.
            pub fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$kind(state) => state.as_ref().serialize(serializer)),+ }
            }

            /// Reads what [`AnyAggregate::serialize`] wrote of a stream of `kind`.
            ///
            /// # Errors
            /// What the deserializer says of a text that is no such state.
            pub fn deserialize<'de, D>(kind: AggregateType, state: D) -> Result<Self, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                match kind {
                    $(AggregateType::$kind => {
                        <crate::$kind as Deserialize>::deserialize(state).map(|state| Self::$kind(Arc::new(state)))
                    })+
                }
            }
        }

        impl AnyEvent {
            #[must_use]
            pub fn aggregate_type(&self) -> AggregateType {
                match self { $(Self::$kind(_) => AggregateType::$kind),+ }
            }
            #[must_use]
            pub fn event_type(&self) -> &'static str {
                match self { $(Self::$kind(event) => event.event_type()),+ }
            }
            #[must_use]
            pub fn event_version(&self) -> &'static str {
                match self { $(Self::$kind(event) => event.event_version()),+ }
            }
            /// Every type of event, with the kind of stream it stands in.
            pub fn types() -> impl Iterator<Item = (AggregateType, &'static str)> {
                [$((
                    AggregateType::$kind,
                    <<crate::$kind as Aggregate>::Event as strum::VariantNames>::VARIANTS,
                )),+]
                .into_iter()
                .flat_map(|(kind, names)| names.iter().map(move |name| (kind, *name)))
            }
            /// Reads the event of a stream of `kind`.
            ///
            /// # Errors
            /// What the deserializer says of a payload that is no event of that kind.
            pub fn deserialize<'de, D>(kind: AggregateType, payload: D) -> Result<Self, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                match kind {
                    $(AggregateType::$kind => Deserialize::deserialize(payload).map(Self::$kind)),+
                }
            }
        }

        $(
            impl From<<crate::$kind as Aggregate>::Event> for AnyEvent {
                fn from(event: <crate::$kind as Aggregate>::Event) -> Self {
                    Self::$kind(event)
                }
            }
        )+
    };
}

closed_world! {
    Ledger, LendingRules, Role, Branch, Product, Staff, User, Claim, Session, Plafond, Loan, Wallet, Transfer, Message,
    Document,
}

/// The three methods of [`Aggregate`] that tie a type to its place in the closed world.
macro_rules! tie_to_any {
    ($kind:ident) => {
        const TYPE: crate::AggregateType = crate::AggregateType::$kind;
        fn of(any: &crate::AnyAggregate) -> Option<&std::sync::Arc<Self>> {
            match any {
                crate::AnyAggregate::$kind(state) => Some(state),
                _ => None,
            }
        }
        fn into_any(state: std::sync::Arc<Self>) -> crate::AnyAggregate {
            crate::AnyAggregate::$kind(state)
        }
        fn event_into_any(event: Self::Event) -> crate::AnyEvent {
            crate::AnyEvent::$kind(event)
        }
    };
}
pub(crate) use tie_to_any;

impl AggregateType {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.into_str()
    }
}

impl fmt::Display for AggregateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event was offered to a stream of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of {event} does not belong to a stream of {stream}")]
pub struct WrongAggregate {
    pub stream: AggregateType,
    pub event: AggregateType,
}

/// Names one stream: its kind and its id within the kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    pub kind: AggregateType,
    pub id: Arc<str>,
}

impl StreamId {
    #[must_use]
    pub fn new(kind: AggregateType, id: impl Into<Arc<str>>) -> Self {
        Self { kind, id: id.into() }
    }

    #[must_use]
    pub fn of<A: Aggregate>(id: impl Into<Arc<str>>) -> Self {
        Self::new(A::TYPE, id)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}
