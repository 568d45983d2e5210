//! Events to stored text and back.
//!
//! The payload is the event's own JSON (`{"LoanApproved": {…}}`), the shape that cqrs-es reads too. An event type
//! or version that this software does not know is [`Undecodable`]: the node must stop being ready, never skip it.

use lumbung_domain::AnyEvent;
use serde_json::Value;

use crate::record::Record;

/// Rewrites the payload of an old version into the next one. None were needed yet; each will have a golden
/// sample of the version it reads.
struct Upcaster {
    event_type: &'static str,
    from_version: &'static str,
    to_version: &'static str,
    rewrite: fn(Value) -> Value,
}

const UPCASTERS: &[Upcaster] = &[];

/// The payload's text.
///
/// # Errors
/// Only what `serde_json` reports; our events have string keys and no floats, so it reports nothing.
pub fn encode(event: &AnyEvent) -> serde_json::Result<String> {
    serde_json::to_string(event)
}

/// Reads the event of a record, old versions included.
///
/// # Errors
/// The type or version is unknown, or the payload is no such event.
pub fn decode(record: &Record) -> Result<AnyEvent, Undecodable> {
    let mut version: &str = &record.event_version;
    let event = if upcaster_for(&record.event_type, version).is_some() {
        serde_json::from_str::<Value>(&record.payload).and_then(|mut payload| {
            while let Some(upcaster) = upcaster_for(&record.event_type, version) {
                payload = (upcaster.rewrite)(payload);
                version = upcaster.to_version;
            }
            AnyEvent::deserialize(record.stream.kind, payload)
        })
    } else {
        AnyEvent::deserialize(record.stream.kind, &mut serde_json::Deserializer::from_str(&record.payload))
    };
    let event = event.map_err(|source| Undecodable::new(record, source.to_string()))?;
    if event.event_type() != record.event_type {
        return Err(Undecodable::new(record, format!("the payload is a {}", event.event_type())));
    }
    if event.event_version() != version {
        return Err(Undecodable::new(record, format!("version {version} is unknown")));
    }
    Ok(event)
}

fn upcaster_for(event_type: &str, version: &str) -> Option<&'static Upcaster> {
    UPCASTERS.iter().find(|upcaster| upcaster.event_type == event_type && upcaster.from_version == version)
}

/// A stored event that this software cannot read. Fatal: the log was written by newer software, or is damaged.
#[derive(Debug, Clone, thiserror::Error)]
#[error("event {position} ({event_type} version {event_version} of {stream}): {reason}")]
pub struct Undecodable {
    pub position: i64,
    pub stream: String,
    pub event_type: String,
    pub event_version: String,
    pub reason: String,
}

impl Undecodable {
    fn new(record: &Record, reason: String) -> Self {
        Self {
            position: record.position,
            stream: record.stream.to_string(),
            event_type: record.event_type.to_string(),
            event_version: record.event_version.to_string(),
            reason,
        }
    }
}
