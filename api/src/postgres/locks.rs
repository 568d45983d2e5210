//! The lock files of a data folder. The kernel releases them when a process dies, however it dies.
//!
//! - `owner.lock`, exclusive: held by the one process that starts and stops PostgreSQL.
//! - `users.lock`, shared: held by every attached process; the owner needs it exclusively to stop PostgreSQL.
//! - `postgres.lock`, exclusive: inherited by PostgreSQL and held as long as any process of it lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::ClusterError;
use super::files::failed;
use crate::data_dir::DataDir;

#[derive(Debug)]
pub(super) struct Locks {
    owner: (File, PathBuf),
    users: (File, PathBuf),
}

impl Locks {
    pub(super) fn open(data: &DataDir) -> Result<Self, ClusterError> {
        let (owner, users) = (data.path().join("owner.lock"), data.path().join("users.lock"));
        Ok(Self { owner: (open(data, &owner)?, owner), users: (open(data, &users)?, users) })
    }

    /// Becomes the owner, unless another process is.
    pub(super) fn try_own(&self) -> Result<bool, ClusterError> {
        taken(self.owner.0.try_lock(), &self.owner.1)
    }

    /// Announces a user. False while the owner is stopping PostgreSQL.
    pub(super) fn try_share(&self) -> Result<bool, ClusterError> {
        taken(self.users.0.try_lock_shared(), &self.users.1)
    }

    /// Shuts out every other user; false if there is one. Our own announcement is withdrawn either way.
    pub(super) fn try_exclude(&self) -> Result<bool, ClusterError> {
        self.users.0.unlock().map_err(failed("unlock", &self.users.1))?;
        taken(self.users.0.try_lock(), &self.users.1)
    }

    pub(super) fn disown(&self) -> Result<(), ClusterError> {
        self.owner.0.unlock().map_err(failed("unlock", &self.owner.1))
    }
}

/// The locked file, or none if another process holds the lock.
pub(super) fn try_exclusive(data: &DataDir, path: &Path) -> Result<Option<File>, ClusterError> {
    let file = open(data, path)?;
    let free = taken(file.try_lock(), path)?;
    Ok(free.then_some(file))
}

fn open(data: &DataDir, path: &Path) -> Result<File, ClusterError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(failed("open", path))?;
    data.give_to_owner(path)?;
    Ok(file)
}

fn taken(result: Result<(), TryLockError>, path: &Path) -> Result<bool, ClusterError> {
    match result {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(failed("lock", path)(error)),
    }
}
