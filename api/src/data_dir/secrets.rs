//! The keys of a data folder: `secrets/master.key` and `secrets/token.key`, 32 random bytes in hex, mode
//! 0600.
//!
//! A key is written once and never again: losing or replacing the master key loses every personal value
//! sealed under it. The file appears complete under its name (written, fsynced, then linked) or not at all,
//! and linking cannot replace a file that another process put there first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{DataDir, DataDirError, io_error};
use crate::secret::SecretKey;

/// Sets the temporary files of threads apart.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The two keys a node needs.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Wraps the data keys of persons and the index key of the ledger.
    pub master_key: SecretKey,
    /// Signs access tokens.
    pub token_key: SecretKey,
}

impl Secrets {
    pub(super) fn load_or_generate(data: &DataDir) -> Result<Self, DataDirError> {
        let folder = data.private_folder("secrets")?;
        Ok(Self {
            master_key: key(data, &folder.join("master.key"))?,
            token_key: key(data, &folder.join("token.key"))?,
        })
    }
}

/// Reads a key that the operator put into a file. The group may read it (mounted secrets are often
/// `root:app 0440`), the rest of the world may not.
pub fn read_key_file(path: &Path) -> Result<SecretKey, DataDirError> {
    read(path, 0o007)
}

fn key(data: &DataDir, path: &Path) -> Result<SecretKey, DataDirError> {
    match fs::symlink_metadata(path) {
        Ok(_) => read(path, 0o077),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(data, path)?;
            read(path, 0o077)
        }
        Err(error) => Err(io_error("look at", path)(error)),
    }
}

fn read(path: &Path, forbidden: u32) -> Result<SecretKey, DataDirError> {
    let mode = fs::metadata(path).map_err(io_error("look at", path))?.mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(DataDirError::Exposed { path: path.to_path_buf(), mode });
    }
    let text = zeroize::Zeroizing::new(fs::read_to_string(path).map_err(io_error("read", path))?);
    SecretKey::from_hex(&text).map_err(|source| DataDirError::BadKey { path: path.to_path_buf(), source })
}

fn create(data: &DataDir, path: &Path) -> Result<(), DataDirError> {
    let key = SecretKey::generate().map_err(DataDirError::NoRandomness)?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{number}.new", std::process::id()));
    let failed = io_error("write", &temporary);
    let written = write_new(&temporary, key.to_hex().as_bytes())
        .map_err(&failed)
        .and_then(|()| data.give_to_owner(&temporary))
        .and_then(|()| match fs::hard_link(&temporary, path) {
            // Another process was first: its key is the one.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other.map_err(io_error("create", path)),
        });
    // The temporary file is only a second name of the same file by now, or the rest of a failure.
    let removed = fs::remove_file(&temporary).map_err(io_error("remove", &temporary));
    written.and(removed)?;
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error("write", folder))?;
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let open = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match open() {
        // The rest of a process with our number that died in the middle; its file never got a name.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            open()?
        }
        other => other?,
    };
    file.write_all(bytes)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder() -> (tempfile::TempDir, DataDir) {
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::open(temp.path()).unwrap();
        (temp, data)
    }

    #[test]
    fn keys_are_private_different_and_survive() {
        let (_temp, data) = folder();
        let first = data.secrets().unwrap();
        let again = DataDir::open(data.path()).unwrap().secrets().unwrap();
        assert_eq!(first.master_key.as_bytes(), again.master_key.as_bytes());
        assert_eq!(first.token_key.as_bytes(), again.token_key.as_bytes());
        assert_ne!(first.master_key.as_bytes(), first.token_key.as_bytes());
        let secrets = data.path().join("secrets");
        let mut names: Vec<_> = fs::read_dir(&secrets).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["master.key", "token.key"]);
        for name in names {
            assert_eq!(fs::metadata(secrets.join(name)).unwrap().mode() & 0o7777, 0o600);
        }
    }

    #[test]
    fn processes_that_race_agree_on_one_key() {
        let (_temp, data) = folder();
        let path = data.private_folder("secrets").unwrap().join("master.key");
        let other = SecretKey::generate().unwrap();
        write_new(&path, other.to_hex().as_bytes()).unwrap();
        create(&data, &path).unwrap();
        assert_eq!(data.secrets().unwrap().master_key.as_bytes(), other.as_bytes());

        let (_temp, data) = folder();
        let read = |data: DataDir| move || data.secrets().unwrap().master_key.to_hex();
        let keys: Vec<_> = (0..8).map(|_| std::thread::spawn(read(data.clone()))).collect();
        let keys: Vec<_> = keys.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (_temp, data) = folder();
        data.secrets().unwrap();
        let path = data.path().join("secrets/token.key");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let message = data.secrets().unwrap_err().to_string();
        assert!(message.contains("token.key") && message.contains("0640"), "{message}");
        assert!(read_key_file(&path).is_ok());
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read_key_file(&path), Err(DataDirError::Exposed { .. })));
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let (_temp, data) = folder();
        data.secrets().unwrap();
        let path = data.path().join("secrets/master.key");
        fs::write(&path, "half a k").unwrap();
        assert!(matches!(data.secrets(), Err(DataDirError::BadKey { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "half a k");
    }
}
