//! The main process of PostgreSQL: what its pid file says, whether it answers, how it is stopped.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Error};
use tokio::process::{Child, ChildStdin};
use tokio::time::{sleep, timeout};

use super::process::{self, Kind};
use super::{ClusterError, connect_options};

/// A fast stop writes one checkpoint; on a slow disk that takes a while.
const FAST_STOP: Duration = Duration::from_secs(60);
const IMMEDIATE_STOP: Duration = Duration::from_secs(15);
const ONE_ATTEMPT: Duration = Duration::from_secs(5);

/// A main process that this process watches.
#[derive(Debug)]
pub(super) enum Postmaster {
    /// Started by us: the kernel tells when it ends. The pipe, if any, tells its guard when we end.
    Child { child: Box<Child>, pid: i32, guard: Option<ChildStdin> },
    /// Started by an owner before us.
    Adopted { pid: i32 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) pid: i32,
    pub(super) socket: PathBuf,
    /// Whether commits reach the disk; known once it has answered.
    pub(super) fsync: bool,
}

/// What the cluster folder's pid file leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// Nothing runs there.
    Absent,
    /// A process is there but does not answer (yet).
    Starting {
        pid: i32,
    },
    /// A process believes it is ready, but its socket is gone, so nobody can ever reach it.
    Lost {
        pid: i32,
    },
    Ready(Running),
}

impl Postmaster {
    pub(super) fn pid(&self) -> i32 {
        match self {
            Self::Child { pid, .. } | Self::Adopted { pid } => *pid,
        }
    }

    pub(super) fn has_ended(&mut self) -> bool {
        match self {
            Self::Child { child, .. } => !matches!(child.try_wait(), Ok(None)),
            Self::Adopted { pid } => !matches!(process::kind(*pid), Kind::Postmaster | Kind::Unknown),
        }
    }

    /// Returns when the process has ended. May be dropped and called again.
    pub(super) async fn ended(&mut self) {
        if let Self::Child { child, .. } = self
            && child.wait().await.is_ok()
        {
            return;
        }
        while !self.has_ended() {
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Fast stop: connections are cut, open transactions rolled back, everything committed written. If that
    /// takes too long, an immediate stop, after which the next start recovers from the log.
    pub(super) async fn stop(mut self) -> Result<(), ClusterError> {
        self.dismiss_guard().await;
        for (signal, limit) in [(Signal::SIGINT, FAST_STOP), (Signal::SIGQUIT, IMMEDIATE_STOP)] {
            process::send(self.pid(), signal);
            if timeout(limit, self.ended()).await.is_ok() {
                return Ok(());
            }
        }
        Err(ClusterError::NotStopping { pid: self.pid() })
    }

    /// A line from us, as opposed to the end of the pipe, sends the guard away.
    async fn dismiss_guard(&mut self) {
        use tokio::io::AsyncWriteExt;
        if let Self::Child { guard, .. } = self
            && let Some(mut pipe) = guard.take()
        {
            // A guard that is gone already needs no line.
            let _ = pipe.write_all(b"\n").await;
        }
    }
}

/// Looks for a running PostgreSQL in the cluster folder and tries to connect to it.
pub(super) async fn probe(cluster: &Path) -> Result<Probe, ClusterError> {
    let Some((pid, socket, says_ready)) = pid_file(cluster) else { return Ok(Probe::Absent) };
    let kind = process::kind(pid);
    if matches!(kind, Kind::Gone | Kind::Other) {
        return Ok(Probe::Absent);
    }
    // Where a process is only known to exist, silence may mean that it is another program.
    let silent = if kind == Kind::Postmaster { Probe::Starting { pid } } else { Probe::Absent };
    let Some(socket) = socket else { return Ok(silent) };
    match timeout(ONE_ATTEMPT, ask(&socket)).await {
        Ok(Ok((folder, fsync))) if same_folder(Path::new(&folder), cluster) => {
            Ok(Probe::Ready(Running { pid, socket, fsync }))
        }
        Ok(Err(Error::Io(error))) if error.kind() == ErrorKind::NotFound && says_ready => match silent {
            Probe::Starting { pid } => Ok(Probe::Lost { pid }),
            other => Ok(other),
        },
        Ok(_) | Err(_) => Ok(silent),
    }
}

async fn ask(socket: &Path) -> Result<(String, bool), Error> {
    let mut connection = PgConnection::connect_with(&connect_options(socket, "postgres")).await?;
    let answer = sqlx::query_as("select current_setting('data_directory'), current_setting('fsync')::bool")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(answer)
}

fn same_folder(one: &Path, other: &Path) -> bool {
    one == other
        || fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// Removes a pid file whose process is gone, or is another program by now. PostgreSQL would do so itself in
/// the first case and refuse to start in the second. Only to be called when no process of the cluster lives:
/// this file is one of the two things that keep two PostgreSQLs off the same data.
pub(super) fn remove_stale_pid_files(cluster: &Path, socket: &Path, port: u16) {
    let stale =
        pid_file(cluster).is_none_or(|(pid, ..)| matches!(process::kind(pid), Kind::Gone | Kind::Other));
    if stale {
        let name = format!(".s.PGSQL.{port}");
        for path in [socket.join(&name), socket.join(format!("{name}.lock")), cluster.join("postmaster.pid")]
        {
            // Usually missing; what cannot be removed PostgreSQL will complain about in its own words.
            let _ = fs::remove_file(path);
        }
    }
}

/// Process, socket folder and readiness from `postmaster.pid`: its lines 1, 5 and 8. It grows while
/// PostgreSQL starts.
fn pid_file(cluster: &Path) -> Option<(i32, Option<PathBuf>, bool)> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    // A negative number would mean a single-user session, which has no socket.
    let pid = lines.first()?.parse::<i32>().ok().filter(|pid| *pid > 0)?;
    let socket = lines.get(4).filter(|line| line.starts_with('/')).map(PathBuf::from);
    Some((pid, socket, lines.get(7).is_some_and(|status| *status == "ready")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pid_files_are_read_in_every_stage() {
        let temp = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            fs::write(temp.path().join("postmaster.pid"), text).unwrap();
            pid_file(temp.path())
        };
        assert_eq!(pid_file(Path::new("/nowhere")), None);
        assert_eq!(read(""), None);
        assert_eq!(read("77\n/d\n1700000000\n5432\n"), Some((77, None, false)));
        let full = "77\n/d\n1700000000\n5432\n/s\n\n  1 2\nready   \n";
        assert_eq!(read(full), Some((77, Some(PathBuf::from("/s")), true)));
    }

    #[tokio::test]
    async fn a_number_that_belongs_to_another_program_is_no_cluster() {
        let temp = tempfile::tempdir().unwrap();
        let text = format!("{}\n/d\n1\n5432\n/nowhere\n\n\nready\n", std::process::id());
        fs::write(temp.path().join("postmaster.pid"), text).unwrap();
        assert_eq!(probe(temp.path()).await.unwrap(), Probe::Absent);
    }
}
