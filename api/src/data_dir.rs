//! The data folder of one node: `secrets/`, `postgres/` (the private cluster), lock files, logs.
//!
//! The folder is closed to everybody else (0700). Run by root it is 0711 instead: PostgreSQL then
//! lives under another account, which must be able to walk through to its own part, while every other part
//! is closed by its own mode.

mod secrets;

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use secrets::{Secrets, read_key_file};

/// An existing, canonical data folder.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("no data folder: neither --data-dir, XDG_DATA_HOME nor HOME is set")]
    NoHome,
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "{} can be read by other users (mode {mode:04o}); make it private with `chmod 600`, and \
         replace the key if anybody may have read it",
        path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} does not hold a usable key", path.display())]
    BadKey { path: PathBuf, source: crate::secret::NotAKey },
    #[error("the operating system gave no random bytes")]
    NoRandomness(#[source] getrandom::Error),
}

impl DataDir {
    /// Where the data folder is when nobody says: `/var/lib/lumbung` for root, else the user's own data
    /// home (`$XDG_DATA_HOME/lumbung` or `~/.local/share/lumbung`).
    pub fn default_path(env: impl Fn(&str) -> Option<String>) -> Result<PathBuf, DataDirError> {
        if is_root() {
            return Ok(PathBuf::from("/var/lib/lumbung"));
        }
        let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
        match (absolute("XDG_DATA_HOME"), absolute("HOME")) {
            (Some(data), _) => Ok(data.join("lumbung")),
            (None, Some(home)) => Ok(home.join(".local/share/lumbung")),
            (None, None) => Err(DataDirError::NoHome),
        }
    }

    /// Opens the folder, creating it and its parents when missing.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        if !path.is_dir() {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(io_error("create", parent))?;
            }
            let made = DirBuilder::new().mode(0o700).create(path);
            match made {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => other.map_err(io_error("create the data folder", path))?,
            }
        }
        let path = fs::canonicalize(path).map_err(io_error("open the data folder", path))?;
        let folder = Self { path };
        folder.let_postgres_through()?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The master and token keys of this folder, generated on first use and unchanged ever after.
    pub fn secrets(&self) -> Result<Secrets, DataDirError> {
        Secrets::load_or_generate(self)
    }

    pub(crate) fn cluster(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// A sub-folder that only this account can enter.
    pub(crate) fn private_folder(&self, name: &str) -> Result<PathBuf, DataDirError> {
        let path = self.path.join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => self.give_to_owner(&path)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error("create", &path)(error)),
        }
        Ok(path)
    }

    /// What root creates in another user's data folder belongs to that user, who would be locked out
    /// otherwise.
    pub(crate) fn give_to_owner(&self, path: &Path) -> Result<(), DataDirError> {
        let owner = fs::metadata(&self.path).map_err(io_error("look at", &self.path))?;
        if is_root() && owner.uid() != 0 {
            std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
                .map_err(io_error("change the owner of", path))?;
        }
        Ok(())
    }

    /// Opens the folder for walking through. Only for a folder that is ours or empty: `--data-dir /root` must
    /// not change the mode of somebody's home.
    fn let_postgres_through(&self) -> Result<(), DataDirError> {
        let failed = io_error("look at", &self.path);
        let meta = fs::metadata(&self.path).map_err(&failed)?;
        if !is_root() || meta.mode() & 0o001 != 0 {
            return Ok(());
        }
        let foreign = |name: &std::ffi::OsStr| name != "lost+found";
        let mut entries = fs::read_dir(&self.path).map_err(&failed)?;
        let empty = !entries.any(|entry| entry.is_ok_and(|entry| foreign(&entry.file_name())));
        if empty || self.path.join("owner.lock").exists() {
            let mode = Permissions::from_mode(meta.mode() & 0o7777 | 0o011);
            fs::set_permissions(&self.path, mode).map_err(io_error("change the mode of", &self.path))?;
        }
        Ok(())
    }
}

pub(crate) fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> DataDirError {
    let path = path.to_path_buf();
    move |source| DataDirError::Io { action, path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_new_folder_is_closed_but_lets_the_cluster_account_through() {
        let temp = tempfile::tempdir().unwrap();
        let folder = DataDir::open(&temp.path().join("a/b")).unwrap();
        assert_eq!(mode(folder.path()), if is_root() { 0o711 } else { 0o700 });
        assert_eq!(mode(&folder.private_folder("secrets").unwrap()), 0o700);
    }

    #[test]
    fn the_mode_of_a_folder_with_other_things_in_it_is_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("letters.txt"), "private").unwrap();
        fs::set_permissions(temp.path(), Permissions::from_mode(0o700)).unwrap();
        DataDir::open(temp.path()).unwrap();
        assert_eq!(mode(temp.path()), 0o700);
    }

    #[test]
    fn the_default_follows_the_account() {
        let env = |name: &str| (name == "HOME").then(|| "/home/sari".to_owned());
        let expected = if is_root() { "/var/lib/lumbung" } else { "/home/sari/.local/share/lumbung" };
        assert_eq!(DataDir::default_path(env).unwrap(), Path::new(expected));
        assert_eq!(DataDir::default_path(|_| None).is_ok(), is_root());
    }
}
