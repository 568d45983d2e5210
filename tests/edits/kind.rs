//! The kinds of edits, and what `verify` must say of each.

use lumbung_domain::{AggregateType, AnyEvent};
use serde::de::IgnoredAny;

use super::history::History;
use crate::crash::dice::Dice;

/// One edit.
pub(super) struct Edit {
    pub(super) sql: String,
    /// Of the schema `journal`.
    pub(super) table: &'static str,
    pub(super) expected: Expected,
}

/// What must be named.
#[derive(Debug)]
pub(super) enum Expected {
    At(i64),
    Anchor(i64),
    /// That the log goes on behind it, since there is an anchor.
    Tail(i64),
    Snapshot(String),
}

macro_rules! kinds {
    ($($kind:ident),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Kind { $($kind),+ }
        impl Kind {
            pub(super) const ALL: &'static [Self] = &[$(Self::$kind),+];
        }
    };
}

kinds! {
    PayloadCharacter, PayloadSpace, PayloadOfAnother, MetadataCharacter, EventTypeOfAnother, EventVersion,
    AggregateTypeOfAnother, AggregateId, Sequence, SwappedSequences, RecordedAt, HashByte, HashLength, SwappedEvents,
    Deletion, MiddleTruncation, ClosedGap, Insertion, TailCut, Emptied, Rechained, AnchorHash, AnchorMoved, AnchorAdded,
    AnchorBeyond, SnapshotState, SnapshotSequence, SnapshotEventHash, SnapshotMac, SnapshotOfAnother,
    SnapshotFingerprint,
}

impl Kind {
    pub(super) fn edit(self, history: &History, dice: &mut Dice) -> Edit {
        let position = 1 + dice.below(history.end() as u64) as i64;
        match self {
            Self::PayloadCharacter
            | Self::PayloadSpace
            | Self::PayloadOfAnother
            | Self::MetadataCharacter
            | Self::EventTypeOfAnother
            | Self::EventVersion
            | Self::AggregateTypeOfAnother
            | Self::AggregateId
            | Self::Sequence
            | Self::RecordedAt
            | Self::HashByte
            | Self::HashLength => {
                let set = self.column(history, position, dice);
                let sql = format!("update journal.events set {set} where position = {position}");
                Edit { sql, table: "events", expected: Expected::At(position) }
            }
            Self::SwappedSequences
            | Self::SwappedEvents
            | Self::Deletion
            | Self::MiddleTruncation
            | Self::ClosedGap
            | Self::Insertion
            | Self::TailCut
            | Self::Emptied
            | Self::Rechained => {
                let (sql, expected) = self.order(history, position, dice);
                Edit { sql, table: "events", expected }
            }
            Self::AnchorHash | Self::AnchorMoved | Self::AnchorAdded | Self::AnchorBeyond => {
                let (sql, expected) = self.anchor(history, dice);
                Edit { sql, table: "anchors", expected }
            }
            Self::SnapshotState
            | Self::SnapshotSequence
            | Self::SnapshotEventHash
            | Self::SnapshotMac
            | Self::SnapshotOfAnother
            | Self::SnapshotFingerprint => self.snapshot(history, dice),
        }
    }

