//! (a) `pgbench`: one prepared INSERT of an event of the same size and shape per transaction, into a table with the
//! same columns and indexes. No rules, no chain, no roles: what a client can do that asks PostgreSQL for one commit
//! per command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use crate::Failure;
use crate::arena::{Arena, Sample};
use crate::closed_loop::{Figure, quantile};

/// The journal's table without its triggers.
pub(crate) const TABLE: &str = "
    create table public.plain (
        position       bigint      not null primary key,
        aggregate_type text        not null,
        aggregate_id   text        not null,
        sequence       bigint      not null,
        event_type     text        not null,
        event_version  text        not null,
        payload        json        not null,
        metadata       json        not null,
        recorded_at    timestamptz not null,
        hash           bytea       not null,
        unique (aggregate_type, aggregate_id, sequence)
    );
    create sequence public.plain_position";

/// The wallet is one of a thousand; the position serves as the sequence, which only has to grow. Payload, metadata
/// and hash travel as parameters, as they would for any client.
const SCRIPT: &str = "\\set wallet random(100000000000, 100000000999)
insert into public.plain (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
metadata, recorded_at, hash) values (nextval('public.plain_position'), 'Wallet', \
'01930000-0000-7000-8000-' || :wallet::text, currval('public.plain_position'), 'WalletCredited', '1', \
:payload::json, :metadata::json, now(), :hash::bytea);
";

/// Clients of `pgbench` for so many callers; more only hurt it.
pub(crate) fn clients(callers: usize) -> usize {
    callers.min(64)
}

pub(crate) async fn measure(arena: &Arena, callers: usize, length: Duration) -> Result<Figure, Failure> {
    let stage = arena.stage("bench_plain").await?;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("insert.sql");
    std::fs::write(&script, SCRIPT)?;
    let run = Run { program: program(&stage.database).await?, script, sample: &arena.sample };
    run.pgbench(&stage.database, callers, 1, None).await?;
    // Writing every latency down costs; only the single caller's are asked for.
    let log = (callers == 1).then(|| folder.path().join("latency"));
    let seconds = length.as_secs().max(1);
    let ticks = arena.meter.read()?;
    let per_second = run.pgbench(&stage.database, callers, seconds, log.as_deref()).await?;
    let later = arena.meter.read()?;
    arena.drop_stage(stage).await?;
    let latencies = if log.is_some() { latencies(folder.path())? } else { Vec::new() };
    Ok(Figure {
        per_second,
        p50_us: quantile(&latencies, 0.50),
        p99_us: quantile(&latencies, 0.99),
        conflicts: 0,
        per_batch: None,
        cpu: Some(ticks.per_command(later, per_second * seconds as f64)),
        last_third: None,
    })
}

struct Run<'a> {
    program: PathBuf,
    script: PathBuf,
    sample: &'a Sample,
}

impl Run<'_> {
    /// Transactions per second, without the time to connect.
    async fn pgbench(
        &self,
        database: &PgConnectOptions,
        callers: usize,
        seconds: u64,
        log: Option<&Path>,
    ) -> Result<f64, Failure> {
        let clients = clients(callers);
        let socket = database.get_socket().ok_or("the cluster has no socket")?;
        let mut command = Command::new(&self.program);
        command.args(["--protocol", "prepared", "--no-vacuum", "--username", database.get_username()]);
        command.arg("--host").arg(socket).args(["--port", &database.get_port().to_string()]);
        command.args(["--client", &clients.to_string(), "--jobs", &clients.min(2).to_string()]);
        command.args(["--time", &seconds.to_string()]);
        command.arg("--define").arg(format!("payload={}", self.sample.payload));
        command.arg("--define").arg(format!("metadata={}", self.sample.metadata));
        command.arg("--define").arg(format!("hash=\\x{}", "5a".repeat(32)));
        command.arg("--file").arg(&self.script);
        if let Some(log) = log {
            command.arg("--log").arg("--log-prefix").arg(log);
        }
        command.arg(database.get_database().unwrap_or_default());
        let output = command.kill_on_drop(true).output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let per_second = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        match per_second {
            Some(number) if output.status.success() => Ok(number.parse()?),
            _ => Err(format!("pgbench: {said}{}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
}

/// The `pgbench` of the server's own installation.
async fn program(database: &PgConnectOptions) -> Result<PathBuf, Failure> {
    let mut connection = PgConnection::connect_with(database).await?;
    let folder: String = sqlx::query_scalar("select setting from pg_config where name = 'BINDIR'")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(Path::new(&folder).join("pgbench"))
}

/// The sorted latencies, in microseconds, of the log files that `pgbench` left in a folder.
fn latencies(folder: &Path) -> Result<Vec<u32>, Failure> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("latency.")) {
            continue;
        }
        // client, transaction, latency, script, second, microsecond
        for line in std::fs::read_to_string(&path)?.lines() {
            all.push(line.split(' ').nth(2).ok_or("a pgbench log line without a latency")?.parse()?);
        }
    }
    all.sort_unstable();
    Ok(all)
}
