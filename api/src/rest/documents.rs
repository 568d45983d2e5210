//! Files on their way from a request into the upload folder: checked, sealed, stored, and then named by an event.

use axum::body::Bytes;
use lumbung_commands::Call;
use lumbung_domain::{DocumentId, DocumentKind, DocumentRef, MediaType, StoredDocument, UserId};
use lumbung_journal::{KeyError, Sealer, idempotency};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::command::Accepted;
use super::error::{ApiError, FieldError};
use super::multipart::{Parts, fault};
use crate::app::App;
use crate::uploads::media_type;

/// A file that was handed in and is what it must be.
pub(super) struct File {
    kind: DocumentKind,
    media_type: MediaType,
    content: Bytes,
}

/// A file that is ready to be stored.
pub(super) struct SealedFile {
    pub(super) stored: StoredDocument,
    content: Vec<u8>,
}

/// Files that are stored and that no event names yet.
pub(super) struct Kept(Vec<DocumentId>);

impl File {
    /// The file of this kind, if there is one.
    pub(super) fn of(
        parts: &Parts,
        kind: DocumentKind,
        limit_bytes: u64,
    ) -> Result<Option<Self>, FieldError> {
        let name = kind.name();
        let Some(part) = parts.file(name)? else { return Ok(None) };
        if part.content.len() as u64 > limit_bytes {
            let message = match limit_bytes.checked_shr(20) {
                Some(megabytes) if megabytes << 20 == limit_bytes => {
                    format!("must be at most {megabytes} MB")
                }
                _ => format!("must be at most {limit_bytes} bytes"),
            };
            return Err(FieldError { field: name.into(), message: message.into() });
        }
        match media_type(&part.content) {
            Some(media_type) => Ok(Some(Self { kind, media_type, content: part.content.clone() })),
            None => Err(fault(name, "must be a JPEG, PNG or PDF")),
        }
    }
}

impl File {
    pub(super) fn bytes(&self) -> u64 {
        self.content.len() as u64
    }
}

/// What a document's content is sealed as; no other bytes are ever sealed as this.
pub(super) fn sealed_as(document: DocumentId) -> String {
    format!("document/{document}")
}

/// Seals files of `owner`, off the threads that answer requests.
pub(super) async fn seal(
    sealer: Sealer,
    owner: UserId,
    files: Vec<File>,
) -> Result<Vec<SealedFile>, ApiError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let seal_all = move || files.iter().map(|file| seal_one(&sealer, owner, file)).collect();
    let sealed: Result<Vec<SealedFile>, KeyError> =
        tokio::task::spawn_blocking(seal_all).await.map_err(ApiError::fatal)?;
    Ok(sealed?)
}

fn seal_one(sealer: &Sealer, owner: UserId, file: &File) -> Result<SealedFile, KeyError> {
    let document_id = DocumentId(Uuid::now_v7());
    let content = sealer.seal_bytes(&sealed_as(document_id), &file.content)?;
    let digest = Sha256::digest(&content);
    let stored = StoredDocument {
        document: DocumentRef { document_id, kind: file.kind, media_type: file.media_type },
        owner,
        size_bytes: file.content.len() as u64,
        sealed_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    Ok(SealedFile { stored, content })
}

/// Stores files. All are durable then, or none is left.
pub(super) async fn store(app: &App, files: Vec<SealedFile>) -> Result<Kept, ApiError> {
    let mut kept = Kept(Vec::with_capacity(files.len()));
    for file in files {
        let document = file.stored.document.document_id;
        kept.0.push(document);
        if let Err(error) = app.uploads.put(document, file.content).await {
            app.uploads.remove(&kept.0).await;
            return Err(ApiError::unavailable(error));
        }
    }
    Ok(kept)
}

impl Kept {
    /// Removes the files if it is certain that no event names them: the command was refused, or had been carried out
    /// before with files of its own.
    pub(super) async fn unless_refused<T>(
        self,
        app: &App,
        done: Result<Accepted<T>, ApiError>,
    ) -> Result<Accepted<T>, ApiError> {
        let named = match &done {
            Ok(done) => !done.replayed,
            Err(error) => error.is_uncertain(),
        };
        if !named {
            app.uploads.remove(&self.0).await;
        }
        done
    }
}

/// Whether the call was answered under its Idempotency-Key, so that there is nothing left to store for it. A call that
/// is being answered at this moment is not found; its files are removed again when that turns out.
pub(super) async fn is_answered(app: &App, call: &Call) -> Result<bool, ApiError> {
    let Some(key) = call.key else { return Ok(false) };
    Ok(!idempotency::find(app.ledger.pool(), &[key.key]).await?.is_empty())
}