    /// What is set in one row of the log.
    fn column(self, history: &History, position: i64, dice: &mut Dice) -> String {
        let record = history.record(position);
        match self {
            Self::PayloadSpace => {
                let text = &record.payload;
                let text = if dice.percent(50) { format!("{text} ") } else { text.replacen(':', ": ", 1) };
                format!("payload = {}", literal(&text))
            }
            Self::PayloadOfAnother => {
                let other = another(history, dice, |other| other.payload != record.payload);
                format!("payload = {}", literal(&history.record(other).payload))
            }
            Self::MetadataCharacter => format!("metadata = {}", literal(&edited(&record.metadata, dice))),
            Self::EventTypeOfAnother => {
                let types: Vec<_> = AnyEvent::types()
                    .map(|(_, name)| name)
                    .filter(|name| *name != record.event_type)
                    .collect();
                format!("event_type = '{}'", types[dice.below(types.len() as u64) as usize])
            }
            Self::EventVersion => format!("event_version = '{}'", 2 + dice.below(9)),
            Self::AggregateTypeOfAnother => {
                let kinds = <AggregateType as strum::VariantArray>::VARIANTS;
                let kinds: Vec<_> = kinds.iter().filter(|kind| **kind != record.stream.kind).collect();
                format!("aggregate_type = '{}'", kinds[dice.below(kinds.len() as u64) as usize])
            }
            Self::AggregateId => format!("aggregate_id = aggregate_id || '{}'", dice.below(10)),
            Self::Sequence => format!("sequence = sequence + {}", 10_000 + dice.below(10_000)),
            Self::RecordedAt => {
                let intervals =
                    ["1 microsecond", "-1 microsecond", "1 second", "-1 day", "10 years", "-100 years"];
                format!("recorded_at = recorded_at + interval '{}'", intervals[dice.below(6) as usize])
            }
            Self::HashByte => {
                let (byte, bits) = (dice.below(32), 1 + dice.below(255));
                format!("hash = set_byte(hash, {byte}, get_byte(hash, {byte}) # {bits})")
            }
            Self::HashLength => format!("hash = substr(hash, 1, {})", dice.below(32)),
            _ => format!("payload = {}", literal(&edited(&record.payload, dice))),
        }
    }

    /// What is done to the rows of the log.
    fn order(self, history: &History, position: i64, dice: &mut Dice) -> (String, Expected) {
        let end = history.end();
        // One that is not the last.
        let inner = position.min(end - 1);
        match self {
            Self::SwappedSequences => {
                let stream = |at: i64| &history.record(at).stream;
                let pair = |first: &i64| (first + 1..=end).find(|second| stream(*second) == stream(*first));
                let first = (inner..end).chain(1..inner).find(|first| pair(first).is_some()).unwrap();
                let second = pair(&first).unwrap();
                (swapped("sequence", first, second, history), Expected::At(first))
            }
            Self::SwappedEvents => {
                let other = another(history, dice, |other| other.position != position);
                let (first, second) = (position.min(other), position.max(other));
                let sql = format!(
                    "update journal.events set position = -1 where position = {first};
                     update journal.events set position = {first} where position = {second};
                     update journal.events set position = {second} where position = -1"
                );
                (sql, Expected::At(first))
            }
            Self::Deletion => {
                (format!("delete from journal.events where position = {inner}"), Expected::At(inner))
            }
            Self::MiddleTruncation => {
                let to = inner + dice.below((end - inner) as u64) as i64;
                let sql = format!("delete from journal.events where position between {inner} and {to}");
                (sql, Expected::At(inner))
            }
            Self::ClosedGap => {
                let sql = format!(
                    "delete from journal.events where position = {inner};
                     update journal.events set position = -position where position > {inner};
                     update journal.events set position = -position - 1 where position < 0"
                );
                (sql, Expected::At(inner))
            }
            Self::Insertion => {
                let copied = another(history, dice, |_| true);
                let sql = format!(
                    "create temp table copied on commit drop as table journal.events;
                     update journal.events set position = -position where position >= {position};
                     update journal.events set position = -position + 1 where position < 0;
                     insert into journal.events
                         select {position}, aggregate_type, aggregate_id, sequence + 10000, event_type, event_version,
                             payload, metadata, recorded_at, hash from copied where position = {copied}"
                );
                (sql, Expected::At(position))
            }
            Self::TailCut => {
                (format!("delete from journal.events where position > {inner}"), Expected::Tail(inner))
            }
            Self::Emptied => ("delete from journal.events".to_owned(), Expected::Tail(0)),
            _ => {
                let anchor = history.anchors.iter().find(|anchor| **anchor >= position).copied().unwrap();
                (history.rechained(position, |payload| format!("{payload} ")), Expected::Anchor(anchor))
            }
        }
    }

