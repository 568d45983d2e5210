//! The lines of an export, and records to lines and back.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use lumbung_domain::{LedgerId, StreamId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::passphrase::Kdf;
use crate::head::{Hash, Head};
use crate::record::{Break, BreakReason, Record};

/// The name that a file begins with.
pub(super) const FORMAT: &str = "lumbung-ledger";
/// The version that this software writes, and the only one that it reads.
pub(super) const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Line<'a> {
    Header(Header),
    Key(KeyLine),
    #[serde(borrow)]
    Event(EventLine<'a>),
    Anchor(AnchorLine),
    Trailer(Trailer),
}

/// Says what follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) ledger: LedgerId,
    pub(super) events: i64,
    pub(super) head: HeadText,
    pub(super) exported_at: String,
    /// How the keys in it are wrapped; `null` without keys.
    pub(super) keys: Option<Kdf>,
}

/// Closes the file: what it held, and what its bytes hash to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trailer {
    pub(super) events: i64,
    pub(super) keys: i64,
    pub(super) anchors: i64,
    pub(super) head: HeadText,
    /// SHA-256 of every byte before this line.
    pub(super) digest: Hash,
    /// The digest, authenticated by the passphrase; only with keys.
    pub(super) mac: Option<Hash>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeadText {
    position: i64,
    hash: Hash,
}

impl From<Head> for HeadText {
    fn from(head: Head) -> Self {
        Self { position: head.position, hash: head.hash }
    }
}

/// A key, wrapped: of the ledger by `name`, or of a `person`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) person: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created_at: Option<String>,
    /// Base64.
    pub(super) wrapped: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnchorLine {
    pub(super) position: i64,
    pub(super) hash: Hash,
    pub(super) anchored_at: String,
}

/// One event. Of payload and `payloadText` one is there, and so of the metadata.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventLine<'a> {
    pub(super) position: i64,
    #[serde(borrow)]
    aggregate_type: Cow<'a, str>,
    #[serde(borrow)]
    aggregate_id: Cow<'a, str>,
    sequence: i64,
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    event_version: Cow<'a, str>,
    #[serde(borrow)]
    recorded_at: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    payload_text: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    metadata_text: Option<Cow<'a, str>>,
    hash: Hash,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    #[error("it is longer than {} bytes", super::LONGEST_LINE)]
    TooLong,
    #[error("it is no line of an export: {0}")]
    Unreadable(String),
    #[error("the file does not begin with a header of the format {FORMAT}")]
    NoHeader,
    #[error("the format has version {0}, this software reads version {VERSION}")]
    Version(u32),
    #[error("{0} line does not belong there")]
    OutOfPlace(&'static str),
    #[error("the value of {0} is wrong")]
    Value(&'static str),
    #[error("the file was cut off: there is no trailer")]
    Truncated,
    #[error("something stands behind the trailer")]
    BehindTheTrailer,
    #[error("the file holds {found} {what}, its {says} says {told}")]
    Count { what: &'static str, found: i64, says: &'static str, told: i64 },
    #[error("the {0} of the header is not what the events say")]
    Header(&'static str),
    #[error("the bytes of the file are not those that were written")]
    Digest,
    #[error("a key was made with another passphrase, or was changed")]
    Key,
    #[error(transparent)]
    Broken(#[from] Break),
}

impl<'a> EventLine<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let (payload, payload_text) = verbatim(&record.payload);
        let (metadata, metadata_text) = verbatim(&record.metadata);
        Self {
            position: record.position,
            aggregate_type: record.stream.kind.as_str().into(),
            aggregate_id: (*record.stream.id).into(),
            sequence: record.sequence,
            event_type: (*record.event_type).into(),
            event_version: (*record.event_version).into(),
            recorded_at: instant_text(record.recorded_at).into(),
            payload,
            payload_text,
            metadata,
            metadata_text,
            hash: record.hash,
        }
    }

    /// The record that was written.
    pub(super) fn record(self) -> Result<Record, LineFault> {
        let damaged = |what| {
            LineFault::Broken(Break { position: self.position, reason: BreakReason::Malformed { what } })
        };
        let kind = self.aggregate_type.parse().map_err(|_| damaged("aggregate_type of an event"))?;
        Ok(Record {
            position: self.position,
            stream: StreamId::new(kind, &*self.aggregate_id),
            sequence: self.sequence,
            event_type: self.event_type.into_owned().into(),
            event_version: self.event_version.into_owned().into(),
            payload: text(self.payload, self.payload_text).ok_or(LineFault::Value("payload"))?,
            metadata: text(self.metadata, self.metadata_text).ok_or(LineFault::Value("metadata"))?,
            recorded_at: instant(&self.recorded_at).ok_or(LineFault::Value("recordedAt"))?,
            hash: self.hash,
        })
    }
}

/// The text as a part of the line if it comes out of it as it went in, else as a string.
///
/// White space around a value is not part of it to a reader of JSON, a line break would end the line, and `null` reads
/// as nothing at all.
fn verbatim(text: &str) -> (Option<&RawValue>, Option<Cow<'_, str>>) {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get().len() == text.len() && !text.contains(['\n', '\r']) && text != "null" => {
            (Some(raw), None)
        }
        _ => (None, Some(text.into())),
    }
}

