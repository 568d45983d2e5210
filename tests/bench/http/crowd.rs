//! How much memory the server takes once very many wallets were used.

use std::time::Instant;

use serde::Serialize;

use super::load::each_once;
use super::people::with_tokens;
use super::requests::{Kind, Requests, Route};
use super::server::{Server, Setup};
use crate::Failure;
use crate::arena::{Arena, close_ledger, open_ledger};
use crate::customers::register_numbers;

/// The numbers of those customers; the others of the template are far below.
const FIRST: i64 = 1_000_000;
const TOGETHER: usize = 20_000;
const CONNECTIONS: usize = 64;

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Crowd {
    pub(crate) wallets: usize,
    /// Resident, in MB of 10⁶ bytes, at rest.
    pub(crate) rss_mb: f64,
    pub(crate) peak_rss_mb: f64,
    /// First top-ups per second: nothing of these customers was in memory.
    pub(crate) per_second: f64,
}

/// Opens that many wallets with a first top-up each over HTTP, by customers who registered before the server started.
pub(crate) async fn measure(arena: &Arena, setup: &Setup, wallets: usize) -> Result<Crowd, Failure> {
    eprintln!("registering {wallets} customers more");
    let stage = arena.stage("bench_http_crowd").await?;
    let (ledger, task) = open_ledger(&stage.database).await?;
    let last = FIRST + i64::try_from(wallets)? - 1;
    let customers = register_numbers(&ledger, FIRST..=last).await?;
    close_ledger(ledger, task).await?;
    let server = Server::start(setup, &stage.database).await?;
    server.rest().await?;
    let began = Instant::now();
    for some in customers.chunks(TOGETHER) {
        let people = with_tokens(&server, setup, some, 0).await?;
        each_once(server.address, &Requests::new(Kind::plain(Route::TopUp), &people), CONNECTIONS).await?;
    }
    let per_second = wallets as f64 / began.elapsed().as_secs_f64();
    server.rest().await?;
    let (rss_mb, peak_rss_mb) = server.memory_mb()?;
    server.stop().await?;
    arena.drop_stage(stage).await?;
    Ok(Crowd { wallets, rss_mb, peak_rss_mb, per_second })
}
