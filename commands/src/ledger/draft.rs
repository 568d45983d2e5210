//! A batch in the making: decided use cases, their events chained and encoded.
//!
//! Bounds: so many bytes of encoded events. Order: events stand in the order in which use cases were decided; a later
//! use case of the same batch sees what an earlier one did.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use lumbung_domain::postings;
use lumbung_journal::{Batch, Fact, Hash, Head, KeyedAnswer, Record, codec};
use tracing::error;

use super::book::{NewEvent, Work};
use super::cache::Overlay;
use super::ticket::{NoAnswer, Ticket};

pub(super) struct Draft {
    pub(super) batch: Batch,
    pub(super) facts: Vec<Fact>,
    pub(super) overlay: Overlay,
    pub(super) decided: Vec<Decided>,
    keys: HashSet<[u8; 32]>,
    bytes: usize,
    most_bytes: usize,
}

/// A decided use case, waiting for the batch to be definite.
pub(super) struct Decided {
    pub(super) ticket: Box<dyn Ticket>,
    /// The ledger's position once it is done.
    pub(super) position: i64,
    /// Refused in a way that is not kept; an earlier answer to its key goes first.
    pub(super) look_first: bool,
}

struct Unkeepable;

impl Draft {
    /// A draft that holds `most_bytes` takes no further use case.
    pub(super) fn new(head: Head, recorded_at: DateTime<Utc>, most_bytes: usize) -> Self {
        let batch = Batch {
            expected: head,
            last: head,
            recorded_at,
            records: Vec::new(),
            answers: Vec::new(),
            person_keys: Vec::new(),
        };
        Self {
            batch,
            facts: Vec::new(),
            overlay: Overlay::new(),
            decided: Vec::new(),
            keys: HashSet::new(),
            bytes: 0,
            most_bytes,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.most_bytes
    }

    /// Whether nothing was decided in it.
    pub(super) fn is_empty(&self) -> bool {
        self.decided.is_empty()
    }

    /// Whether an earlier use case of this batch came with the same Idempotency-Key; one key is answered once.
    pub(super) fn holds_key(&self, ticket: &dyn Ticket) -> bool {
        ticket.key().is_some_and(|key| self.keys.contains(&key.key))
    }

    /// Takes in a use case that is done, or fails it alone if its events cannot be what they must be.
    pub(super) fn take_done(&mut self, ticket: Box<dyn Ticket>, work: Work) {
        let Some(records) = self.chain(ticket.as_ref(), &work.events) else {
            ticket.fail(NoAnswer::Failed);
            return;
        };
        let head = records.last().map_or(self.batch.last, Record::head);
        let Ok(answer) = self.answer_to_keep(ticket.as_ref(), head.position) else {
            ticket.fail(NoAnswer::Failed);
            return;
        };
        for record in &records {
            self.bytes += record.payload.len() + record.metadata.len();
        }
        self.batch.last = head;
        let facts = records.iter().zip(work.events).map(|(record, new)| Fact {
            position: record.position,
            stream: new.stream,
            sequence: new.sequence,
            recorded_at: record.recorded_at,
            event: new.event,
        });
        self.facts.extend(facts);
        // A key goes in with its person's first event, and a batch is found again by its events alone.
        if !records.is_empty() {
            self.batch.person_keys.extend_from_slice(ticket.person_keys());
        }
        self.batch.records.extend(records);
        self.overlay.extend(work.slots);
        self.keep(answer);
        self.push(ticket, false);
    }

    /// Takes in a use case that was refused.
    pub(super) fn take_refused(&mut self, ticket: Box<dyn Ticket>, keep: bool, look_first: bool) {
        if keep {
            let Ok(answer) = self.answer_to_keep(ticket.as_ref(), self.batch.last.position) else {
                ticket.fail(NoAnswer::Failed);
                return;
            };
            self.keep(answer);
        }
        self.push(ticket, look_first);
    }

    fn push(&mut self, ticket: Box<dyn Ticket>, look_first: bool) {
        self.decided.push(Decided { ticket, position: self.batch.last.position, look_first });
    }

    /// What to keep for the key, if there is one. An answer that cannot be kept must not be given: a repetition would do
    /// everything again.
    fn answer_to_keep(&self, ticket: &dyn Ticket, position: i64) -> Result<Option<KeyedAnswer>, Unkeepable> {
        let kept = ticket.kept(position, self.batch.recorded_at);
        if kept.is_none() && ticket.key().is_some() {
            error!(use_case = ticket.name(), "an outcome does not encode");
            return Err(Unkeepable);
        }
        Ok(kept)
    }

    fn keep(&mut self, answer: Option<KeyedAnswer>) {
        if let Some(answer) = answer {
            self.bytes += answer.outcome.len();
            self.keys.insert(answer.key);
            self.batch.answers.push(answer);
        }
    }

    /// The events as records behind the batch's last; `None` if one does not encode or balance.
    fn chain(&self, ticket: &dyn Ticket, events: &[NewEvent]) -> Option<Vec<Record>> {
        let mut head = self.batch.last;
        let mut records = Vec::with_capacity(events.len());
        for new in events {
            let imbalance: i64 =
                postings(&new.event, &new.stream.id).iter().map(|posting| posting.signed_rupiah).sum();
            if imbalance != 0 {
                error!(use_case = ticket.name(), stream = %new.stream, imbalance, "postings do not sum to zero");
                return None;
            }
            let payload = match codec::encode(&new.event) {
                Ok(payload) => payload,
                Err(error) => {
                    error!(use_case = ticket.name(), stream = %new.stream, %error, "an event does not encode");
                    return None;
                }
            };
            let mut record = Record {
                position: head.position + 1,
                stream: new.stream.clone(),
                sequence: new.sequence,
                event_type: Cow::Borrowed(new.event.event_type()),
                event_version: Cow::Borrowed(new.event.event_version()),
                payload,
                metadata: ticket.metadata().to_string(),
                recorded_at: self.batch.recorded_at,
                hash: Hash::GENESIS,
            };
            record.hash = record.expected_hash(head.hash);
            head = record.head();
            records.push(record);
        }
        Some(records)
    }

    /// The use cases again, to be decided anew.
    pub(super) fn into_tickets(self) -> Vec<Box<dyn Ticket>> {
        self.decided.into_iter().map(|decided| decided.ticket).collect()
    }
}
