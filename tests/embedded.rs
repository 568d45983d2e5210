//! The private PostgreSQL, with real clusters: created, shared, orphaned, crashed, refused.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lumbung::data_dir::DataDir;
use lumbung::postgres::{Cluster, ClusterError, ClusterOptions, Found, Left, Role};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

const HOLD: &str = "LUMBUNG_TEST_HOLD";
const GUARDED: &str = "LUMBUNG_TEST_GUARDED";

/// A data folder that leaves no PostgreSQL behind, however the test ends.
struct Folder {
    temp: tempfile::TempDir,
    data: DataDir,
}

impl Folder {
    fn new() -> Self {
        Self::named("data")
    }

    fn named(name: &str) -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::set_permissions(temp.path(), Permissions::from_mode(0o711)).unwrap();
        let data = DataDir::open(&temp.path().join(name)).unwrap();
        Self { temp, data }
    }

    fn pid_file(&self) -> PathBuf {
        self.data.path().join("postgres/postmaster.pid")
    }

    fn pid(&self) -> i32 {
        let text = fs::read_to_string(self.pid_file()).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    async fn open(&self) -> Result<Cluster, ClusterError> {
        Cluster::open(&self.data, &options()).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.pid_file().exists() && Path::new(&format!("/proc/{}/cmdline", self.pid())).exists() {
            let pid = self.pid();
            let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if line.contains(&self.temp.path().display().to_string()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
            }
        }
    }
}

fn options() -> ClusterOptions {
    ClusterOptions {
        fsync: false,
        settings: vec![("shared_buffers".to_owned(), "16MB".to_owned())],
        ready_within: Duration::from_secs(60),
        stop_with_process: false,
    }
}

async fn connect(cluster: &Cluster, database: &str) -> PgConnection {
    PgConnection::connect_with(&cluster.url(database)).await.unwrap()
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(connection).await.unwrap()
}

