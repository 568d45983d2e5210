//! The first event of a ledger.

use chrono::{DateTime, Utc};
use lumbung_domain::{Aggregate, AnyEvent, Ledger, LedgerCommand, LedgerEvent, LedgerId, StreamId};
use lumbung_journal::{AppendError, Appender, Batch, Fact, Hash, Head, JournalError, Record, codec, read};
use sqlx::PgPool;
use uuid::Uuid;

use super::Clock;

/// The ledger's identity, from position 1; writes `LedgerOpened` there if the log is empty.
pub(super) async fn open(
    pool: &PgPool,
    appender: &mut Appender,
    clock: &Clock,
    new_ledger: Option<LedgerId>,
) -> Result<LedgerId, JournalError> {
    if read::head(pool).await? == Head::EMPTY {
        let batch = opening_batch(new_ledger.unwrap_or_else(|| LedgerId(Uuid::now_v7())), super::now(clock))?;
        match appender.append(&batch).await {
            // Moved: another node opened it first.
            Ok(_) => {}
            Err(AppendError::Fatal(source)) => return Err(source),
            Err(AppendError::Data(source)) => return Err(source.into()),
        }
    }
    let first = read::after(pool, 0, 1).await?;
    let opened = first.first().map(Fact::decode).transpose()?.map(|fact| fact.event);
    match opened {
        Some(AnyEvent::Ledger(LedgerEvent::LedgerOpened { ledger_id })) => Ok(ledger_id),
        _ => Err(JournalError::Malformed { what: "the first event: it must be LedgerOpened" }),
    }
}

fn opening_batch(ledger_id: LedgerId, recorded_at: DateTime<Utc>) -> Result<Batch, JournalError> {
    let events = Ledger::default()
        .decide(LedgerCommand::Open { ledger_id })
        .map_err(|_| JournalError::Malformed { what: "the opening of a ledger" })?;
    let mut batch = Batch {
        expected: Head::EMPTY,
        last: Head::EMPTY,
        recorded_at,
        records: Vec::new(),
        answers: Vec::new(),
        person_keys: Vec::new(),
    };
    for event in events.into_iter().map(AnyEvent::from) {
        let position = batch.last.position + 1;
        let mut record = Record {
            position,
            stream: StreamId::of::<Ledger>(ledger_id),
            sequence: position,
            event_type: event.event_type().into(),
            event_version: event.event_version().into(),
            payload: codec::encode(&event)
                .map_err(|_| JournalError::Malformed { what: "the opening of a ledger" })?,
            metadata: r#"{"use_case":"OpenLedger"}"#.to_owned(),
            recorded_at,
            hash: Hash::GENESIS,
        };
        record.hash = record.expected_hash(batch.last.hash);
        batch.last = record.head();
        batch.records.push(record);
    }
    Ok(batch)
}
