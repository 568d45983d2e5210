//! Where the files that people hand in are kept: sealed with their owner's key, one object a document, named by its id.
//!
//! Order: a file is durable before the event that names it is appended, so no event ever names a file that is not
//! there. A file without an event is what a refused or broken-off command leaves; whoever knows that removes it at once,
//! and [`sweep`] removes the rest.
//!
//! Each ledger has a folder of its own: a node that is started on another database does not take the files there for
//! left-overs.

mod format;
mod sweep;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use lumbung_domain::{DocumentId, LedgerId};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tracing::warn;

pub use format::media_type;
pub use sweep::{keep_swept, sweep};

use crate::data_dir::is_root;

/// Received bytes are counted in pieces of this size.
const PIECE_BYTES: usize = 1024;

/// The upload folder of a node. The folder is made when it is first needed.
pub struct Uploads {
    folder: PathBuf,
    ledger: LedgerId,
    store: OnceCell<Arc<dyn ObjectStore>>,
    memory: Arc<Semaphore>,
}

/// What is being received, counted against what all uploads together may take of the memory.
pub struct Receiving {
    memory: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

/// Why a file could not be kept or fetched.
#[derive(Debug, thiserror::Error)]
pub enum UploadsError {
    #[error("the upload folder {} cannot be made", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("the upload folder")]
    Store(#[from] object_store::Error),
    #[error("the journal")]
    Journal(#[from] lumbung_journal::JournalError),
}

impl Uploads {
    /// `memory_bytes`: how much all uploads that are being received may take together.
    #[must_use]
    pub fn new(folder: &Path, ledger: LedgerId, memory_bytes: u64) -> Self {
        let pieces = usize::try_from(memory_bytes).unwrap_or(usize::MAX) / PIECE_BYTES;
        let memory = Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS)));
        Self { folder: folder.to_path_buf(), ledger, store: OnceCell::new(), memory }
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

    /// Begins to count what is being received.
    #[must_use]
    pub fn receiving(&self) -> Receiving {
        Receiving { memory: Arc::clone(&self.memory), held: None, bytes: 0 }
    }
}

impl Receiving {
    /// Counts more bytes. False: all uploads together take too much already.
    #[must_use]
    pub fn more(&mut self, bytes: usize) -> bool {
        let before = self.bytes.div_ceil(PIECE_BYTES);
        self.bytes = self.bytes.saturating_add(bytes);
        let Ok(pieces) = u32::try_from(self.bytes.div_ceil(PIECE_BYTES) - before) else { return false };
        match Arc::clone(&self.memory).try_acquire_many_owned(pieces) {
            Ok(permit) => {
                match &mut self.held {
                    Some(held) => held.merge(permit),
                    None => self.held = Some(permit),
                }
                true
            }
            Err(_) => false,
        }
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
        Uploads::new(folder, LedgerId(Uuid::from_u128(1)), 4096)
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

    #[test]
    fn what_is_received_is_bounded_together() {
        let uploads = uploads(Path::new("/nowhere"));
        let (mut one, mut other) = (uploads.receiving(), uploads.receiving());
        assert!(one.more(1) && one.more(1023) && one.more(2048));
        assert!(other.more(1024));
        assert!(!other.more(1));
        drop(one);
        assert!(other.more(1));
    }
}
