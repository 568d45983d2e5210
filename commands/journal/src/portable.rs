//! A whole ledger as one stream of text: lines of JSON that another database can take in.
//!
//! ```text
//! {"header":{"format":"lumbung-ledger","version":1,"ledger":"…","events":9,"head":{…},"keys":{…}}}
//! {"key":{"name":"index","wrapped":"…"}}           only with keys: wrapped by a key from the passphrase
//! {"key":{"person":"…","createdAt":"…","wrapped":"…"}}
//! {"event":{"position":1,…,"payload":{…},"metadata":{…},"hash":"…"}}
//! {"anchor":{"position":9,"hash":"…","anchoredAt":"…"}}
//! {"trailer":{"events":9,"keys":2,"anchors":1,"head":{…},"digest":"…","mac":"…"}}
//! ```
//! Order: header, keys, events by position, anchors by position, trailer. Payload and metadata are the stored text,
//! byte for byte, since the chain covers it; a text that would not survive as a part of a line is carried as a string
//! instead (`payloadText`). Without its trailer a file is truncated, whatever it holds.
//!
//! Bounds: one page of events is in memory at a time; a line is at most [`LONGEST_LINE`] bytes. Deliberately absent: answers
//! to Idempotency-Keys, audit rows, read models, uploaded files and whatever else does not follow from the events.

mod export;
mod import;
mod insert;
mod line;
mod numbers;
mod passphrase;

pub use export::{ExportError, Exported, export};
pub use import::{ImportError, Imported, KeysOnImport, import};
pub use line::LineFault;
pub use numbers::SEQUENCES;
pub use passphrase::{Passphrase, PassphraseError};

/// No line of an export is longer: 64 MiB.
pub const LONGEST_LINE: u64 = 64 * 1024 * 1024;
