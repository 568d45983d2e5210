//! The names of the folds (`domain/src/fold.rs`): they change when the states do.
//!
//! Folded is not one history but many: from the unborn state every sample of the kind's events, from every state that makes every
//! sample again, three events deep. So a change of any arm of `evolve`, or of the shape of a state, shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use lumbung_domain::{AggregateType, AnyAggregate, AnyEvent};
use lumbung_journal::codec;
use sha2::{Digest, Sha256};
use strum::VariantArray;

use super::samples::samples;

const DEPTH: usize = 3;
/// So many states are folded on at each depth: enough for every kind there is but the largest, and quick.
const MOST_STATES: usize = 2_000;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/src/fold.rs")
}

fn text(state: &AnyAggregate) -> String {
    let mut text = Vec::new();
    state.serialize(&mut serde_json::Serializer::new(&mut text)).unwrap();
    String::from_utf8(text).unwrap()
}

/// Tells every step that leads from a state of up to [`DEPTH`] samples, and the state it leads to.
fn walk(kind: AggregateType, events: &[AnyEvent], mut step: impl FnMut(&str, &AnyAggregate)) {
    let unborn = AnyAggregate::unborn(kind);
    let mut known = BTreeSet::from([text(&unborn)]);
    let mut states = vec![unborn];
    for _ in 0..DEPTH {
        let mut next = BTreeMap::new();
        for state in states.iter().take(MOST_STATES) {
            for event in events {
                let mut evolved = state.clone();
                evolved.evolve(event).unwrap();
                let text = text(&evolved);
                step(&text, &evolved);
                if known.insert(text.clone()) {
                    next.insert(text, evolved);
                }
            }
        }
        states = next.into_values().collect();
    }
}

fn events_of(kind: AggregateType) -> Vec<AnyEvent> {
    let records = samples().into_iter().map(|sample| sample.record);
    records
        .filter(|record| record.stream.kind == kind)
        .map(|record| codec::decode(&record).unwrap())
        .collect()
}

/// The digest of what every event makes of every state, step by step.
fn digest(kind: AggregateType) -> String {
    let mut hasher = Sha256::new();
    walk(kind, &events_of(kind), |state, _| {
        hasher.update((state.len() as u64).to_be_bytes());
        hasher.update(state);
    });
    hasher.finalize().iter().take(8).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[test]
fn the_name_of_a_fold_changes_with_the_states_it_makes() {
    let mut source = fs::read_to_string(file()).unwrap();
    let mut old = Vec::new();
    for kind in AggregateType::VARIANTS {
        let (number, digest) = (kind.fold().split('-').next().unwrap(), digest(*kind));
        let now = format!("{number}-{digest}");
        if now != kind.fold() {
            source = source.replace(
                &format!("Self::{kind} => \"{}\"", kind.fold()),
                &format!("Self::{kind} => \"{now}\""),
            );
            old.push(format!("Self::{kind} => \"{now}\","));
        }
    }
    if std::env::var_os("LUMBUNG_UPDATE").is_some() {
        fs::write(file(), source).unwrap();
        return;
    }
    assert!(
        old.is_empty(),
        "these states are not what they were, so snapshots of them must not be shared with the software before: write\n{}\n\
         to domain/src/fold.rs, or let `LUMBUNG_UPDATE=1 cargo test -p lumbung --test acceptance ledger::folds` do it",
        old.join("\n")
    );
}

#[test]
fn every_state_reads_back_as_it_was_written() {
    for kind in AggregateType::VARIANTS {
        walk(*kind, &events_of(*kind), |written, state| {
            let mut reader = serde_json::Deserializer::from_str(written);
            let read = AnyAggregate::deserialize(*kind, &mut reader)
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(&read, state, "{kind}");
            assert_eq!(text(&read), written, "{kind}");
        });
    }
}
