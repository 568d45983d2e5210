//! An event without what is random on purpose: what is sealed, keyed hashes, the chain.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lumbung_journal::Record;
use serde_json::Value;
use uuid::Uuid;

/// Person, nonce and tag: what every sealed text has besides its content.
const SEALED_BYTES: usize = 16 + 12 + 16;

/// Everything else of an event, as text.
pub(super) fn normal(records: &[Record]) -> Vec<String> {
    let people: HashSet<Uuid> = records
        .iter()
        .filter(|record| record.event_type == "UserRegistered")
        .map(|record| record.stream.id.parse().unwrap())
        .collect();
    records
        .iter()
        .map(|record| {
            let mut payload: Value = serde_json::from_str(&record.payload).unwrap();
            clear(&mut payload, &people);
            let Record { position, sequence, event_type, event_version, metadata, recorded_at, .. } = record;
            let (kind, id) = (record.stream.kind, without_hash(&record.stream.id));
            format!("{position} {kind:?} {id} {sequence} {event_type} {event_version} {payload} {metadata} {recorded_at:?}")
        })
        .collect()
}

/// Leaves of what is sealed only whose it is.
fn clear(value: &mut Value, people: &HashSet<Uuid>) {
    match value {
        Value::String(text) => {
            if let Some(person) = sealed_for(text).filter(|person| people.contains(person)) {
                *text = format!("<sealed for {person}>");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| clear(value, people)),
        Value::Object(fields) => fields.values_mut().for_each(|value| clear(value, people)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn sealed_for(text: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() > SEALED_BYTES)?;
    Uuid::from_slice(&bytes[..16]).ok()
}

/// Claims are named by a keyed hash.
fn without_hash(id: &str) -> String {
    let is_hash = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts: Vec<&str> = id.split(':').map(|part| if is_hash(part) { "<hash>" } else { part }).collect();
    parts.join(":")
}
