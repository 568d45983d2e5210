//! A data folder, and the PostgreSQL that lives in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lumbung::data_dir::{DataDir, Secrets};
use lumbung::node::calendar;
use lumbung::postgres::{Cluster, ClusterOptions, Left, Role};
use lumbung_commands::Ledger;
use lumbung_commands::ledger::{Calendar, LedgerTask, Options};
use lumbung_journal::{MasterKey, app_pool};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

/// Removed at the end, with everything that runs in it.
pub(crate) struct Folder {
    temp: tempfile::TempDir,
    data: DataDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        // PostgreSQL's account, which is not ours if we are root, must be able to walk through.
        fs::set_permissions(temp.path(), Permissions::from_mode(0o711)).unwrap();
        let data = DataDir::open(&temp.path().join("data")).unwrap();
        Self { temp, data }
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Where a server of this folder writes what it has to say.
    pub(crate) fn log(&self, number: u32) -> PathBuf {
        self.temp.path().join(format!("server-{number}.log"))
    }

    /// The logs of all servers of this folder.
    pub(crate) fn logs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.temp.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect()
    }

    /// The main process of PostgreSQL, while it runs.
    pub(crate) fn postgres(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.data().join("postgres/postmaster.pid")).ok()?;
        let pid: i32 = text.lines().next()?.parse().ok()?;
        // A number may be in use again by somebody else's process.
        command_line(pid)?.contains(&self.temp.path().display().to_string()).then(|| Pid::from_raw(pid))
    }

    /// `kill -9` of PostgreSQL's main process; the others finish what they are at and end. Answers which one it was;
    /// `None` if there was none.
    pub(crate) fn kill_postgres(&self) -> Option<Pid> {
        let pid = self.postgres()?;
        // It may have ended in between, which is what was wanted.
        let _ = kill(pid, Signal::SIGKILL);
        Some(pid)
    }

    /// `kill -9` of every process of PostgreSQL, also of those in the middle of a commit.
    pub(crate) fn kill_all_of_postgres(&self) -> Option<Pid> {
        let children = self.postgres().map(children).unwrap_or_default();
        let pid = self.kill_postgres();
        for child in children {
            let _ = kill(child, Signal::SIGKILL);
        }
        pid
    }

    /// The keys of this folder.
    pub(crate) fn secrets(&self) -> Secrets {
        self.data.secrets().unwrap()
    }

    /// How to connect to the database as its superuser; stays the same whatever is killed and started again.
    pub(crate) async fn database(&self) -> PgConnectOptions {
        let attached = self.attach().await;
        let options = attached.cluster.url("lumbung");
        attached.leave().await;
        options
    }

    /// A look at the database beside the server that runs it. Ended by [`Attached::leave`], so that this process never
    /// takes the cluster over when the server is killed.
    pub(crate) async fn attach(&self) -> Attached {
        let options = ClusterOptions { ready_within: Duration::from_secs(180), ..ClusterOptions::default() };
        let cluster = Cluster::open(&self.data, &options).await.unwrap();
        assert_eq!(cluster.role(), Role::Attached, "the server is to own the cluster");
        let pool = app_pool(&cluster.url("lumbung"), 4).await.unwrap();
        Attached { cluster, pool, data: self.data.clone() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Some(pid) = self.postgres() else { return };
        let _ = kill(pid, Signal::SIGQUIT);
        let started = Instant::now();
        while self.postgres().is_some() && started.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// This process beside the server.
pub(crate) struct Attached {
    cluster: Cluster,
    pub(crate) pool: PgPool,
    data: DataDir,
}

impl Attached {
    /// Connections that may read everything.
    pub(crate) async fn superuser(&self) -> PgPool {
        crate::support::cluster::superuser(&self.cluster.url("lumbung")).await
    }

    /// A node of its own in this process, with the folder's keys.
    pub(crate) async fn ledger(&self) -> (Ledger, LedgerTask) {
        self.ledger_on(calendar("Asia/Jakarta".parse().unwrap())).await
    }

    /// As [`Attached::ledger`], with a business date of its own.
    pub(crate) async fn ledger_on(&self, calendar: Calendar) -> (Ledger, LedgerTask) {
        let secrets = self.data.secrets().unwrap();
        let master_key = MasterKey::new(*secrets.master_key.as_bytes());
        let options = Options::new(self.cluster.url("lumbung"), master_key, calendar);
        Ledger::open(options).await.unwrap()
    }

    pub(crate) async fn leave(self) {
        self.pool.close().await;
        assert_eq!(self.cluster.stop().await.unwrap(), Left::Running);
    }
}

/// How the process was started; `None` if there is none, or nobody has collected it yet.
fn command_line(pid: i32) -> Option<String> {
    let line = if Path::new("/proc/self").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).ok()?
    } else {
        let ps = std::process::Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
        ps.ok()?.stdout
    };
    (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
}

/// The processes that this one started; none where they cannot be seen.
fn children(pid: Pid) -> Vec<Pid> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|child| child.parse().ok()).map(Pid::from_raw).collect()
}
