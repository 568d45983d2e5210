//! PostgreSQL's own messages: `postgres.log` in the data folder, at most [`LARGEST`] bytes, and one older
//! file beside it. No second process collects them, so that they are there even when PostgreSQL dies at once.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::ClusterError;
use super::files::failed;
use crate::data_dir::DataDir;

const LARGEST: u64 = 16 << 20;

/// The last bytes shown when a start fails.
const TAIL: u64 = 2_000;

#[derive(Debug, Clone)]
pub(super) struct Log {
    path: PathBuf,
}

impl Log {
    pub(super) fn of(data: &DataDir) -> Self {
        Self { path: data.path().join("postgres.log") }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file for a new PostgreSQL, appending: the file can then be cut while it is being written.
    pub(super) fn open(&self, data: &DataDir) -> Result<File, ClusterError> {
        self.bound();
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path);
        let file = file.map_err(failed("open", &self.path))?;
        data.give_to_owner(&self.path)?;
        Ok(file)
    }

    pub(super) fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |meta| meta.len())
    }

    /// Keeps the file within its bound: the old text moves to `postgres.log.1`. A failure costs disk space,
    /// not service, so it is only said.
    pub(super) fn bound(&self) {
        if self.length() <= LARGEST {
            return;
        }
        let older = self.path.with_extension("log.1");
        if let Err(error) = fs::copy(&self.path, &older) {
            tracing::warn!(%error, path = %older.display(), "the old log of PostgreSQL could not be kept");
        }
        let cut = OpenOptions::new().write(true).open(&self.path).and_then(|file| file.set_len(0));
        if let Err(error) = cut {
            tracing::warn!(%error, path = %self.path.display(), "the log of PostgreSQL could not be cut");
        }
    }

    /// The end of what was written since the file had `from` bytes.
    pub(super) fn tail(&self, from: u64) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(from.min(length).max(length.saturating_sub(TAIL))))?;
            let mut bytes = Vec::new();
            file.take(TAIL).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
        };
        read().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    #[test]
    fn the_log_is_cut_under_a_writer() {
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::open(temp.path()).unwrap();
        let log = Log::of(&data);
        let mut writer = log.open(&data).unwrap();
        writer.write_all(b"first\n").unwrap();
        writer.set_len(LARGEST + 1).unwrap();
        log.bound();
        assert_eq!(log.length(), 0);
        writer.write_all(b"after\n").unwrap();
        assert_eq!(fs::read_to_string(log.path()).unwrap(), "after\n");
        assert_eq!(fs::metadata(temp.path().join("postgres.log.1")).unwrap().len(), LARGEST + 1);
        assert_eq!(log.tail(3), "er");
    }
}
