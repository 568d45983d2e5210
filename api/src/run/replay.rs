//! `lumbung replay TYPE ID`: the events of one stream and the state they fold into. Personal values stay sealed.

use lumbung_domain::{AggregateType, AnyAggregate, StreamId};
use lumbung_journal::{JournalError, Record, app_pool, codec, read};
use serde_json::{Value, json};

use super::RunError;
use crate::cli::{CommonArgs, Exit};

pub(super) async fn run(common: &CommonArgs, kind: &str, id: &str) -> Result<Exit, RunError> {
    let kind = aggregate_type(kind)?;
    let (_, place) = super::place(common).await?;
    let records = load(&place, StreamId::new(kind, id)).await;
    place.leave().await?;
    let records = records?;
    if records.is_empty() {
        eprintln!("{kind}/{id} has no events");
        return Ok(Exit::Finding);
    }
    let mut state = AnyAggregate::unborn(kind);
    let mut events = Vec::with_capacity(records.len());
    for record in &records {
        let event = codec::decode(record).map_err(JournalError::from)?;
        state.evolve(&event).map_err(|_| JournalError::Malformed { what: "an event's stream" })?;
        events.push(shown(record));
    }
    let state = state
        .serialize(serde_json::value::Serializer)
        .map_err(|_| JournalError::Malformed { what: "the folded state" })?;
    print(common.json, &events, &state);
    Ok(Exit::Done)
}

async fn load(place: &crate::place::Place, stream: StreamId) -> Result<Vec<Record>, JournalError> {
    let pool = app_pool(place.database(), 1).await?;
    let (_, records) = read::streams(&pool, &[stream]).await?;
    pool.close().await;
    Ok(records)
}

fn aggregate_type(text: &str) -> Result<AggregateType, RunError> {
    use strum::VariantArray;
    let known = AggregateType::VARIANTS;
    known.iter().copied().find(|kind| kind.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|kind| kind.as_str()).collect();
        RunError::Usage(format!("TYPE: must be one of {}, not `{text}`", names.join(", ")))
    })
}

fn shown(record: &Record) -> Value {
    json!({
        "position": record.position,
        "sequence": record.sequence,
        "recordedAt": record.recorded_at,
        "eventType": record.event_type,
        "eventVersion": record.event_version,
        "payload": serde_json::from_str::<Value>(&record.payload).unwrap_or_default(),
        "metadata": serde_json::from_str::<Value>(&record.metadata).unwrap_or_default(),
        "hash": record.hash.to_string(),
    })
}

fn print(as_json: bool, events: &[Value], state: &Value) {
    if as_json {
        println!("{}", json!({"events": events, "state": state}));
        return;
    }
    for event in events {
        println!(
            "{:>8}  #{:<4} {}  {}",
            event["position"], event["sequence"], event["recordedAt"], event["payload"]
        );
    }
    println!("state: {state:#}");
}
