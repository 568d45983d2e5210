//! One row of `journal.events`, and the bytes that its hash covers.
//!
//! Bounds: payload and metadata are hashed exactly as stored, so they are bound and read as text, never as parsed
//! JSON. Order: positions and, within a stream, sequences count from 1 without gaps; `recorded_at` never falls.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use lumbung_domain::StreamId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::head::{Hash, Head};

const HASH_DOMAIN: &[u8] = b"lumbung-event-v1";

/// One stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub position: i64,
    pub stream: StreamId,
    pub sequence: i64,
    pub event_type: Cow<'static, str>,
    pub event_version: Cow<'static, str>,
    /// JSON text as stored.
    pub payload: String,
    /// JSON text as stored: a flat object of strings.
    pub metadata: String,
    /// UTC, whole microseconds.
    pub recorded_at: DateTime<Utc>,
    pub hash: Hash,
}

impl Record {
    /// The hash this record must carry if it follows an event with the hash `previous`.
    #[must_use]
    pub fn expected_hash(&self, previous: Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(HASH_DOMAIN);
        hasher.update(previous.0);
        field(&mut hasher, &self.position.to_be_bytes());
        field(&mut hasher, &self.sequence.to_be_bytes());
        field(&mut hasher, self.stream.kind.as_str().as_bytes());
        field(&mut hasher, self.stream.id.as_bytes());
        field(&mut hasher, self.event_type.as_bytes());
        field(&mut hasher, self.event_version.as_bytes());
        field(&mut hasher, self.payload.as_bytes());
        field(&mut hasher, self.metadata.as_bytes());
        field(&mut hasher, &self.recorded_at.timestamp_micros().to_be_bytes());
        Hash(hasher.finalize().into())
    }

    #[must_use]
    pub fn head(&self) -> Head {
        Head { position: self.position, hash: self.hash }
    }

    /// Checks that this record follows `previous` without a gap and that its hash is the chain's.
    ///
    /// # Errors
    /// Says which of the two is broken.
    pub fn check_follows(&self, previous: Head) -> Result<(), Break> {
        if self.position != previous.position + 1 {
            return Err(Break {
                position: previous.position + 1,
                reason: BreakReason::Missing { found: self.position },
            });
        }
        if self.hash != self.expected_hash(previous.hash) {
            return Err(Break { position: self.position, reason: BreakReason::HashMismatch });
        }
        Ok(())
    }
}

/// Length first, so no two lists of fields hash alike.
fn field(hasher: &mut Sha256, bytes: &[u8]) {
    // A field is bounded far below 4 GiB by the limits on bodies and batches.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    hasher.update(length.to_be_bytes());
    hasher.update(bytes);
}

/// The first place where the log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("position {position}: {reason}")]
pub struct Break {
    pub position: i64,
    pub reason: BreakReason,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BreakReason {
    #[error("the event is missing; the next one stands at {found}")]
    Missing { found: i64 },
    #[error("the row is damaged: {what}")]
    Malformed { what: &'static str },
    #[error("the hash does not fit the event and its predecessor")]
    HashMismatch,
    #[error("recorded before its predecessor")]
    TimeFell,
    #[error("sequence {found} of stream {stream}, expected {expected}")]
    SequenceGap { stream: String, expected: i64, found: i64 },
    #[error("the log does not begin with LedgerOpened")]
    NotOpened,
    #[error("the event does not decode: {reason}")]
    Undecodable { reason: String },
    #[error("the postings do not sum to zero")]
    Unbalanced,
    #[error("the wallet's balance is {found}, after what came before it must be {expected}")]
    WrongBalance { expected: i64, found: i64 },
    #[error("{} holds {}, the streams behind it add up to {}", .0.account, .0.posted, .0.found)]
    NotReconciled(Box<Unreconciled>),
    /// What was debited, started, credited and ended of one transfer is not one transfer.
    #[error("transfer {transfer}: {what}")]
    Transfer { transfer: Uuid, what: &'static str },
    /// What a loan owes, or what was paid on it, is not what its events and its customer's wallet say.
    #[error("loan {loan}: {what}")]
    Loan { loan: i64, what: &'static str },
    #[error("the anchor has another hash")]
    AnchorMismatch,
    #[error("the log was cut off: an anchor stands beyond its end at {end}")]
    TailMissing { end: i64 },
}

/// An account that its streams do not bear out. Whole rupiah.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreconciled {
    pub account: &'static str,
    pub posted: i128,
    pub found: i128,
}
