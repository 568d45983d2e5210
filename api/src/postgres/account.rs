//! Under which account PostgreSQL runs, and the environment its programs get.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{Uid, User};
use tokio::process::Command;

use super::ClusterError;
use super::files::failed;
use crate::data_dir::{DataDir, is_root};

/// The account of PostgreSQL: our own, or another one when we are root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    switch: Option<(u32, u32)>,
}

impl Account {
    pub(super) fn own() -> Self {
        Self { switch: None }
    }

    /// As an ordinary user: that user. As root: the owner of an existing cluster or data folder, so that a
    /// folder used by an ordinary user stays usable by it; else `postgres`; else `nobody`.
    pub(super) fn choose(data: &DataDir) -> Result<Self, ClusterError> {
        if !is_root() {
            return Ok(Self::own());
        }
        for folder in [&data.cluster(), data.path()] {
            if let Ok(meta) = fs::metadata(folder)
                && meta.uid() != 0
            {
                return Ok(Self { switch: Some((meta.uid(), meta.gid())) });
            }
        }
        let user = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or(ClusterError::NoAccount)?;
        Ok(Self { switch: Some((user.uid.as_raw(), user.gid.as_raw())) })
    }

    pub(super) fn uid(self) -> u32 {
        self.switch.map_or_else(|| Uid::effective().as_raw(), |(uid, _)| uid)
    }

    pub(super) fn name(self) -> String {
        let user = User::from_uid(Uid::from_raw(self.uid())).ok().flatten();
        user.map_or_else(|| format!("uid {}", self.uid()), |user| user.name)
    }

    /// Gives a path that we made to the account.
    pub(super) fn give(self, path: &Path) -> Result<(), ClusterError> {
        match self.switch {
            None => Ok(()),
            Some((uid, gid)) => {
                chown(path, Some(uid), Some(gid)).map_err(failed("change the owner of", path))
            }
        }
    }

    /// A command under the account. Nothing of our environment but the search paths goes along (it holds our
    /// keys), and it starts in `/`, because our own folder may be closed to it. Switching from root also
    /// drops all supplementary groups: the standard library does so whenever root sets a uid.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/").stdin(Stdio::null());
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("LC_ALL", "C");
        if let Some((uid, gid)) = self.switch {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Checks by doing it that the account can run the program and enter the folder; names the closed parent
    /// if not.
    pub(super) async fn check(self, program: &Path, folder: &Path) -> Result<(), ClusterError> {
        if self.switch.is_none() {
            return Ok(());
        }
        let run = |folder: &Path| self.command(program).arg("--version").current_dir(folder).output();
        run(Path::new("/")).await.map_err(|source| ClusterError::CannotRun {
            program: program.to_path_buf(),
            account: self.name(),
            source,
        })?;
        let mut parents: Vec<&Path> = folder.ancestors().collect();
        parents.reverse();
        for parent in parents {
            if run(parent).await.is_err() {
                return Err(ClusterError::Unreachable { account: self.name(), path: parent.to_path_buf() });
            }
        }
        Ok(())
    }
}