async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn runs(pid: i32) -> bool {
    // A dead process that nobody has collected has no command line.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// Another process that owns the cluster of the folder, to be killed.
struct Holder(Child);

impl Holder {
    fn start(folder: &Folder, guarded: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "embedded::hold_a_cluster_for_another_test", "--nocapture"]);
        command.env(HOLD, folder.data.path()).env("LUMBUNG_MASTER_KEY", "not for postgres");
        if guarded {
            command.env(GUARDED, "1");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let ready = lines.map_while(Result::ok).any(|line| line.contains("HOLDING"));
        assert!(ready, "the other process did not open the cluster");
        Self(child)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The other process of [`Holder`]; without its variable there is nothing to hold.
#[tokio::test]
async fn hold_a_cluster_for_another_test() {
    let Some(path) = std::env::var_os(HOLD) else { return };
    let data = DataDir::open(Path::new(&path)).unwrap();
    let stop_with_process = std::env::var_os(GUARDED).is_some();
    let cluster = Cluster::open(&data, &ClusterOptions { stop_with_process, ..options() }).await.unwrap();
    assert_eq!(cluster.role(), Role::Owner);
    println!("HOLDING");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_fresh_cluster_has_our_settings_and_keeps_its_data_over_a_stop() {
    let folder = Folder::new();
    let safe = ClusterOptions { fsync: true, ..options() };
    let cluster = Cluster::open(&folder.data, &safe).await.unwrap();
    assert_eq!((cluster.found(), cluster.role()), (Found::Created, Role::Owner));
    cluster.ensure_database("lumbung").await.unwrap();
    cluster.ensure_database("lumbung").await.unwrap();
    let mut connection = connect(&cluster, "lumbung").await;
    for (name, value) in [
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("max_wal_size", "4GB"),
        ("jit", "off"),
        ("fsync", "on"),
        ("max_connections", "100"),
        ("shared_buffers", "16MB"),
    ] {
        assert_eq!(setting(&mut connection, name).await, value, "{name}");
    }
    assert_ne!(setting(&mut connection, "wal_compression").await, "off");
    connection.execute("create table kept (n int); insert into kept values (7)").await.unwrap();
    drop(connection);

    assert_eq!(fs::metadata(cluster.socket_folder()).unwrap().mode() & 0o777, 0o700);
    if let Ok(status) = fs::read_to_string(format!("/proc/{}/status", folder.pid())) {
        let field =
            |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        assert!(!field("Uid:").starts_with("0\t"), "PostgreSQL runs as root");
        if Uid::effective().is_root() {
            assert_eq!(field("Groups:"), "", "PostgreSQL keeps root's groups");
        }
    }
    assert_eq!(cluster.stop().await.unwrap(), Left::Stopped);
    assert!(!folder.pid_file().exists());

    let cluster = folder.open().await.unwrap();
    assert_eq!(cluster.found(), Found::Stopped);
    let mut connection = connect(&cluster, "lumbung").await;
    let kept: i32 = sqlx::query_scalar("select n from kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 7);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_process_attaches_and_takes_over_when_the_owner_leaves() {
    let folder = Folder::named("a, \"b\"");
    let owner = folder.open().await.unwrap();
    assert!(owner.socket_folder().starts_with(folder.data.path()));
    let pid = folder.pid();
    let short = folder.open().await.unwrap();
    assert_eq!((short.found(), short.role()), (Found::Owned, Role::Attached));
    assert_eq!(short.stop().await.unwrap(), Left::Running);
    assert_eq!(folder.pid(), pid);
    drop(connect(&owner, "postgres").await);

    let second = folder.open().await.unwrap();
    assert_eq!(second.role(), Role::Attached);
    assert_eq!(owner.stop().await.unwrap(), Left::Running);
    drop(connect(&second, "postgres").await);
    wait_until("the attached process takes over", || second.role() == Role::Owner).await;
    assert_eq!(folder.pid(), pid);
    assert_eq!(second.stop().await.unwrap(), Left::Stopped);
    wait_until("PostgreSQL ends", || !runs(pid)).await;
}

#[tokio::test]
async fn the_last_attached_process_stops_what_a_killed_owner_left() {
    let folder = Folder::new();
    let holder = Holder::start(&folder, false);
    let attached = folder.open().await.unwrap();
    let pid = folder.pid();
    assert_eq!(attached.role(), Role::Attached);
    holder.kill();
    assert_eq!(attached.stop().await.unwrap(), Left::Stopped);
    assert!(!runs(pid));
}

#[tokio::test]
async fn an_orphan_of_a_killed_owner_is_adopted() {
    let folder = Folder::new();
    let holder = Holder::start(&folder, false);
    let pid = folder.pid();
    if let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) {
        assert!(!String::from_utf8_lossy(&environment).contains("not for postgres"), "our keys went along");
    }
    holder.kill();
    assert!(runs(pid), "PostgreSQL outlives its owner");
    let cluster = folder.open().await.unwrap();
    assert_eq!((cluster.found(), cluster.role()), (Found::Orphan, Role::Owner));
    assert_eq!(folder.pid(), pid);
    assert_eq!(cluster.stop().await.unwrap(), Left::Stopped);
    assert!(!runs(pid));
}

#[tokio::test]
async fn an_orphan_that_writes_unsafely_or_lost_its_socket_is_started_anew() {
    let folder = Folder::new();
    Holder::start(&folder, false).kill();
    let unsafe_pid = folder.pid();
    let safe = ClusterOptions { fsync: true, ..options() };
    let cluster = Cluster::open(&folder.data, &safe).await.unwrap();
    assert_eq!(setting(&mut connect(&cluster, "postgres").await, "fsync").await, "on");
    assert_ne!(folder.pid(), unsafe_pid);
    cluster.stop().await.unwrap();

    Holder::start(&folder, false).kill();
    let lost_pid = folder.pid();
    fs::remove_file(folder.data.path().join("run/.s.PGSQL.5432")).unwrap();
    let cluster = folder.open().await.unwrap();
    assert_eq!(cluster.found(), Found::Stopped);
    assert!(!runs(lost_pid));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_postgres_and_a_killed_owner_leave_nothing_in_the_way() {
    let folder = Folder::new();
    let holder = Holder::start(&folder, false);
    let pid = folder.pid();
    holder.kill();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    assert!(folder.pid_file().exists());
    let cluster = folder.open().await.unwrap();
    assert_eq!(cluster.found(), Found::Stopped);
    assert_ne!(folder.pid(), pid);
    cluster.stop().await.unwrap();

    // The number is in use again, by a program of the same account as PostgreSQL's: PostgreSQL alone would
    // refuse.
    let owner = fs::metadata(folder.data.path().join("postgres")).unwrap();
    let mut other = Command::new("sleep");
    std::os::unix::process::CommandExt::uid(&mut other, owner.uid());
    let mut other = other.arg("60").current_dir("/").spawn().unwrap();
    let line = format!("{}\n{}\n1\n5432\n/nowhere\n\n\nready\n", other.id(), folder.data.path().display());
    fs::write(folder.pid_file(), &line).unwrap();
    let lock = folder.data.path().join("run/.s.PGSQL.5432.lock");
    fs::write(&lock, &line).unwrap();
    let cluster = folder.open().await.unwrap();
    assert_eq!(cluster.found(), Found::Stopped);
    assert!(other.try_wait().unwrap().is_none(), "the other program must be left alone");
    other.kill().unwrap();
    other.wait().unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn nothing_is_started_over_processes_that_cannot_be_seen() {
    let folder = Folder::new();
    let cluster = folder.open().await.unwrap();
    let lock = fs::File::open(folder.data.path().join("postgres.lock")).unwrap();
    assert!(lock.try_lock().is_err(), "a running PostgreSQL holds the lock");
    cluster.stop().await.unwrap();
    lock.lock().unwrap();
    let impatient = ClusterOptions { ready_within: Duration::from_secs(1), ..options() };
    let refused = Cluster::open(&folder.data, &impatient).await.unwrap_err();
    assert!(matches!(refused, ClusterError::StillUsed { .. }), "{refused}");
    drop(lock);
    folder.open().await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_backend_that_outlives_a_crash_is_ended_first() {
    let folder = Folder::new();
    let holder = Holder::start(&folder, false);
    let pid = folder.pid();
    let attached = folder.open().await.unwrap();
    let mut connection = connect(&attached, "postgres").await;
    drop(attached);
    let backend: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
    // A stopped process cannot notice that its main process is gone.
    kill(Pid::from_raw(backend), Signal::SIGSTOP).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    holder.kill();
    assert!(runs(backend));
    let cluster = folder.open().await.unwrap();
    assert_eq!(cluster.found(), Found::Stopped);
    assert!(!runs(backend));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn postgres_is_started_again_when_it_dies_under_its_owner() {
    let folder = Folder::new();
    let cluster = folder.open().await.unwrap();
    for _ in 0..2 {
        let pid = folder.pid();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        let started = Instant::now();
        while PgConnection::connect_with(&cluster.url("postgres")).await.is_err() || folder.pid() == pid {
            assert!(started.elapsed() < Duration::from_secs(30), "PostgreSQL came back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    assert_eq!(cluster.stop().await.unwrap(), Left::Stopped);
}

#[tokio::test]
async fn a_guarded_cluster_ends_with_its_process() {
    let folder = Folder::new();
    let holder = Holder::start(&folder, true);
    let pid = folder.pid();
    holder.kill();
    wait_until("PostgreSQL ends with the process that guards it", || !runs(pid)).await;

    let guarded = ClusterOptions { stop_with_process: true, ..options() };
    let cluster = Cluster::open(&folder.data, &guarded).await.unwrap();
    assert_eq!(cluster.stop().await.unwrap(), Left::Stopped);
}

#[tokio::test]
async fn another_major_version_and_a_foreign_folder_are_clear_errors() {
    let folder = Folder::new();
    let cluster = folder.data.path().join("postgres");
    fs::create_dir(&cluster).unwrap();
    fs::write(cluster.join("PG_VERSION"), "9999\n").unwrap();
    let message = folder.open().await.unwrap_err().to_string();
    assert!(message.contains("made by PostgreSQL 9999, but this machine has"), "{message}");
    assert!(message.contains(&cluster.display().to_string()), "{message}");

    fs::rename(cluster.join("PG_VERSION"), cluster.join("letters")).unwrap();
    let message = folder.open().await.unwrap_err().to_string();
    assert!(message.contains("not a PostgreSQL cluster"), "{message}");
}

#[tokio::test]
async fn a_failed_start_shows_what_postgres_said() {
    let folder = Folder::new();
    let wrong =
        ClusterOptions { settings: vec![("shared_buffers".to_owned(), "plenty".to_owned())], ..options() };
    let message = Cluster::open(&folder.data, &wrong).await.unwrap_err().to_string();
    assert!(message.contains("postgres.log") && message.contains("shared_buffers"), "{message}");
}

#[tokio::test]
async fn a_long_path_puts_the_socket_elsewhere_and_is_found_there() {
    let folder = Folder::named(&format!("{}, and \"more\"", "long".repeat(30)));
    let cluster = folder.open().await.unwrap();
    assert!(!cluster.socket_folder().starts_with(folder.temp.path()));
    let attached = folder.open().await.unwrap();
    assert_eq!(attached.socket_folder(), cluster.socket_folder());
    drop(connect(&attached, "postgres").await);
    attached.stop().await.unwrap();
    let socket = cluster.socket_folder().to_path_buf();
    cluster.stop().await.unwrap();
    fs::remove_dir(socket).unwrap();
}

#[tokio::test]
async fn root_is_told_which_folder_postgres_cannot_enter() {
    if !Uid::effective().is_root() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("letters"), "private").unwrap();
    fs::set_permissions(temp.path(), Permissions::from_mode(0o700)).unwrap();
    let data = DataDir::open(&temp.path().join("data")).unwrap();
    let message = Cluster::open(&data, &options()).await.unwrap_err().to_string();
    assert!(message.contains(&format!("cannot enter {};", temp.path().display())), "{message}");
}
