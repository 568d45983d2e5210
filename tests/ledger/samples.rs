//! A sample of every event ever written: it decodes for ever.
//!
//! The samples stand in `tests/golden/events/<EventType>.v<version>[.<case>].json`, as the log would hold them. They are never
//! changed. A new type of event, or a new version of an old one, brings a sample of its own.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use chrono::DateTime;
use lumbung_domain::{AggregateType, AnyEvent, StreamId};
use lumbung_journal::{Hash, Record, codec};
use serde_json::Value;

/// A sample as the record that it would be.
pub(super) struct Sample {
    file: String,
    pub(super) record: Record,
}

/// All of them, by the names of their files.
pub(super) fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/events");
    let mut samples: Vec<Sample> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut parts = file.split('.');
            let event_type = parts.next().unwrap().to_owned();
            let version = parts.next().unwrap().strip_prefix('v').expect("no version in the name").to_owned();
            let payload = fs::read_to_string(&path).unwrap().trim_end().to_owned();
            Sample { record: record(&event_type, version, payload), file }
        })
        .collect();
    samples.sort_by(|one, other| one.file.cmp(&other.file));
    samples
}

fn record(event_type: &str, version: String, payload: String) -> Record {
    Record {
        position: 1,
        stream: StreamId::new(kind(event_type), "sample"),
        sequence: 1,
        event_type: Cow::Owned(event_type.to_owned()),
        event_version: Cow::Owned(version),
        payload,
        metadata: "{}".to_owned(),
        recorded_at: DateTime::UNIX_EPOCH,
        hash: Hash::GENESIS,
    }
}

/// A type that was given up must stay readable: then its kind has to be named here.
fn kind(event_type: &str) -> AggregateType {
    let found = AnyEvent::types().find(|(_, name)| *name == event_type);
    found.unwrap_or_else(|| panic!("{event_type} is no event of the domain any more")).0
}

#[test]
fn every_sample_decodes_for_ever() {
    for Sample { file, record } in samples() {
        let event = codec::decode(&record).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(event.event_type(), record.event_type, "{file}");
    }
}

/// A field may join an event of the same version if it has a default for those before it. Then the older samples encode
/// with more than they hold, but never with less or other, and the newest encodes exactly.
#[test]
fn every_sample_of_today_encodes_as_it_was_written() {
    let mut exact: BTreeMap<String, bool> = BTreeMap::new();
    for Sample { file, record } in samples() {
        let event = codec::decode(&record).unwrap();
        if event.event_version() == record.event_version {
            let encoded = codec::encode(&event).unwrap();
            let (now, then) =
                [&encoded, &record.payload].map(|text| serde_json::from_str(text).unwrap()).into();
            assert!(holds(&now, &then), "{file}: {encoded}");
            *exact.entry(record.event_type.into_owned()).or_default() |= encoded == record.payload;
        }
    }
    for (event_type, exact) in exact {
        assert!(exact, "no sample of {event_type} is as it would be written today");
    }
}

/// Whether everything in `then` is in `now` too.
fn holds(now: &Value, then: &Value) -> bool {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            then.iter().all(|(name, then)| now.get(name).is_some_and(|now| holds(now, then)))
        }
        (now, then) => now == then,
    }
}

#[test]
fn every_type_of_event_has_a_sample_of_its_present_version() {
    let present = samples().into_iter().filter(|Sample { record, .. }| {
        codec::decode(record).is_ok_and(|event| event.event_version() == record.event_version)
    });
    let present: HashSet<String> = present.map(|sample| sample.record.event_type.into_owned()).collect();
    for (kind, event_type) in AnyEvent::types() {
        assert!(present.contains(event_type), "{event_type} of {kind} has no golden sample");
    }
}

#[test]
fn an_event_of_an_unknown_version_or_type_is_not_skipped() {
    for Sample { record, .. } in samples() {
        let newer = Record { event_version: "999".into(), ..record.clone() };
        assert!(codec::decode(&newer).is_err(), "{newer:?}");
        let other = Record { event_type: "SomethingElse".into(), ..record.clone() };
        assert!(codec::decode(&other).is_err(), "{other:?}");
        let elsewhere = AggregateType::Ledger;
        if record.stream.kind != elsewhere {
            let misplaced = Record { stream: StreamId::new(elsewhere, "sample"), ..record };
            assert!(codec::decode(&misplaced).is_err(), "{misplaced:?}");
        }
    }
}
