//! Where an export goes. A file appears under its name when it is complete and on disk, and never before; nobody else
//! can read it.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::AsyncWrite;

use super::super::RunError;

pub(super) enum Target {
    Stdout(File),
    /// A device or a pipe: there is nothing to rename.
    Stream(File),
    File(Partial),
}

/// Removed when dropped.
pub(super) struct Partial {
    file: File,
    partial: PathBuf,
    name: PathBuf,
}

/// Whether there is a file of that name, which the export would replace.
pub(super) fn is_taken(path: &Path) -> bool {
    path != Path::new("-") && fs::metadata(path).is_ok_and(|there| there.is_file())
}

impl Target {
    pub(super) fn open(path: &Path) -> Result<Self, RunError> {
        if path == Path::new("-") {
            let stdout = io::stdout().as_fd().try_clone_to_owned();
            let failed = |source| RunError::Environment("cannot write standard output".to_owned(), source);
            return Ok(Self::Stdout(File::from_std(stdout.map_err(failed)?.into())));
        }
        // What a link leads to is replaced, not the link.
        let name = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let failed = |source| RunError::Environment(format!("cannot write {}", path.display()), source);
        match fs::metadata(&name) {
            Ok(there) if there.is_dir() => Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(there) if !there.is_file() => {
                let stream = OpenOptions::new().write(true).open(&name).map_err(failed)?;
                Ok(Self::Stream(File::from_std(stream)))
            }
            _ => {
                let partial =
                    partial_name(&name).ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
                let file = File::from_std(file.map_err(failed)?);
                Ok(Self::File(Partial { file, partial, name }))
            }
        }
    }

    pub(super) fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    pub(super) fn writer(&mut self) -> Box<dyn AsyncWrite + Unpin + Send + '_> {
        match self {
            Self::Stdout(file) | Self::Stream(file) => Box::new(file),
            Self::File(partial) => Box::new(&mut partial.file),
        }
    }

    /// Everything was written.
    pub(super) async fn complete(self) -> Result<(), RunError> {
        match self {
            Self::Stdout(_) | Self::Stream(_) => Ok(()),
            Self::File(partial) => {
                let name = partial.name.display().to_string();
                let failed = |source| RunError::Environment(format!("cannot write {name}"), source);
                partial.complete().await.map_err(failed)
            }
        }
    }
}

impl Partial {
    async fn complete(self) -> io::Result<()> {
        self.file.sync_all().await?;
        fs::rename(&self.partial, &self.name)?;
        let folder = self.name.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the renaming there is none.
        let _ = fs::remove_file(&self.partial);
    }
}

/// In the same folder, since a file cannot be renamed across file systems.
fn partial_name(name: &Path) -> Option<PathBuf> {
    let mut partial = name.file_name()?.to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    Some(name.with_file_name(partial))
}
