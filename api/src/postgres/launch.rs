//! Creating and starting the cluster of a data folder. Only the owner of the folder gets here.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::time::sleep;

use super::account::Account;
use super::files::failed;
use super::install::Install;
use super::log::Log;
use super::postmaster::{Postmaster, Probe, probe, remove_stale_pid_files};
use super::{ClusterError, ClusterOptions, Found, PORT, SUPERUSER, locks, process, socket};
use crate::data_dir::DataDir;

/// How long processes of a crashed PostgreSQL may take to notice that their main process is gone.
const LEFTOVERS: Duration = Duration::from_secs(5);
/// How long to try to start beside processes that hold the cluster and do not end.
const GIVE_UP: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Launcher {
    data: DataDir,
    options: ClusterOptions,
    pub(super) cluster: PathBuf,
    /// Names the cluster in its process titles, so that its processes can be told from those of any other.
    name: String,
    pub(super) log: Log,
    /// Fixed once known: connections are made to it all the process's life.
    pub(super) socket: Option<PathBuf>,
}

impl Launcher {
    pub(super) fn new(data: &DataDir, options: &ClusterOptions) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let digest = Sha256::digest(data.path().as_os_str().as_bytes());
        let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self {
            data: data.clone(),
            options: options.clone(),
            cluster: data.cluster(),
            name: format!("lumbung-{hash}"),
            log: Log::of(data),
            socket: None,
        }
    }

    pub(super) fn socket(&self) -> Result<PathBuf, ClusterError> {
        self.socket
            .clone()
            .ok_or_else(|| ClusterError::NoSocketFolder { tried: self.data.path().join("run") })
    }

    /// Takes over what runs in the folder, or starts it.
    pub(super) async fn adopt_or_start(&mut self) -> Result<(Found, Postmaster), ClusterError> {
        let deadline = Instant::now() + self.options.ready_within;
        loop {
            match probe(&self.cluster).await? {
                Probe::Absent => break,
                Probe::Ready(running) if running.fsync || !self.options.fsync => {
                    self.socket = Some(running.socket);
                    return Ok((Found::Orphan, Postmaster::Adopted { pid: running.pid }));
                }
                Probe::Ready(running) => {
                    tracing::warn!("the running PostgreSQL does not write safely; it is started anew");
                    Postmaster::Adopted { pid: running.pid }.stop().await?;
                }
                Probe::Lost { pid } if process::is_of_cluster(pid, &self.name) => {
                    tracing::warn!(pid, "the running PostgreSQL has lost its socket; it is started anew");
                    Postmaster::Adopted { pid }.stop().await?;
                }
                Probe::Lost { .. } | Probe::Starting { .. } if Instant::now() < deadline => {
                    sleep(Duration::from_millis(100)).await;
                }
                Probe::Lost { .. } | Probe::Starting { .. } => return Err(self.not_ready(0)),
            }
        }
        let version = self.version()?;
        let found = if version.is_some() { Found::Stopped } else { Found::Created };
        Ok((found, self.start(version, deadline).await?))
    }

    async fn start(&mut self, version: Option<u32>, deadline: Instant) -> Result<Postmaster, ClusterError> {
        let account = Account::choose(&self.data)?;
        let install = Install::choose(&self.cluster, version).await?;
        account.check(&install.program("postgres"), self.data.path()).await?;
        if version.is_none() {
            self.create(&install, account).await?;
        }
        let socket = match &self.socket {
            Some(socket) => socket.clone(),
            None => socket::folder(&self.data, account, &self.name)?,
        };
        self.socket = Some(socket.clone());
        let give_up = deadline.min(Instant::now() + GIVE_UP);
        loop {
            let lock = self.outlive_leftovers(give_up).await?;
            remove_stale_pid_files(&self.cluster, &socket, PORT);
            let from = self.log.length();
            let mut postmaster = self.spawn(&install, account, lock)?;
            match self.wait_until_ready(&mut postmaster, from, deadline).await {
                // One that did not start from here, and that we cannot see, is still at it: PostgreSQL itself
                // refuses.
                Err(ClusterError::Start { tail, .. })
                    if (tail.contains("pre-existing shared memory block") || tail.contains("lock file"))
                        && Instant::now() < give_up =>
                {
                    sleep(Duration::from_millis(500)).await;
                }
                other => return other.map(|()| postmaster),
            }
        }
    }

    /// The major version of the existing cluster; none if it has to be created.
    fn version(&self) -> Result<Option<u32>, ClusterError> {
        let not_a_cluster = || ClusterError::NotACluster { path: self.cluster.clone() };
        match fs::read_to_string(self.cluster.join("PG_VERSION")) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| not_a_cluster()),
            // An empty folder is no cluster either, but nothing is lost with it.
            Err(error) if error.kind() == ErrorKind::NotFound => match fs::remove_dir(&self.cluster) {
                Ok(()) => Ok(None),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(_) => Err(not_a_cluster()),
            },
            Err(error) => Err(failed("read", &self.cluster.join("PG_VERSION"))(error)),
        }
    }

    /// Runs initdb beside the final place and renames, so that an interrupted one leaves no half cluster.
    async fn create(&self, install: &Install, account: Account) -> Result<(), ClusterError> {
        self.remove_unfinished()?;
        let folder = self.data.path().join(format!("postgres.new.{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&folder).map_err(failed("create", &folder))?;
        account.give(&folder)?;
        let program = install.program("initdb");
        let mut command = account.command(&program);
        command.arg("--pgdata").arg(&folder).args(["--username", SUPERUSER]);
        command.args(["--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"]);
        command.args(["--auth-local=trust", "--auth-host=reject"]);
        if !self.options.fsync {
            command.arg("--no-sync");
        }
        let output = command.kill_on_drop(true).output().await;
        let output =
            output.map_err(|source| ClusterError::CannotRun { program, account: account.name(), source })?;
        if !output.status.success() {
            let output = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
            return Err(ClusterError::Initdb { path: folder, output });
        }
        fs::rename(&folder, &self.cluster).map_err(failed("rename", &folder))?;
        let synced = File::open(self.data.path()).and_then(|folder| folder.sync_all());
        synced.map_err(failed("write", self.data.path()))
    }

    fn remove_unfinished(&self) -> Result<(), ClusterError> {
        let entries = fs::read_dir(self.data.path()).map_err(failed("list", self.data.path()))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with("postgres.new.") {
                fs::remove_dir_all(entry.path()).map_err(failed("remove", &entry.path()))?;
            }
        }
        Ok(())
    }

    /// After a crash of PostgreSQL: waits for its processes to end and ends those that do not. Returns the
    /// lock that all processes of the next one will hold.
    async fn outlive_leftovers(&self, give_up: Instant) -> Result<File, ClusterError> {
        let path = self.data.path().join("postgres.lock");
        let end = Instant::now() + LEFTOVERS;
        loop {
            if let Some(lock) = locks::try_exclusive(&self.data, &path)? {
                return Ok(lock);
            }
            if Instant::now() >= give_up {
                return Err(ClusterError::StillUsed { path: self.cluster.clone() });
            }
            if Instant::now() >= end {
                for pid in process::of_cluster(&self.name) {
                    tracing::warn!(pid, "a process of the crashed PostgreSQL is ended");
                    process::send(pid, Signal::SIGKILL);
                }
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Starts the main process in a process group of its own: it survives us, and Ctrl-C does not reach it.
    /// The lock goes along as its standard input, which it never reads and all its children share.
    fn spawn(&self, install: &Install, account: Account, lock: File) -> Result<Postmaster, ClusterError> {
        let log = self.log.open(&self.data)?;
        let errors = log.try_clone().map_err(failed("open", self.log.path()))?;
        let program = install.program("postgres");
        let mut command = account.command(&program);
        command.arg("-D").arg(&self.cluster).process_group(0).stdin(lock).stdout(log).stderr(errors);
        self.set(&mut command)?;
        let cannot =
            |source| ClusterError::CannotRun { program: program.clone(), account: account.name(), source };
        let child = command.spawn().map_err(cannot)?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid
            .ok_or_else(|| ClusterError::Start { log: self.log.path().to_path_buf(), tail: String::new() })?;
        let guard = if self.options.stop_with_process {
            // Reads a line or the end of the pipe: the latter means that we are gone.
            let mut shell = account.command(std::path::Path::new("/bin/sh"));
            shell.args(["-c", "read line || kill -QUIT \"$1\"", "sh", &pid.to_string()]);
            let mut shell = shell.process_group(0).stdin(Stdio::piped()).spawn().map_err(cannot)?;
            shell.stdin.take()
        } else {
            None
        };
        Ok(Postmaster::Child { child: Box::new(child), pid, guard })
    }

    fn set(&self, command: &mut Command) -> Result<(), ClusterError> {
        let on = |on: bool| if on { "on" } else { "off" }.to_owned();
        // A list of folders, in which quotes keep a comma inside a path.
        let folder = self.socket()?.display().to_string().replace('"', "\"\"");
        let ours = [
            ("listen_addresses", String::new()),
            ("port", PORT.to_string()),
            ("unix_socket_directories", format!("\"{folder}\"")),
            ("unix_socket_permissions", "0700".to_owned()),
            ("cluster_name", self.name.clone()),
            ("update_process_title", on(true)),
            ("shared_buffers", "256MB".to_owned()),
            ("max_wal_size", "4GB".to_owned()),
            ("wal_compression", on(true)),
            ("jit", on(false)),
            ("max_connections", "100".to_owned()),
            ("timezone", "UTC".to_owned()),
            ("log_timezone", "UTC".to_owned()),
            ("log_destination", "stderr".to_owned()),
            ("logging_collector", on(false)),
            ("fsync", on(self.options.fsync)),
        ];
        let extra = self.options.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in ours.into_iter().chain(extra) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        Ok(())
    }

    async fn wait_until_ready(
        &self,
        postmaster: &mut Postmaster,
        from: u64,
        deadline: Instant,
    ) -> Result<(), ClusterError> {
        loop {
            if postmaster.has_ended() {
                return Err(ClusterError::Start {
                    log: self.log.path().to_path_buf(),
                    tail: self.log.tail(from),
                });
            }
            if let Probe::Ready(running) = probe(&self.cluster).await?
                && running.pid == postmaster.pid()
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.not_ready(from));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn not_ready(&self, from: u64) -> ClusterError {
        ClusterError::NotReady {
            waited: self.options.ready_within,
            log: self.log.path().to_path_buf(),
            tail: self.log.tail(from),
        }
    }
}