fn text(raw: Option<&RawValue>, text: Option<Cow<'_, str>>) -> Option<String> {
    match (raw, text) {
        (Some(raw), None) => Some(raw.get().to_owned()),
        (None, Some(text)) => Some(text.into_owned()),
        _ => None,
    }
}

/// An instant to the microsecond, as RFC 3339.
pub(super) fn instant_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// An instant to the microsecond; none that is finer.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (at.timestamp_subsec_nanos() % 1_000 == 0).then_some(at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use lumbung_domain::AggregateType;

    use super::*;

    fn record(payload: &str, metadata: &str) -> Record {
        let mut record = Record {
            position: 7,
            stream: StreamId::new(AggregateType::Loan, "an \"odd\" id\n"),
            sequence: 3,
            event_type: "LoanApproved".into(),
            event_version: "1".into(),
            payload: payload.to_owned(),
            metadata: metadata.to_owned(),
            recorded_at: DateTime::from_timestamp_micros(1_766_372_400_123_456).unwrap(),
            hash: Hash::GENESIS,
        };
        record.hash = record.expected_hash(Hash([9; 32]));
        record
    }

    #[test]
    fn every_text_that_the_database_holds_as_json_comes_out_as_it_went_in() {
        let texts = [
            r#"{"LoanApproved":{"note":null}}"#,
            r#"{ "a" : 1 ,"a":2, "A\u0061\/": 1e999999, "b":-0.00, "c":[ ] }"#,
            " {}",
            "{}\t",
            "{\n}",
            "{\r}",
            "null",
            "\"\\ud800\"",
            "\"\u{2028}é秘\"",
            "12345678901234567890123456789.000",
            "[[[[[[[[[[]]]]]]]]]]",
            "\"\"",
            "not json at all",
            "",
        ];
        for text in texts {
            let (one, other) = (record(text, "{}"), record("{}", text));
            for record in [one, other] {
                let line = serde_json::to_string(&Line::Event(EventLine::of(&record))).unwrap();
                assert!(!line.contains(['\n', '\r']), "{line}");
                let Line::Event(read) = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
                assert_eq!(read.record().unwrap(), record, "{line}");
            }
        }
    }

    #[test]
    fn a_payload_stands_in_the_line_as_it_is_stored() {
        let record = record(r#"{"b":1, "a":2}"#, r#"{"use_case":"ApproveLoan"}"#);
        let line = serde_json::to_string(&Line::Event(EventLine::of(&record))).unwrap();
        assert!(line.contains(r#""payload":{"b":1, "a":2},"metadata":{"use_case":"ApproveLoan"}"#), "{line}");
        assert!(line.contains(r#""recordedAt":"2025-12-22T03:00:00.123456Z""#), "{line}");
    }

    #[test]
    fn an_instant_that_the_database_cannot_hold_is_refused() {
        assert!(instant("2025-12-22T03:00:00.1234567Z").is_none());
        assert!(instant("yesterday").is_none());
    }
}
