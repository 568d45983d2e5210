//! What the figures were measured on.

use std::fmt;
use std::io::Write;
use std::time::Instant;

use serde::Serialize;
use sqlx::{Connection, PgConnection};

use crate::Failure;
use crate::arena::Arena;
use crate::closed_loop::quantile;

/// A page of PostgreSQL's log.
const BLOCK: usize = 8_192;
const SYNCS: usize = 200;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) memory_mb: u64,
    pub(crate) kernel: String,
    pub(crate) postgres: String,
    /// `name=value` of what decides the figures.
    pub(crate) settings: Vec<String>,
    /// Median time to append 8 kB to a file in the data folder and flush it, in microseconds.
    pub(crate) fdatasync_us: f64,
}

impl Machine {
    pub(crate) async fn look(arena: &Arena) -> Result<Self, Failure> {
        let mut connection = PgConnection::connect_with(&arena.database("postgres")).await?;
        let postgres = sqlx::query_scalar("select current_setting('server_version')");
        let postgres: String = postgres.fetch_one(&mut connection).await?;
        let settings = sqlx::query_scalar(
            "select name || '=' || current_setting(name) from unnest(array['fsync', 'synchronous_commit',
                 'full_page_writes', 'shared_buffers', 'max_wal_size', 'wal_compression', 'data_checksums'])
                 as wanted (name)",
        );
        let settings: Vec<String> = settings.fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            cpu: field("/proc/cpuinfo", "model name"),
            memory_mb: field("/proc/meminfo", "MemTotal")
                .split(' ')
                .next()
                .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
                .unwrap_or_default()
                / 1_024,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            postgres,
            settings,
            fdatasync_us: fdatasync(arena.folder())?,
        })
    }
}

impl Machine {
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, cpu, memory_mb, kernel, postgres, settings, fdatasync_us } = self;
        writeln!(f, "Machine: {cores} cores, {cpu}, {memory_mb} MB, Linux {kernel}")?;
        writeln!(f, "Disk: 8 kB appended and flushed in {fdatasync_us:.0} µs (median)")?;
        writeln!(f, "PostgreSQL {postgres}: {}", settings.join(", "))
    }
}

/// The first value of a field in a file of `name : value` lines; empty on systems without it.
fn field(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn fdatasync(folder: &std::path::Path) -> Result<f64, Failure> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[0x5a; BLOCK])?;
        file.sync_data()?;
        times.push(u32::try_from(begun.elapsed().as_micros())?);
    }
    times.sort_unstable();
    Ok(quantile(&times, 0.5).unwrap_or_default())
}
