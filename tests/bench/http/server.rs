//! The server that is measured: the real binary, as a process of its own, on a database of the cluster.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use lumbung::secret::SecretKey;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::wire::{Connection, request};
use crate::Failure;
use crate::arena::MASTER_KEY;

const READY: &str = "Lumbung is ready on http://";
const READY_WITHIN: Duration = Duration::from_secs(60);
const ENDS_WITHIN: Duration = Duration::from_secs(60);
/// How long the read models may take to show everything before the measurement fails.
const SHOWN_WITHIN: Duration = Duration::from_secs(120);

/// How the product is run.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    /// Data folder and log.
    pub(crate) folder: PathBuf,
    pub(crate) token_key: SecretKey,
}

/// Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) process: u32,
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
}

/// What its metrics say of the log and the read models.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Positions {
    pub(crate) ledger: i64,
    pub(crate) projected: i64,
    pub(crate) lag_events: i64,
    pub(crate) lag_seconds: f64,
}

impl Server {
    /// Starts it with production's defaults and waits until it listens.
    pub(crate) async fn start(setup: &Setup, database: &PgConnectOptions) -> Result<Self, Failure> {
        std::fs::create_dir_all(&setup.folder)?;
        let log_path = setup.folder.join("server.log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&log_path)?;
        let private = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = Command::new(&setup.binary);
        command.args(["serve", "--no-demo", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(setup.folder.join("data"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LUMBUNG_") {
                command.env_remove(name);
            }
        }
        command.env("DATABASE_URL", url(database)?);
        command.env("LUMBUNG_MASTER_KEY", &*SecretKey::from_hex(&hex(&MASTER_KEY))?.to_hex());
        command.env("LUMBUNG_TOKEN_KEY", &*setup.token_key.to_hex());
        command.env("LUMBUNG_METRICS_LISTEN", private.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let greeting = tokio::time::timeout(READY_WITHIN, greeting(stdout)).await;
        let Ok(Some(address)) = greeting else {
            return Err(format!("the server did not start:\n{}", tail(&log_path)).into());
        };
        let process = child.id().ok_or("the server ended at once")?;
        Ok(Self { child, process, address, metrics: private })
    }

    /// Reads its metrics, over a new connection: one that is not used for a minute is closed.
    pub(crate) async fn positions(&self) -> Result<Positions, Failure> {
        let mut connection = Connection::open(self.metrics).await?;
        let text = connection.succeed(&request("GET", "/metrics", &[], None)).await?;
        let text = std::str::from_utf8(text)?;
        let value = |name: &str| -> Result<f64, Failure> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            Ok(line.ok_or_else(|| format!("the server has no metric {name}"))?.trim().parse()?)
        };
        Ok(Positions {
            ledger: value("lumbung_ledger_position")? as i64,
            projected: value("lumbung_projection_position")? as i64,
            lag_events: value("lumbung_projection_lag_events")? as i64,
            // Told only once there was a lag.
            lag_seconds: value("lumbung_projection_lag_seconds").unwrap_or_default(),
        })
    }

    /// Waits until the read models show everything and no event comes any more, transfers that settle in the
    /// background included.
    pub(crate) async fn rest(&self) -> Result<Positions, Failure> {
        let began = Instant::now();
        let mut before = self.positions().await?;
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = self.positions().await?;
            if now.lag_events == 0 && now.ledger == before.ledger {
                return Ok(now);
            }
            if began.elapsed() > SHOWN_WITHIN {
                return Err(format!("the read models do not catch up: {now:?}").into());
            }
            before = now;
        }
    }

    /// Resident memory: now, and at its largest, in MB of 10⁶ bytes.
    pub(crate) fn memory_mb(&self) -> Result<(f64, f64), Failure> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process))?;
        let field = |name: &str| -> Result<f64, Failure> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no memory figure")?;
            let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
            Ok(kilobytes * 1_024.0 / 1e6)
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }

    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        kill(Pid::from_raw(i32::try_from(self.process)?), Signal::SIGTERM)?;
        let status = tokio::time::timeout(ENDS_WITHIN, self.child.wait()).await??;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

/// The address that the server prints once it serves. What it prints later is read and forgotten.
async fn greeting(stdout: tokio::process::ChildStdout) -> Option<SocketAddr> {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = line.strip_prefix(READY) {
            let address = address.parse().ok()?;
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some(address);
        }
    }
    None
}

fn free_port() -> Result<u16, Failure> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The address of a database behind a Unix socket.
fn url(database: &PgConnectOptions) -> Result<String, Failure> {
    let socket = database.get_socket().ok_or("the cluster has no socket")?;
    let folder: String = form_urlencoded::byte_serialize(socket.to_string_lossy().as_bytes()).collect();
    let (user, port) = (database.get_username(), database.get_port());
    let name = database.get_database().unwrap_or_default();
    Ok(format!("postgres://{user}@localhost:{port}/{name}?host={folder}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
