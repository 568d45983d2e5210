//! The benchmark's flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::rebuild::Length;

#[derive(Debug, Parser)]
#[command(about = "Measures the ledger loop against pgbench and against cqrs-es with postgres-es")]
pub(crate) struct Options {
    /// Length of one measurement [default: 10, with --quick 1]
    #[arg(long)]
    seconds: Option<u32>,

    /// Measurements of every variant; medians are told [default: 5, with --http 3, with --quick 2, with both 1]
    #[arg(long)]
    rounds: Option<usize>,

    /// A smoke run for CI: short, without the snapshot; its figures mean little
    #[arg(long)]
    quick: bool,

    /// Only variants whose name contains one of these, e.g. `ledger/64` or `rebuild`
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// How long an open snapshot is held against the appends; 0 leaves that out [default: 60, 0 with --quick or --only]
    #[arg(long)]
    snapshot_seconds: Option<u32>,

    /// Measure the server over HTTP instead of the ledger loop
    #[arg(long)]
    pub(crate) http: bool,

    /// With --http: the server's binary [default: the one that was built along with the benchmark]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,

    /// With --http: so many wallets are used before memory is measured; 0 leaves that out [default: 100000, with
    /// --quick 2000, 0 with --only]
    #[arg(long)]
    crowd: Option<usize>,

    /// Where the cluster is made; a disk like production's [default: a folder under the system's temporary one]
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,

    /// Also write everything to this file
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,

    /// Given by `cargo bench`; means nothing.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    pub(crate) fn measurement(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(if self.quick { 1 } else { 10 }).max(1).into())
    }

    pub(crate) fn is_quick(&self) -> bool {
        self.quick
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.server.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_lumbung")))
    }

    pub(crate) fn crowd(&self) -> usize {
        let wallets = match (self.quick, self.only.is_empty()) {
            (true, true) => 2_000,
            (false, true) => 100_000,
            (_, false) => 0,
        };
        self.crowd.unwrap_or(wallets)
    }

    pub(crate) fn rounds(&self) -> usize {
        let rounds = match (self.quick, self.http) {
            (true, false) => 2,
            (true, true) => 1,
            (false, true) => 3,
            (false, false) => 5,
        };
        self.rounds.unwrap_or(rounds).max(1)
    }

    pub(crate) fn snapshot_seconds(&self) -> u32 {
        let left_out = self.quick || !self.only.is_empty();
        self.snapshot_seconds.unwrap_or(if left_out { 0 } else { 60 })
    }

    /// The log to rebuild read models from; `None` if that is not wanted.
    pub(crate) fn rebuild(&self) -> Option<Length> {
        let length = if self.quick {
            Length { borrowers: 250, loans: 2, rounds: 1 }
        } else {
            Length { borrowers: 1_000, loans: 20, rounds: 3 }
        };
        self.wants("rebuild").then_some(length)
    }

    pub(crate) fn wants(&self, variant: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| variant.contains(part.as_str()))
    }
}
