//! The cluster that all variants share, and the template database from which every measurement starts.

use std::path::{Path, PathBuf};

use lumbung::data_dir::DataDir;
use lumbung::postgres::{Cluster, ClusterOptions};
use lumbung_commands::Ledger;
use lumbung_commands::ledger::{LedgerTask, Options as LedgerOptions};
use lumbung_journal::{MasterKey, migrate};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};

use crate::Failure;
use crate::cpu::Meter;
use crate::customers::{self, Customer};
use crate::options::Options;
use crate::{plain_insert, published};

const TEMPLATE: &str = "bench_template";

/// Wraps the keys of the people in it.
pub(crate) const MASTER_KEY: [u8; 32] = [7; 32];

/// Customers, and as many wallets.
pub(crate) const WALLETS: usize = 1_000;

/// The customers' calls carry these too; all variants store the same.
pub(crate) const REMARKS: &str = "Monthly savings";

pub(crate) struct Arena {
    cluster: Cluster,
    admin: tokio::sync::Mutex<PgConnection>,
    pub(crate) customers: Vec<Customer>,
    /// An event as the product stored it: what the baselines write.
    pub(crate) sample: Sample,
    data: DataDir,
    pub(crate) meter: Meter,
    /// Removed at the end, unless the user named the folder.
    _temporary: Option<tempfile::TempDir>,
}

/// One stored event.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) payload: String,
    pub(crate) metadata: String,
    /// The sealed remarks in the payload.
    pub(crate) remarks: String,
}

/// A fresh copy of the template database.
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) database: PgConnectOptions,
}

impl Arena {
    /// Starts the cluster with production's settings and fills the template.
    pub(crate) async fn open(options: &Options) -> Result<Self, Failure> {
        let temporary = if options.data_dir.is_none() { Some(tempfile::tempdir()?) } else { None };
        if let Some(folder) = &temporary {
            let open: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o711);
            std::fs::set_permissions(folder.path(), open)?;
        }
        let path = match (&options.data_dir, &temporary) {
            (Some(path), _) => path.clone(),
            (None, Some(folder)) => folder.path().join("data"),
            (None, None) => PathBuf::from("bench-data"),
        };
        let data = DataDir::open(&path)?;
        let settings = ClusterOptions { stop_with_process: true, ..ClusterOptions::default() };
        let cluster = Cluster::open(&data, &settings).await?;
        let mut admin = PgConnection::connect_with(&cluster.url("postgres")).await?;
        admin.execute(format!("drop database if exists {TEMPLATE} with (force)").as_str()).await?;
        cluster.ensure_database(TEMPLATE).await?;
        eprintln!("registering {WALLETS} customers");
        let database = cluster.url(TEMPLATE);
        let (customers, sample) = fill(&database).await?;
        let admin = tokio::sync::Mutex::new(admin);
        let meter = Meter { postmaster: postmaster(&data)?, product: None };
        Ok(Self { cluster, admin, customers, sample, data, meter, _temporary: temporary })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn database(&self, name: &str) -> PgConnectOptions {
        self.cluster.url(name)
    }

    /// A copy of the template, and a checkpoint, so that nobody pays for what somebody else wrote.
    pub(crate) async fn stage(&self, name: &str) -> Result<Stage, Failure> {
        self.stage_of(TEMPLATE, name).await
    }

    /// The same of another database, which nobody is connected to.
    pub(crate) async fn stage_of(&self, template: &str, name: &str) -> Result<Stage, Failure> {
        let mut admin = self.admin.lock().await;
        admin.execute(format!("drop database if exists {name} with (force)").as_str()).await?;
        admin.execute(format!("create database {name} template {template}").as_str()).await?;
        admin.execute("checkpoint").await?;
        Ok(Stage { name: name.to_owned(), database: self.cluster.url(name) })
    }

    /// A new database without anything in it.
    pub(crate) async fn empty_database(&self, name: &str) -> Result<PgConnectOptions, Failure> {
        let mut admin = self.admin.lock().await;
        admin.execute(format!("drop database if exists {name} with (force)").as_str()).await?;
        self.cluster.ensure_database(name).await?;
        Ok(self.cluster.url(name))
    }

    pub(crate) async fn drop_stage(&self, stage: Stage) -> Result<(), Failure> {
        let mut admin = self.admin.lock().await;
        admin.execute(format!("drop database {} with (force)", stage.name).as_str()).await?;
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.admin.into_inner().close().await?;
        self.cluster.stop().await?;
        Ok(())
    }
}

/// The process id of the cluster's main process.
fn postmaster(data: &DataDir) -> Result<u32, Failure> {
    let text = std::fs::read_to_string(data.path().join("postgres/postmaster.pid"))?;
    Ok(text.lines().next().unwrap_or_default().parse()?)
}

/// The ledger of a database, run as production runs it.
pub(crate) async fn open_ledger(database: &PgConnectOptions) -> Result<(Ledger, LedgerTask), Failure> {
    let calendar = std::sync::Arc::new(|instant: chrono::DateTime<chrono::Utc>| {
        instant.with_timezone(&chrono_tz::Tz::Asia__Jakarta).date_naive()
    });
    let options = LedgerOptions::new(database.clone(), MasterKey::new(MASTER_KEY), calendar);
    Ok(Ledger::open(options).await?)
}

/// Lets go of a ledger and waits until everything that it took is answered.
pub(crate) async fn close_ledger(ledger: Ledger, task: LedgerTask) -> Result<(), Failure> {
    let pool = ledger.pool().clone();
    drop(ledger);
    task.finished().await?;
    pool.close().await;
    Ok(())
}

async fn fill(database: &PgConnectOptions) -> Result<(Vec<Customer>, Sample), Failure> {
    migrate(database).await?;
    let (ledger, task) = open_ledger(database).await?;
    let customers = customers::register(&ledger, WALLETS).await?;
    let sample = read_sample(ledger.pool()).await?;
    close_ledger(ledger, task).await?;
    let mut connection = PgConnection::connect_with(database).await?;
    connection.execute(plain_insert::TABLE).await?;
    connection.execute(published::TABLE).await?;
    published::open_wallets(database, &sample).await?;
    connection.execute("vacuum (analyze)").await?;
    connection.close().await?;
    Ok((customers, sample))
}

async fn read_sample(pool: &sqlx::PgPool) -> Result<Sample, Failure> {
    let (payload, metadata): (String, String) = sqlx::query_as(
        "select payload::text, metadata::text from journal.events
         where event_type = 'WalletCredited' order by position desc limit 1",
    )
    .fetch_one(pool)
    .await?;
    let parsed: serde_json::Value = serde_json::from_str(&payload)?;
    let remarks = parsed["WalletCredited"]["remarks"].as_str().ok_or("the sample has no remarks")?.to_owned();
    Ok(Sample { payload, metadata, remarks })
}
