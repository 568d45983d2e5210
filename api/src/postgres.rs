//! The private PostgreSQL of a data folder: found on this machine, created, started, watched and stopped.
//!
//! Rules:
//! - One process owns a data folder (`owner.lock`); it starts, restarts and stops PostgreSQL. Any other
//!   process that opens the folder attaches to the running cluster, and takes over if the owner goes away.
//! - PostgreSQL outlives its owner's sudden death. The next process to own the folder adopts it.
//! - PostgreSQL itself holds `postgres.lock` as long as any of its processes lives, so that a second one is
//!   never started over the rest of a crashed one, not even where that rest cannot be seen (another container
//!   on the same folder).
//! - PostgreSQL is stopped only by a clean stop of the owner, and only if nobody is attached (`users.lock`).
//! - It listens on a Unix socket in a folder that only its own account (and root) can enter; that folder's
//!   mode is the authentication. There is no TCP port.
//! - It never runs as root: root starts it under the account that owns the cluster folder, or `postgres`, or
//!   `nobody`.

mod account;
mod error;
mod files;
mod install;
mod launch;
mod locks;
mod log;
mod postmaster;
mod process;
mod socket;
mod supervisor;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{Connection, Executor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use error::ClusterError;

use crate::data_dir::DataDir;
use launch::Launcher;
use locks::Locks;
use postmaster::{Postmaster, Probe};
use supervisor::Supervisor;

/// The superuser of the private cluster, and the only role that initdb creates.
pub const SUPERUSER: &str = "lumbung";

/// Names the socket file; nothing listens on a port.
const PORT: u16 = 5432;

#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Whether commits reach the disk. `false` is for tests that may lose everything.
    pub fsync: bool,
    /// More PostgreSQL settings; they win over ours.
    pub settings: Vec<(String, String)>,
    /// Longest wait for a start, crash recovery included.
    pub ready_within: Duration,
    /// Stop PostgreSQL at once when this process ends, however it ends: for the cluster of a test run, which
    /// nobody will adopt.
    pub stop_with_process: bool,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            fsync: true,
            settings: Vec::new(),
            ready_within: Duration::from_secs(300),
            stop_with_process: false,
        }
    }
}

/// What this process is to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It watches PostgreSQL and stops it at the end.
    Owner,
    /// Another process does.
    Attached,
}

/// How the opened cluster was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// There was none: it was created.
    Created,
    /// It was stopped, or had crashed, and was started.
    Stopped,
    /// It ran without an owner, who had died.
    Orphan,
    /// It runs under another process.
    Owned,
}

/// A running cluster. Dropped without [`Cluster::stop`] it goes on running, as after a `kill -9`.
#[derive(Debug)]
pub struct Cluster {
    socket: PathBuf,
    found: Found,
    owner: Arc<AtomicBool>,
    stop: Option<oneshot::Sender<()>>,
    supervisor: Option<JoinHandle<Result<Left, ClusterError>>>,
}

/// What [`Cluster::stop`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// PostgreSQL was stopped.
    Stopped,
    /// PostgreSQL goes on running: another process owns it or is attached to it.
    Running,
}

impl Cluster {
    /// Opens the cluster of the data folder: creates, starts, adopts or joins it, whichever it needs, and
    /// returns when it answers queries.
    ///
    /// Errors: no PostgreSQL on this machine, another major version, a folder its account cannot reach, a
    /// start that failed (with the end of PostgreSQL's own log), or no answer in time.
    pub async fn open(data: &DataDir, options: &ClusterOptions) -> Result<Self, ClusterError> {
        let locks = Locks::open(data)?;
        let mut launcher = Launcher::new(data, options);
        let started = Instant::now();
        let mut said = false;
        loop {
            if locks.try_own()? {
                let (found, postmaster) = launcher.adopt_or_start().await?;
                return Self::watch(launcher, locks, found, Some(postmaster));
            }
            // Taken before the look, so that the owner cannot stop PostgreSQL between the look and the use.
            if locks.try_share()?
                && let Probe::Ready(running) = postmaster::probe(&launcher.cluster).await?
            {
                launcher.socket = Some(running.socket);
                return Self::watch(launcher, locks, Found::Owned, None);
            }
            let waited = started.elapsed();
            if !said && waited > Duration::from_secs(2) {
                said = true;
                tracing::info!(path = %data.path().display(), "waiting for the PostgreSQL of another lumbung");
            }
            if waited >= options.ready_within {
                return Err(ClusterError::Busy { path: data.path().to_path_buf() });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn watch(
        launcher: Launcher,
        locks: Locks,
        found: Found,
        postmaster: Option<Postmaster>,
    ) -> Result<Self, ClusterError> {
        let socket = launcher.socket()?;
        tracing::info!(?found, socket = %socket.display(), "the private PostgreSQL is ready");
        let owner = Arc::new(AtomicBool::new(postmaster.is_some()));
        let (stop, stopped) = oneshot::channel();
        let supervisor = Supervisor::new(launcher, locks, postmaster, Arc::clone(&owner));
        let supervisor = Some(tokio::spawn(supervisor.run(stopped)));
        Ok(Self { socket, found, owner, stop: Some(stop), supervisor })
    }

    /// How to connect to a database of this cluster, as its superuser.
    pub fn url(&self, database: &str) -> PgConnectOptions {
        connect_options(&self.socket, database)
    }

    /// The folder of the Unix socket, for `psql -h`.
    pub fn socket_folder(&self) -> &std::path::Path {
        &self.socket
    }

    /// Changes from attached to owner when the owner goes away.
    pub fn role(&self) -> Role {
        if self.owner.load(Ordering::Acquire) { Role::Owner } else { Role::Attached }
    }

    pub fn found(&self) -> Found {
        self.found
    }

    /// Creates the database if it is missing: UTF8, C locale, from the pristine template.
    pub async fn ensure_database(&self, name: &str) -> Result<(), ClusterError> {
        let failed = |source| ClusterError::Sql { action: "create the database", source };
        let mut connection = PgConnection::connect_with(&self.url("postgres")).await.map_err(failed)?;
        let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        if !exists {
            let quoted = name.replace('"', "\"\"");
            let create = format!(
                "create database \"{quoted}\" template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
            );
            match connection.execute(create.as_str()).await {
                // Two servers of one folder may both find it missing; either error says the other was faster.
                Err(sqlx::Error::Database(error))
                    if matches!(error.code().as_deref(), Some("42P04" | "23505")) => {}
                Err(error) => return Err(failed(error)),
                Ok(_) => {}
            }
        }
        connection.close().await.map_err(failed)
    }

    /// Leaves the cluster. The owner stops PostgreSQL (connections are cut, nothing committed is lost),
    /// unless another process is attached.
    pub async fn stop(mut self) -> Result<Left, ClusterError> {
        if let Some(stop) = self.stop.take() {
            // No receiver means the supervisor has ended already; joining it says why.
            let _ = stop.send(());
        }
        match self.supervisor.take() {
            Some(supervisor) => supervisor.await.map_err(|_| ClusterError::Supervisor)?,
            None => Ok(Left::Running),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor.take() {
            supervisor.abort();
        }
    }
}

/// Says everything itself, so that PGHOST and the like in the environment change nothing.
fn connect_options(socket: &std::path::Path, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket)
        .port(PORT)
        .username(SUPERUSER)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
        .application_name("lumbung")
}
