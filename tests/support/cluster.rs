//! One throw-away cluster per test process, one fresh database per test.
//!
//! The cluster starts with the first test that asks and ends with the process, however that ends. Its folder cannot be
//! removed by a process that is ending; the next run removes it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use lumbung::data_dir::DataDir;
use lumbung::postgres::{Cluster, ClusterOptions};
use lumbung_journal::migrate;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};

const TEMPLATE: &str = "template_lumbung";
const FOLDER: &str = "lumbung-acceptance-";

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(1);

/// A migrated database of its own, with an empty log. Connects as the superuser.
pub(crate) async fn database() -> PgConnectOptions {
    let cluster = cluster();
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect_with(&cluster.url("postgres")).await.unwrap();
    admin.execute(format!("create database {name} template {TEMPLATE}").as_str()).await.unwrap();
    admin.close().await.unwrap();
    // The template's rights on the database itself are not copied; migrating again grants them and changes nothing else.
    let options = cluster.url(&name).disable_statement_logging();
    migrate(&options).await.unwrap();
    options
}

/// A database without so much as a schema.
pub(crate) async fn empty_database() -> PgConnectOptions {
    let name = format!("empty_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    cluster().ensure_database(&name).await.unwrap();
    cluster().url(&name).disable_statement_logging()
}

/// A pool of superuser connections, for looking at and damaging what the ledger wrote.
pub(crate) async fn superuser(database: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(4).connect_with(database.clone()).await.unwrap()
}

/// The folder of the cluster's socket.
pub(crate) fn socket_folder() -> &'static Path {
    cluster().socket_folder()
}

fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| {
        let (send, ready) = mpsc::channel();
        // The cluster's keeper needs a runtime that outlives every test's own.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                send.send(start().await).unwrap();
                std::future::pending::<()>().await;
            });
        });
        ready.recv().expect("the cluster of the tests did not start")
    })
}

async fn start() -> Cluster {
    let temp = std::env::temp_dir();
    remove_folders_of_ended_runs(&temp);
    let folder = temp.join(format!("{FOLDER}{}", std::process::id()));
    // PostgreSQL's account, which is not ours if we are root, must be able to walk through.
    DirBuilder::new().mode(0o711).create(&folder).unwrap();
    let data = DataDir::open(&folder.join("data")).unwrap();
    let options = ClusterOptions {
        fsync: false,
        settings: [
            ("shared_buffers", "64MB"),
            ("autovacuum", "off"),
            ("full_page_writes", "off"),
            ("max_connections", "200"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ready_within: Duration::from_secs(120),
        stop_with_process: true,
    };
    let cluster = Cluster::open(&data, &options).await.unwrap();
    cluster.ensure_database(TEMPLATE).await.unwrap();
    migrate(&cluster.url(TEMPLATE)).await.unwrap();
    cluster
}

fn remove_folders_of_ended_runs(temp: &Path) {
    for entry in fs::read_dir(temp).unwrap().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(FOLDER)?.parse().ok());
        if let Some(pid) = pid
            && kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
        {
            // Another user's folder stays, for that user's next run.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
