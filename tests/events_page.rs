//! `docs/events.md`: every event that may stand in the log, with what it means and a sample of it. Made from the domain's
//! own words and the golden samples, and compared with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use lumbung_domain::{AggregateType, AnyEvent};
use serde_json::Value;
use strum::VariantArray as _;

const HEAD: &str = "\
# Events

Everything that ever happened, in the order in which it happened, in the table `journal.events`: `position` (without gaps,
in the order of commits), `aggregate_type` and `aggregate_id` (the stream), `sequence` (within the stream, from 1),
`event_type`, `event_version`, `payload` and `metadata` (JSON), `recorded_at`, `hash` (SHA-256 over the hash before and all
these fields). The payload is an object with one member: the type, and in it the fields below. `metadata` names the
`actor`, the `request_id` and the `use_case`.

Texts like `AZLzxBorfD2OT1prfI2eD…` are sealed: a personal value under the key of the person it speaks about. Amounts are whole
rupiah, rates decimal percent per year as texts, instants UTC, `business_on` the date in the lender's zone.

An event that was ever written is read for ever: its samples stand in `tests/golden/events` and never change. This file is
made from them; `LUMBUNG_UPDATE=1 cargo test events_page` makes it anew.
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What the domain says of each event: the comments on the variants of its enums.
fn meanings() -> BTreeMap<String, String> {
    let mut meanings = BTreeMap::new();
    let mut folders = vec![root().join("domain/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                read_meanings(&fs::read_to_string(path).unwrap(), &mut meanings);
            }
        }
    }
    meanings
}

/// Sources are formatted, so a variant stands at four spaces and an enum ends at none.
fn read_meanings(source: &str, into: &mut BTreeMap<String, String>) {
    let (mut inside, mut comment) = (false, String::new());
    for line in source.lines() {
        if line.starts_with("pub enum ") && line.ends_with("Event {") {
            inside = true;
        } else if line == "}" {
            inside = false;
        }
        let Some(rest) = line.strip_prefix("    ").filter(|_| inside) else { continue };
        if let Some(text) = rest.strip_prefix("/// ") {
            comment.push_str(if comment.is_empty() { "" } else { " " });
            comment.push_str(text);
        } else if rest.starts_with(|first: char| first.is_ascii_uppercase()) {
            let name = rest.split(|next: char| !next.is_ascii_alphanumeric()).next().unwrap();
            into.insert(name.to_owned(), std::mem::take(&mut comment));
        } else if !rest.starts_with('#') {
            comment.clear();
        }
    }
}

/// The newest version and the fullest sample of an event.
fn sample(event_type: &str) -> (u32, Value) {
    let folder = fs::read_dir(root().join("tests/golden/events")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let samples = files.filter_map(|path| {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut parts = file.split('.');
        let named = parts.next() == Some(event_type);
        let version: u32 = parts.next().unwrap().trim_start_matches('v').parse().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        named.then_some((version, text.len(), std::cmp::Reverse(file), text))
    });
    let (version, _, _, text) = samples.max().unwrap_or_else(|| panic!("{event_type} has no sample"));
    (version, serde_json::from_str(&text).unwrap())
}

fn page() -> String {
    let (mut page, meanings) = (HEAD.to_owned(), meanings());
    for kind in AggregateType::VARIANTS {
        write!(page, "\n## {kind}\n").unwrap();
        for (_, event_type) in AnyEvent::types().filter(|(of, _)| of == kind) {
            let meaning = meanings.get(event_type).filter(|meaning| !meaning.is_empty());
            let meaning = meaning.unwrap_or_else(|| panic!("{event_type} has no comment in the domain"));
            let (version, sample) = sample(event_type);
            let json = serde_json::to_string_pretty(&sample).unwrap();
            write!(page, "\n### {event_type}\n\n{meaning} Version {version}.\n\n```json\n{json}\n```\n")
                .unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_events_is_current() {
    let (path, made) = (root().join("docs/events.md"), page());
    if std::env::var_os("LUMBUNG_UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == made, "docs/events.md is old: run LUMBUNG_UPDATE=1 cargo test events_page");
}

#[test]
fn meanings_are_read_from_the_comments_of_variants() {
    let mut read = BTreeMap::new();
    let source = "\
pub enum CatEvent {
    /// It was
    /// fed.
    CatFed {
        /// In grams.
        grams: u32,
    },
    CatLeft {},
    /// It came back.
    #[serde(default)]
    CatCameBack(Home),
}
pub enum Other {
    /// Not an event.
    Thing,
}
";
    read_meanings(source, &mut read);
    let expected = [("CatCameBack", "It came back."), ("CatFed", "It was fed."), ("CatLeft", "")];
    assert_eq!(read, expected.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
}
