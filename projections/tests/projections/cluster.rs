//! A throw-away PostgreSQL for this test binary, one database per test.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Cluster {
    folder: PathBuf,
    /// The shell that guards the server. It reads until this process, however it ends, closes the pipe.
    _guard: Child,
}

/// How to reach a new, migrated database, as a superuser.
pub(crate) async fn database() -> PgConnectOptions {
    let options = empty_database().await;
    lumbung_journal::migrate(&options).await.unwrap();
    options
}

async fn empty_database() -> PgConnectOptions {
    let folder = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(start).folder.clone()).await.unwrap();
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect_with(&options(&folder, "postgres")).await.unwrap();
    sqlx::raw_sql(&format!("create database {name}")).execute(&mut admin).await.unwrap();
    options(&folder, &name)
}

fn options(folder: &Path, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(folder).port(5432).username("postgres").database(database)
}

fn start() -> Cluster {
    let folder = PathBuf::from(format!("/tmp/lumbung-proj-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    // PostgreSQL refuses to run as root.
    let account = (fs::metadata("/proc/self").map(|me| std::os::unix::fs::MetadataExt::uid(&me)).unwrap()
        == 0)
        .then(postgres_account);
    if let Some((uid, gid)) = account {
        chown(&folder, Some(uid), Some(gid)).unwrap();
    }
    let run = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = account {
            command.uid(uid).gid(gid);
        }
        command
    };
    let made = run("initdb")
        .args(["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        .status()
        .unwrap();
    assert!(made.success(), "initdb failed");
    let script = "postgres -D data -F -k \"$PWD\" -c listen_addresses='' -c max_connections=200 >log 2>&1 & \
                  read -r forever; kill -QUIT $!; wait; cd /; rm -rf \"$OLDPWD\"";
    let guard = run("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
    wait_until_ready(&folder);
    Cluster { folder, _guard: guard }
}

fn postgres_account() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let fields: Vec<&str> = line.split(':').collect();
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

fn wait_until_ready(folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let pid_file = folder.join("data/postmaster.pid");
    loop {
        let ready = fs::read_to_string(&pid_file).is_ok_and(|text| text.contains("ready"));
        if ready {
            return;
        }
        assert!(Instant::now() < deadline, "PostgreSQL did not start; see {}", folder.join("log").display());
        std::thread::sleep(Duration::from_millis(20));
    }
}
