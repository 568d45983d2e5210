//! Where the files that people hand in are kept: sealed with their owner's key, one object a document, named by its id.
//!
//! Order: a file is durable before the event that names it is appended, so no event ever names a file that is not
//! there. A file without an event is what a refused or broken-off command leaves; whoever knows that removes it at once,
//! and [`sweep`] removes the rest.
//!
//! Each ledger has a folder of its own: a node that is started on another database does not take the files there for
//! left-overs.

mod allowance;
mod format;
mod sweep;
mod turns;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use lumbung_domain::{DocumentId, LedgerId, UserId};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tokio::sync::OnceCell;
use tracing::warn;

pub use format::media_type;
pub use sweep::{keep_swept, sweep};

use crate::auth::HeldBack;
use crate::config::Limits;
use crate::data_dir::is_root;
use crate::memory::{Held, Memory};
use allowance::Allowance;
use turns::{Turn, Turns};

/// What one person may have on its way at once. A person sends one form at a time; a browser fetches up to six files.
const RECEIVED_AT_ONCE: usize = 2;
const SENT_AT_ONCE: usize = 8;

/// The upload folder of a node. The folder is made when it is first needed.
pub struct Uploads {
    folder: PathBuf,
    ledger: LedgerId,
    store: OnceCell<Arc<dyn ObjectStore>>,
    receiving: Memory,
    receivers: Turns,
    sending: Memory,
    senders: Turns,
    allowance: Allowance,
}

/// What one request takes of a node while its files are on their way; given back when dropped.
pub struct OnTheWay {
    pub held: Held,
    _turn: Turn,
}

/// What a node bears of files.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Memory that all files together may take on their way in.
    pub received_bytes: u64,
    /// The same, on their way out.
    pub sent_bytes: u64,
    pub bytes_per_person_and_day: u64,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            received_bytes: limits.uploads_memory_bytes,
            sent_bytes: limits.downloads_memory_bytes,
            bytes_per_person_and_day: limits.upload_bytes_per_day,
        }
    }
}

/// Why a file could not be kept or fetched.
#[derive(Debug, thiserror::Error)]
pub enum UploadsError {
    #[error("the upload folder {} cannot be made; the setting `uploads_dir` says where it is", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("the upload folder")]
    Store(#[from] object_store::Error),
    #[error("the journal")]
    Journal(#[from] lumbung_journal::JournalError),
}

impl Uploads {
    #[must_use]
    pub fn new(folder: &Path, ledger: LedgerId, bounds: Bounds) -> Self {
        Self {
            folder: folder.to_path_buf(),
            ledger,
            store: OnceCell::new(),
            receiving: Memory::new(bounds.received_bytes),
            receivers: Turns::new(RECEIVED_AT_ONCE),
            sending: Memory::new(bounds.sent_bytes),
            senders: Turns::new(SENT_AT_ONCE),
            allowance: Allowance::new(bounds.bytes_per_person_and_day),
        }
    }

    /// Counts files of a person against what they may hand in.
    ///
    /// # Errors
    /// It would be more than that; they do not count.
    pub fn allow(&self, person: UserId, bytes: u64) -> Result<(), HeldBack> {
        self.allowance.take(person, bytes, Instant::now())
    }

    /// The folder of this ledger, made if it is not there: closed to everybody else.
    ///
    /// # Errors
    /// It cannot be made or opened.
    pub async fn store(&self) -> Result<&Arc<dyn ObjectStore>, UploadsError> {
        let open = async || -> Result<Arc<dyn ObjectStore>, UploadsError> {
            let folder = self.folder.join(self.ledger.to_string());
            for folder in [&self.folder, &folder] {
                make(folder).map_err(|source| UploadsError::Folder { path: folder.clone(), source })?;
            }
            let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
            Ok(Arc::new(store) as Arc<dyn ObjectStore>)
        };
        self.store.get_or_try_init(open).await
    }

    /// Keeps a sealed file; it is durable once this is done.
    ///
    /// # Errors
    /// It could not be written, or there is one of this id.
    pub async fn put(&self, document: DocumentId, sealed: Vec<u8>) -> Result<(), UploadsError> {
        let store = self.store().await?;
        store.put_opts(&location(document), PutPayload::from(sealed), PutMode::Create.into()).await?;
        Ok(())
    }

    /// A file as it was kept; `None` if there is none.
    ///
    /// # Errors
    /// It could not be read.
    pub async fn get(&self, document: DocumentId) -> Result<Option<Bytes>, UploadsError> {
        match self.store().await?.get(&location(document)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes files that no event names. What cannot be removed is left to [`sweep`].
    pub async fn remove(&self, documents: &[DocumentId]) {
        let Ok(store) = self.store().await else { return };
        for document in documents {
            match store.delete(&location(*document)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    warn!(error, %document, "a file that nothing names was not removed");
                }
            }
        }
    }

    /// Begins to count what a request of a person brings, once it is its turn.
    pub async fn receiving(&self, person: UserId) -> OnTheWay {
        let turn = self.receivers.wait(person).await;
        OnTheWay { held: self.receiving.hold(), _turn: turn }
    }

    /// Begins to count what an answer to a person takes, once it is its turn.
    pub async fn sending(&self, person: UserId) -> OnTheWay {
        let turn = self.senders.wait(person).await;
        OnTheWay { held: self.sending.hold(), _turn: turn }
    }

    /// Memory that files on their way in take now.
    #[must_use]
    pub fn received_bytes(&self) -> usize {
        self.receiving.taken()
    }
}

fn location(document: DocumentId) -> object_store::path::Path {
    object_store::path::Path::from(document.to_string())
}

/// What root makes in another user's folder belongs to that user, who would be locked out otherwise.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        made => made?,
    }
    let owner = fs::metadata(parent)?;
    if is_root() && owner.uid() != 0 {
        chown(folder, Some(owner.uid()), Some(owner.gid()))?;
    }
    // The entry of the folder itself must survive a crash, as those of the files in it do.
    fs::File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use uuid::Uuid;

    use super::*;

    fn uploads(folder: &Path) -> Uploads {
        let bounds = Bounds { received_bytes: 4096, sent_bytes: 4096, bytes_per_person_and_day: 4096 };
        Uploads::new(folder, LedgerId(Uuid::from_u128(1)), bounds)
    }

    #[tokio::test]
    async fn a_file_is_kept_once_and_fetched_and_removed() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("data/uploads");
        let uploads = uploads(&folder);
        let id = DocumentId(Uuid::from_u128(7));
        assert_eq!(uploads.get(id).await.unwrap(), None);
        uploads.put(id, b"sealed".to_vec()).await.unwrap();
        assert!(uploads.put(id, b"other".to_vec()).await.is_err());
        assert_eq!(uploads.get(id).await.unwrap().as_deref(), Some(&b"sealed"[..]));
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        uploads.remove(&[id, DocumentId(Uuid::from_u128(8))]).await;
        assert_eq!(uploads.get(id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_named() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("file"), "").unwrap();
        let error = uploads(&temp.path().join("file/uploads")).store().await.err().unwrap();
        assert!(error.to_string().contains("file/uploads"), "{error}");
    }
}
