//! The benchmark over HTTP: what customers get from the real server, with real tokens, while the read models follow.
//!
//! The server is the release binary, a process of its own on a fresh copy of one template database per measurement, with
//! fsync on. The baseline is (a) of the ledger's benchmark on the same cluster, in the same rounds. Server, PostgreSQL
//! and load generator share the machine; the processor time of each is told per request.

mod crowd;
mod gates;
mod load;
mod people;
mod plan;
mod report;
mod requests;
mod server;
mod wire;

use lumbung::secret::SecretKey;

use crate::Failure;
use crate::arena::Arena;
use crate::machine::Machine;
use crate::options::Options;
use report::Report;
use server::Setup;

/// Measures and tells.
pub(crate) async fn measure(options: &Options, arena: &Arena) -> Result<(), Failure> {
    let machine = Machine::look(arena).await?;
    let setup = Setup {
        binary: options.server(),
        folder: arena.folder().join("server"),
        token_key: SecretKey::generate()?,
    };
    people::prepare(arena, &setup).await?;
    let variants = plan::run(options, arena, &setup).await?;
    let crowd = match options.crowd() {
        0 => None,
        wallets => Some(crowd::measure(arena, &setup, wallets).await?),
    };
    let report = Report::new(options, machine, variants, crowd);
    print!("{report}");
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}
