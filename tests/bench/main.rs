//! The benchmark: what the ledger loop carries, against two baselines that are measured in the same run.
//!
//! Every variant runs on the same private cluster with production settings and fsync on, each measurement in a fresh
//! copy of one template database, the variants interleaved round by round, the order turned around every other round.
//! Printed are medians over the rounds. It is a program, never a timed test: it says whether a gate holds and
//! fails on nothing but its own errors.

mod arena;
mod closed_loop;
mod cpu;
mod customers;
mod gates;
mod http;
mod machine;
mod options;
mod plain_insert;
mod plan;
mod product;
mod published;
mod rebuild;
mod report;
mod snapshot;

use std::process::ExitCode;

use clap::Parser;

use options::Options;

/// As in production: the allocator is part of what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever kept the benchmark from measuring; it is told and the program ends.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("the benchmark failed: {failure}");
            let mut source = failure.source();
            while let Some(error) = source {
                eprintln!("  because: {error}");
                source = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    let arena = arena::Arena::open(options).await?;
    let outcome = match options.http {
        true => http::measure(options, &arena).await,
        false => measure(options, &arena).await,
    };
    arena.close().await?;
    outcome
}

async fn measure(options: &Options, arena: &arena::Arena) -> Result<(), Failure> {
    let machine = machine::Machine::look(arena).await?;
    let variants = plan::run(options, arena).await?;
    let snapshot = match options.snapshot_seconds() {
        0 => None,
        seconds => Some(snapshot::measure(arena, seconds).await?),
    };
    let rebuilt = match options.rebuild() {
        None => None,
        Some(length) => Some(rebuild::measure(arena, length).await?),
    };
    let report = report::Report::new(options, machine, variants, snapshot, rebuilt);
    print!("{report}");
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}
