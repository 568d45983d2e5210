//! The folder of the Unix socket. Its mode is the authentication, so it is ours alone or it is not used.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::account::Account;
use super::{ClusterError, PORT};
use crate::data_dir::DataDir;

/// Systems limit the path of a socket to 104–108 bytes.
const LONGEST: usize = 99;

/// The folder `run` of the data folder, or, where that path is too long, one under the runtime or temporary
/// folder that is named after the data folder. PostgreSQL records it in its pid file, where other processes
/// find it.
pub(super) fn folder(data: &DataDir, account: Account, name: &str) -> Result<PathBuf, ClusterError> {
    // Root's own runtime folder is closed to the account of PostgreSQL.
    let runtime =
        std::env::var_os("XDG_RUNTIME_DIR").filter(|_| account == Account::own()).map(PathBuf::from);
    let bases = runtime.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]);
    let first = data.path().join("run");
    let candidates = std::iter::once(first.clone()).chain(bases.map(|base| base.join(name)));
    for folder in candidates.filter(|folder| folder.is_absolute() && fits(folder)) {
        if private(&folder, account)? {
            return Ok(folder);
        }
    }
    Err(ClusterError::NoSocketFolder { tried: first })
}

fn fits(folder: &Path) -> bool {
    folder.join(format!(".s.PGSQL.{PORT}")).as_os_str().as_bytes().len() <= LONGEST
}

/// Makes the folder, or checks that the one there belongs to the account and is closed to others: in a
/// temporary folder anybody may have made it first.
fn private(folder: &Path, account: Account) -> Result<bool, ClusterError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => account.give(folder)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(_) => return Ok(false),
    }
    let Ok(meta) = fs::symlink_metadata(folder) else { return Ok(false) };
    if meta.is_dir() && meta.uid() == 0 && account.uid() != 0 && crate::data_dir::is_root() {
        // Ours, from a start that ended between making the folder and giving it away.
        account.give(folder)?;
    } else if meta.uid() != account.uid() {
        return Ok(false);
    }
    Ok(meta.is_dir() && meta.mode() & 0o077 == 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_long_path_moves_the_socket_elsewhere() {
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::open(&temp.path().join("d".repeat(120))).unwrap();
        let name = format!("lumbung-test-{}", std::process::id());
        let chosen = folder(&data, Account::own(), &name).unwrap();
        assert!(fits(&chosen) && chosen.ends_with(&name), "{}", chosen.display());
        assert_eq!(fs::metadata(&chosen).unwrap().mode() & 0o777, 0o700);
        fs::remove_dir(chosen).unwrap();
    }

    #[test]
    fn a_folder_that_others_made_or_can_enter_is_not_used() {
        let temp = tempfile::tempdir().unwrap();
        let open = temp.path().join("open");
        DirBuilder::new().mode(0o755).create(&open).unwrap();
        let link = temp.path().join("link");
        symlink(temp.path(), &link).unwrap();
        assert!(!private(&open, Account::own()).unwrap());
        assert!(!private(&link, Account::own()).unwrap());
        assert!(private(&temp.path().join("fresh"), Account::own()).unwrap());
    }
}
