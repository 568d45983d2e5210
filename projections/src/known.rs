//! Streams as they were known at a position of the log: folded from their own events, without a table.
//!
//! Bounds: events are read a page at a time; one state is in memory.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use lumbung_domain::{Aggregate, AnyAggregate, StreamId};
use lumbung_journal::{Fact, JournalError, read};

use crate::access::AccessView;

/// Events of one page.
const PAGE: usize = 1_000;

/// The state of a stream with everything that it holds up to a position, and nothing behind it.
#[derive(Debug, Clone)]
pub struct Known<A> {
    pub state: Arc<A>,
    /// The sequence of the last event in it; 0 before the first.
    pub version: i64,
    pub position: i64,
}

impl AccessView {
    /// A stream as it was known at a position that this node has heard of.
    ///
    /// # Errors
    /// The journal could not be read.
    pub async fn known_at<A: Aggregate>(
        &self,
        id: impl Into<Arc<str>>,
        position: i64,
    ) -> Result<Known<A>, JournalError> {
        let stream = StreamId::of::<A>(id);
        let (mut state, mut version) = (AnyAggregate::unborn(stream.kind), 0);
        loop {
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let page = read::stream_until(self.pool(), &stream, version, position, limit).await?;
            for record in &page {
                let fact = Fact::decode(record)?;
                if fact.sequence != version + 1 || state.evolve(&fact.event).is_err() {
                    return Err(JournalError::Malformed { what: "sequence of a stream" });
                }
                version = fact.sequence;
            }
            if page.len() < PAGE {
                break;
            }
        }
        let state = A::of(&state).ok_or(JournalError::Malformed { what: "kind of a stream" })?;
        Ok(Known { state: Arc::clone(state), version, position })
    }

    /// When the event at a position was recorded.
    ///
    /// # Errors
    /// The journal could not be read, or does not get there.
    pub async fn recorded_at(&self, position: i64) -> Result<DateTime<Utc>, JournalError> {
        let found = read::after(self.pool(), position.saturating_sub(1), 1).await?;
        let event = found.first().filter(|event| event.position == position);
        event.map(|event| event.recorded_at).ok_or(JournalError::Malformed { what: "position of an event" })
    }
}
