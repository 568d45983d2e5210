//! Finding PostgreSQL's programs: `PATH` first, then the folders of Debian and Homebrew that are not on it.

use std::path::{Path, PathBuf};

use super::ClusterError;
use super::account::Account;

/// The oldest major version that the schema and the settings work with.
const OLDEST: u32 = 15;

/// One installed PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Install {
    pub(super) bin: PathBuf,
    pub(super) major: u32,
}

impl Install {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// The installation for a cluster: of exactly its major version when it exists, else the one on `PATH` or
    /// the newest.
    pub(super) async fn choose(cluster: &Path, version: Option<u32>) -> Result<Self, ClusterError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = installed(&folders(&path)).await;
        pick(found, cluster, version)
    }
}

fn pick(found: Vec<Install>, cluster: &Path, version: Option<u32>) -> Result<Install, ClusterError> {
    let newest = found.iter().map(|install| install.major).max();
    let mut usable: Vec<Install> = found.into_iter().filter(|install| install.major >= OLDEST).collect();
    if let Some(version) = version {
        if let Some(index) = usable.iter().position(|install| install.major == version) {
            return Ok(usable.swap_remove(index));
        }
        let mut installed: Vec<u32> = usable.iter().map(|install| install.major).collect();
        installed.sort_unstable();
        installed.dedup();
        if !installed.is_empty() {
            return Err(ClusterError::OtherMajorVersion {
                path: cluster.to_path_buf(),
                cluster: version,
                installed,
            });
        }
    }
    // The search order is the order of preference.
    usable.into_iter().next().ok_or(ClusterError::NotInstalled { newest })
}

/// The folders to look into: what the user chose with `PATH`, then the packaged ones, newest first.
fn folders(path: &std::ffi::OsStr) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    let homebrew = ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"];
    let mut packaged: Vec<(u32, PathBuf)> = versions("/usr/lib/postgresql", "")
        .chain(homebrew.into_iter().flat_map(|folder| versions(folder, "postgresql@")))
        .collect();
    packaged.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    folders.extend(packaged.into_iter().map(|(_, folder)| folder.join("bin")));
    folders.extend(homebrew.map(|folder| Path::new(folder).join("postgresql/bin")));
    folders
}

fn versions(folder: &str, prefix: &'static str) -> impl Iterator<Item = (u32, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let name = entry.file_name();
        let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
        Some((version, entry.path()))
    })
}

/// Asks every complete set of programs for its version. Debian's `initdb` is on no `PATH`, so a folder with
/// `postgres` alone, or a broken link, is simply not an installation.
async fn installed(folders: &[PathBuf]) -> Vec<Install> {
    let mut found: Vec<Install> = Vec::new();
    for folder in folders {
        let known = found.iter().any(|install| install.bin == *folder);
        if known || !folder.join("initdb").is_file() || !folder.join("postgres").is_file() {
            continue;
        }
        let output = Account::own().command(&folder.join("postgres")).arg("--version").output().await;
        let Ok(output) = output else { continue };
        if let Some(major) = major_version(&String::from_utf8_lossy(&output.stdout)) {
            found.push(Install { bin: folder.clone(), major });
        }
    }
    found
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` and `postgres (PostgreSQL) 18beta1`.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn install(major: u32) -> Install {
        Install { bin: PathBuf::from(format!("/opt/{major}")), major }
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_version("something else 3"), None);
    }

    #[test]
    fn an_old_cluster_gets_the_old_programs() {
        let found = || vec![install(17), install(15)];
        assert_eq!(pick(found(), Path::new("/d"), None).unwrap().major, 17);
        assert_eq!(pick(found(), Path::new("/d"), Some(15)).unwrap().major, 15);
        let message = pick(found(), Path::new("/d"), Some(16)).unwrap_err().to_string();
        assert!(message.contains("made by PostgreSQL 16") && message.contains("15, 17"), "{message}");
    }

    #[test]
    fn nothing_usable_names_the_package() {
        let message = pick(vec![install(13)], Path::new("/d"), None).unwrap_err().to_string();
        assert!(message.contains("apt-get install") && message.contains("only version 13"), "{message}");
    }
}