    fn anchor(self, history: &History, dice: &mut Dice) -> (String, Expected) {
        let anchor = history.anchors[dice.below(history.anchors.len() as u64) as usize];
        let free = another(history, dice, |record| !history.anchors.contains(&record.position));
        match self {
            Self::AnchorMoved => {
                let sql = format!("update journal.anchors set position = {free} where position = {anchor}");
                (sql, Expected::Anchor(free))
            }
            Self::AnchorAdded => {
                let sql =
                    format!("insert into journal.anchors (position, hash) values ({free}, sha256('x'))");
                (sql, Expected::Anchor(free))
            }
            Self::AnchorBeyond => {
                let beyond = history.end() + 1 + dice.below(100) as i64;
                let sql =
                    format!("insert into journal.anchors (position, hash) values ({beyond}, sha256('x'))");
                (sql, Expected::Tail(history.end()))
            }
            _ => {
                let sql = format!("update journal.anchors set hash = sha256(hash) where position = {anchor}");
                (sql, Expected::Anchor(anchor))
            }
        }
    }

    fn snapshot(self, history: &History, dice: &mut Dice) -> Edit {
        let snapshots = &history.snapshots;
        let at = dice.below(snapshots.len() as u64) as usize;
        let (chosen, other) = (&snapshots[at], &snapshots[(at + 1) % snapshots.len()]);
        let mut named = format!("{}/{}", chosen.kind, chosen.id);
        let set = match self {
            Self::SnapshotSequence => format!("sequence = sequence + {}", dice.below(3) as i64 * 2 - 3),
            Self::SnapshotEventHash => "event_hash = sha256(event_hash)".to_owned(),
            Self::SnapshotMac => {
                format!("mac = set_byte(mac, 3, get_byte(mac, 3) # {})", 1 + dice.below(255))
            }
            Self::SnapshotOfAnother => format!("state = {}", literal(&other.state)),
            Self::SnapshotFingerprint => {
                named = format!("{}/{}", chosen.kind, chosen.id);
                "fingerprint = fingerprint || 'x'".to_owned()
            }
            _ => format!("state = {}", literal(&edited(&chosen.state, dice))),
        };
        let sql = format!(
            "update journal.snapshots set {set}
             where aggregate_type = '{}' and aggregate_id = '{}'",
            chosen.kind, chosen.id
        );
        Edit { sql, table: "snapshots", expected: Expected::Snapshot(named) }
    }
}

fn swapped(column: &str, first: i64, second: i64, history: &History) -> String {
    let (of_first, of_second) = (history.record(first).sequence, history.record(second).sequence);
    format!(
        "update journal.events set {column} = -1 where position = {first};
         update journal.events set {column} = {of_first} where position = {second};
         update journal.events set {column} = {of_second} where position = {first}"
    )
}

/// A position whose record is as wanted.
fn another(history: &History, dice: &mut Dice, wanted: impl Fn(&lumbung_journal::Record) -> bool) -> i64 {
    loop {
        let record = &history.records[dice.below(history.end() as u64) as usize];
        if wanted(record) {
            return record.position;
        }
    }
}

/// The text with one letter or digit changed, so that it is JSON still.
fn edited(text: &str, dice: &mut Dice) -> String {
    loop {
        let mut bytes = text.as_bytes().to_vec();
        let at = dice.below(bytes.len() as u64) as usize;
        let letter =
            b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[dice.below(62) as usize];
        if !bytes[at].is_ascii_alphanumeric() || bytes[at] == letter {
            continue;
        }
        bytes[at] = letter;
        let changed = String::from_utf8(bytes).unwrap();
        if serde_json::from_str::<IgnoredAny>(&changed).is_ok() {
            return changed;
        }
    }
}

fn literal(text: &str) -> String {
    assert!(!text.contains("$edit$"));
    format!("$edit${text}$edit$")
}
