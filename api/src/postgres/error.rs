//! What can go wrong with the private cluster.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Exit;
use crate::data_dir::DataDirError;

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "PostgreSQL 15 or newer was not found on this machine{}; install it (Debian, Ubuntu: \
         `apt-get install postgresql`; Fedora: `dnf install postgresql-server`; macOS: \
         `brew install postgresql@17`), or set DATABASE_URL",
        older(*newest)
    )]
    NotInstalled {
        /// The newest version found, if all were too old.
        newest: Option<u32>,
    },
    #[error(
        "the cluster in {} was made by PostgreSQL {cluster}, but this machine has {}; install \
         PostgreSQL {cluster}, or move the data with pg_upgrade or pg_dump",
        path.display(), list(installed)
    )]
    OtherMajorVersion { path: PathBuf, cluster: u32, installed: Vec<u32> },
    #[error("{} holds something that is not a PostgreSQL cluster; move it away", path.display())]
    NotACluster { path: PathBuf },
    #[error(
        "PostgreSQL refuses to run as root, and the account `{account}` cannot enter {}; choose another \
         --data-dir (such as /var/lib/lumbung), or run lumbung as an ordinary user",
        path.display()
    )]
    Unreachable { account: String, path: PathBuf },
    #[error(
        "PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody` to run it under"
    )]
    NoAccount,
    #[error("cannot run {} as {account}", program.display())]
    CannotRun { program: PathBuf, account: String, source: io::Error },
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("initdb could not create the cluster in {}:\n{output}", path.display())]
    Initdb { path: PathBuf, output: String },
    #[error("PostgreSQL did not start; the end of {}:\n{tail}", log.display())]
    Start { log: PathBuf, tail: String },
    #[error("PostgreSQL did not answer within {} s; the end of {}:\n{tail}", waited.as_secs(), log.display())]
    NotReady { waited: Duration, log: PathBuf, tail: String },
    #[error("PostgreSQL (process {pid}) does not stop")]
    NotStopping { pid: i32 },
    #[error("processes of an earlier PostgreSQL, perhaps of another container, still use {}", path.display())]
    StillUsed { path: PathBuf },
    #[error("another lumbung owns {}, but its PostgreSQL does not answer", path.display())]
    Busy { path: PathBuf },
    #[error("no folder for PostgreSQL's socket is private and has a short path (tried {})", tried.display())]
    NoSocketFolder { tried: PathBuf },
    #[error("cannot {action}")]
    Sql { action: &'static str, source: sqlx::Error },
    #[error("the task that watches PostgreSQL has ended")]
    Supervisor,
}

impl ClusterError {
    /// The environment is what is missing here, whatever it is in detail.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Supervisor => Exit::Fatal,
            _ => Exit::Environment,
        }
    }
}

fn older(newest: Option<u32>) -> String {
    newest.map(|version| format!(" (only version {version})")).unwrap_or_default()
}

fn list(versions: &[u32]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    versions.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
