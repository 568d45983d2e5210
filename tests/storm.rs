//! A storm of repetitions: every command goes out in many copies at once, each lot under its Idempotency-Key. Each has one
//! effect, all copies read the same bytes, another body is refused, and another person's key is another key.
//!
//! `LUMBUNG_STORM_KEYS` says how many keys (48 unless told), `LUMBUNG_STORM_COPIES` how many copies of each (16).

mod command;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::golden::town::Town;
use crate::rest_smoke::{Answer, Server, send};
use crate::support::ledger::events;
use command::{Command, Kind, Stage};

/// Keys whose copies are on their way together.
const KEYS_AT_ONCE: usize = 8;
const CHANGED_COPIES: usize = 3;

/// What came back.
#[derive(Default)]
struct Tally {
    first: AtomicU64,
    replayed: AtomicU64,
    still_running: AtomicU64,
    changed_refused: AtomicU64,
    across: AtomicU64,
}

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().map_or(usual, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_has_one_effect() {
    let keys = setting("LUMBUNG_STORM_KEYS", 48);
    let copies = setting("LUMBUNG_STORM_COPIES", 16);
    let server = Arc::new(Server::start().await);
    let town = Town::of(&server);
    let stage = Stage::set(&town).await;
    let mut commands = Vec::new();
    for key in 0..keys {
        commands.push(Command::prepare(&town, &stage, Kind::ALL[key % Kind::ALL.len()], key).await);
    }

    let ledger = &server.app().ledger;
    let mut before = Vec::new();
    for kind in Kind::ALL {
        before.push(events(ledger, kind.event()).await);
    }
    let tally = Arc::new(Tally::default());
    let started = Instant::now();
    let at_once = Arc::new(Semaphore::new(KEYS_AT_ONCE));
    let mut storm = JoinSet::new();
    for command in commands {
        let permit = Arc::clone(&at_once).acquire_owned().await.unwrap();
        let (server, tally) = (Arc::clone(&server), Arc::clone(&tally));
        storm.spawn(async move {
            hit(&server, &command, copies, &tally).await;
            drop(permit);
        });
    }
    while let Some(ended) = storm.join_next().await {
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    report(&tally, keys, copies, started);

    let count = |kind: usize| keys / Kind::ALL.len() + usize::from(kind < keys % Kind::ALL.len());
    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        // Of whoever has the same key, where that may have an effect.
        let effects = count(index) * if kind.repeats_for_others() { 2 } else { 1 };
        let after = events(ledger, kind.event()).await;
        assert_eq!(after - before[index], i64::try_from(effects).unwrap(), "{kind:?}");
    }
    assert_eq!(tally.first.load(Ordering::Relaxed), keys as u64, "one first answer each");
}

/// One key: the copies, then other bodies among repetitions, then another person.
async fn hit(server: &Arc<Server>, command: &Command, copies: usize, tally: &Tally) {
    let mut same = JoinSet::new();
    for _ in 0..copies {
        same.spawn(send(command.request(server)));
    }
    let answers: Vec<Answer> = same.join_all().await;
    let (running, told): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 409);
    tally.still_running.fetch_add(running.len() as u64, Ordering::Relaxed);
    let (replays, first): (Vec<_>, Vec<_>) = told.into_iter().partition(replayed);
    let [first] = &first[..] else { panic!("{command:?}: {} first answers", first.len()) };
    assert_eq!(first.status.as_u16(), command.kind.status(), "{command:?}: {}", first.text);
    tally.first.fetch_add(1, Ordering::Relaxed);
    for replay in &replays {
        assert_same(command, first, replay);
    }
    tally.replayed.fetch_add(replays.len() as u64, Ordering::Relaxed);

    let mut mixed = JoinSet::new();
    for copy in 0..2 * CHANGED_COPIES {
        let changed = copy % 2 == 0;
        let request = if changed { command.changed(server, copy) } else { command.request(server) };
        mixed.spawn(async move { (changed, send(request).await) });
    }
    for (changed, answer) in mixed.join_all().await {
        if changed {
            assert_eq!((answer.error().0, answer.error().1), (422, "IDEMPOTENCY_KEY_REUSED"), "{command:?}");
            tally.changed_refused.fetch_add(1, Ordering::Relaxed);
        } else {
            assert!(replayed(&answer), "{command:?}: {}", answer.text);
            assert_same(command, first, &answer);
        }
    }

    let other = send(command.of_another(server)).await;
    assert!(!replayed(&other), "{command:?}: told to another person");
    let position = |answer: &Answer| answer.headers.get("ledger-position").cloned();
    assert_ne!(position(&other), position(first), "{command:?}");
    assert_eq!(
        other.status == first.status,
        command.kind.repeats_for_others(),
        "{command:?}: {}",
        other.text
    );
    tally.across.fetch_add(1, Ordering::Relaxed);
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").map(String::as_str) == Some("true")
}

fn assert_same(command: &Command, first: &Answer, again: &Answer) {
    assert_eq!((again.status, &again.text), (first.status, &first.text), "{command:?}");
    for header in ["etag", "ledger-position"] {
        assert_eq!(again.headers.get(header), first.headers.get(header), "{command:?}: {header}");
    }
}

fn report(tally: &Tally, keys: usize, copies: usize, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let requests = keys * (copies + 2 * CHANGED_COPIES + 1);
    println!(
        "{keys} keys x {copies} copies, {requests} requests in {seconds:.1} s: {} first answers, {} replays, {} times 409, \
         {} of {} other bodies refused, {} keys of other people",
        of(&tally.first),
        of(&tally.replayed),
        of(&tally.still_running),
        of(&tally.changed_refused),
        keys * CHANGED_COPIES,
        of(&tally.across),
    );
}
