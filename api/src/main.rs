//! The binary `lumbung`.

use std::process::ExitCode;

use clap::Parser;
use lumbung::cli::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command() {
        Ok(command) => lumbung::run::run(&cli.common, command).await.into(),
        Err(error) => error.exit(),
    }
}
