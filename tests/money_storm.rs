//! The money storm: wallets are topped up, paid from and transferred between under `kill -9` of servers and of
//! PostgreSQL, with fsync on. No rupiah is lost, doubled or made, whenever one looks.
//!
//! Set by the environment: `LUMBUNG_STORM_ROUNDS` (1), `LUMBUNG_STORM_SECONDS` per round (8), `LUMBUNG_STORM_CLIENTS` (64),
//! `LUMBUNG_STORM_WALLETS` (200), `LUMBUNG_STORM_PARALLEL` rounds side by side (1), `LUMBUNG_STORM_SEED` (random),
//! `LUMBUNG_STORM_SERVERS` (1 or 2; else the dice say), `LUMBUNG_STORM_THINK_MS`, which a client waits at most between two
//! commands (200 for every round side by side). Every round has a folder, a cluster and servers of its own.

mod admin;
mod client;
mod doors;
mod fleet;
mod onlookers;
mod pages;
mod reckoning;
mod round;
mod shown;
mod summary;
mod town;

use std::time::Duration;

use tokio::task::JoinSet;

use crate::crash::dice::{Dice, any_seed};
use crate::crash::setting;
use round::Round;
use summary::Summary;

/// Within this time every request gets its definite answer and every transfer its end, whatever was killed and however
/// slow the machine is.
const PATIENCE: Duration = Duration::from_secs(480);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rupiah_is_lost_or_made() {
    let usize_of = |name: &str, usual: usize| setting(name).map_or(usual, |value| value.try_into().unwrap());
    let rounds = usize_of("LUMBUNG_STORM_ROUNDS", 1);
    let parallel = usize_of("LUMBUNG_STORM_PARALLEL", 1).clamp(1, rounds.max(1));
    let seed = setting("LUMBUNG_STORM_SEED").unwrap_or_else(any_seed);
    let length = Duration::from_secs(setting("LUMBUNG_STORM_SECONDS").unwrap_or(8));
    let clients = usize_of("LUMBUNG_STORM_CLIENTS", 64);
    let wallets = usize_of("LUMBUNG_STORM_WALLETS", 200).max(town::FEWEST);
    let servers = setting("LUMBUNG_STORM_SERVERS").map(|count| usize::try_from(count.clamp(1, 2)).unwrap());
    // The machine is to have time for those who look on.
    let think_ms = setting("LUMBUNG_STORM_THINK_MS").unwrap_or(200 * parallel as u64);
    println!(
        "LUMBUNG_STORM_SEED={seed}: {rounds} rounds of {length:?}, {clients} clients, {wallets} wallets"
    );
    let mut dice = Dice::new(seed);
    let mut waiting = (1..=rounds).map(|number| {
        let mut dice = dice.split();
        let servers = servers.unwrap_or(1 + usize::from(dice.percent(50)));
        Round { number, length, clients, wallets, think_ms, servers, dice }
    });
    let mut running = JoinSet::new();
    for round in waiting.by_ref().take(parallel) {
        running.spawn(watched(round));
    }
    let mut summary = Summary::default();
    while let Some(ended) = running.join_next().await {
        summary.add(ended.unwrap());
        if let Some(round) = waiting.next() {
            running.spawn(watched(round));
        }
    }
    println!("{summary}");
    assert!(summary.red.is_empty(), "LUMBUNG_STORM_SEED={seed}: {}", summary.red.join("\n"));
}

/// A round in a task of its own, so that one that fails is told by its number and the others go on.
async fn watched(round: Round) -> Result<round::Report, String> {
    let number = round.number;
    let ended = tokio::spawn(round.run()).await;
    let told = ended.map_err(|error| {
        let why = error.into_panic();
        let text = why.downcast_ref::<String>().cloned();
        let text = text.or_else(|| why.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("round {number}: {}", text.unwrap_or_default())
    });
    match &told {
        Ok(report) => println!("{report}"),
        Err(why) => println!("RED {why}"),
    }
    told
}
