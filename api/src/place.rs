//! Where the data is: the database at `DATABASE_URL`, or a private cluster in the data folder.

use sqlx::postgres::PgConnectOptions;

use crate::cli::Exit;
use crate::config::{Config, Database};
use crate::data_dir::{DataDir, DataDirError};
use crate::postgres::{Cluster, ClusterError, ClusterOptions, Found, Left, Role};

/// The name of the database in a private cluster.
const DATABASE: &str = "lumbung";

/// A reachable database, and the private cluster it lives in, if it does.
pub struct Place {
    database: PgConnectOptions,
    cluster: Option<Cluster>,
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl PlaceError {
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::Environment
    }
}

impl Place {
    /// Goes to the configured database; starts, adopts or joins the private cluster if that is where it is.
    ///
    /// # Errors
    /// The data folder is unusable, or PostgreSQL is missing or does not start. Whether the server at `DATABASE_URL`
    /// answers is found out by whoever connects.
    pub async fn open(config: &Config) -> Result<Self, PlaceError> {
        match &config.database {
            Database::Url(url) => Ok(Self { database: url.options().clone(), cluster: None }),
            Database::Embedded => {
                let data = DataDir::open(&config.data_dir)?;
                let cluster = Cluster::open(&data, &ClusterOptions::default()).await?;
                cluster.ensure_database(DATABASE).await?;
                Ok(Self { database: cluster.url(DATABASE), cluster: Some(cluster) })
            }
        }
    }

    #[must_use]
    pub fn database(&self) -> &PgConnectOptions {
        &self.database
    }

    /// What to tell people of the private cluster; `None` without one.
    #[must_use]
    pub fn about_cluster(&self) -> Option<&'static str> {
        let cluster = self.cluster.as_ref()?;
        Some(match (cluster.role(), cluster.found()) {
            (Role::Attached, _) => {
                "another process runs the PostgreSQL of this data folder; this one is attached to it"
            }
            (Role::Owner, Found::Created) => "created a private PostgreSQL in the data folder",
            (Role::Owner, Found::Orphan) => {
                "adopted the PostgreSQL that was still running in the data folder"
            }
            (Role::Owner, Found::Stopped | Found::Owned) => {
                "started the private PostgreSQL of the data folder"
            }
        })
    }

    /// Stops the private cluster unless someone else still uses it.
    ///
    /// # Errors
    /// It does not stop.
    pub async fn leave(self) -> Result<Option<Left>, PlaceError> {
        match self.cluster {
            Some(cluster) => Ok(Some(cluster.stop().await?)),
            None => Ok(None),
        }
    }
}
