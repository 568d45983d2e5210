//! Removing the files that no event names.
//!
//! Bounds: so many files are looked up at once and so many removed in one pass. Only files that are old enough for
//! every command that could still name them to be over are looked at.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use lumbung_domain::{Document, DocumentId, StreamId};
use lumbung_journal::read;
use sqlx::PgPool;
use tracing::{info, warn};

use super::{Uploads, UploadsError};

/// No command takes this long.
const OLD_ENOUGH: TimeDelta = TimeDelta::days(1);
const EVERY: Duration = Duration::from_secs(6 * 3600);
const LOOKED_UP_AT_ONCE: usize = 256;
const MOST_REMOVED: usize = 10_000;

/// Removes left-over files now and every few hours, for ever; run it as a task.
pub async fn keep_swept(uploads: &Uploads, pool: &PgPool) {
    loop {
        match sweep(uploads, pool, Utc::now()).await {
            Ok(0) => {}
            Ok(files) => info!(files, "removed files that no event names"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(error, "files that no event names were not all removed");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Removes the files that were a day old at `now` and that no `Document` stream knows; answers how many.
///
/// # Errors
/// The folder or the journal cannot be read; nothing that an event names is ever removed.
pub async fn sweep(uploads: &Uploads, pool: &PgPool, now: DateTime<Utc>) -> Result<usize, UploadsError> {
    let mut files = uploads.store().await?.list(None);
    let (mut removed, mut unsure) = (0, Vec::new());
    while let Some(file) = files.try_next().await? {
        // What is not named like a document was put there by somebody else.
        let named = file.location.filename().and_then(|name| name.parse::<DocumentId>().ok());
        if let Some(document) = named.filter(|_| now - file.last_modified >= OLD_ENOUGH) {
            unsure.push(document);
        }
        if unsure.len() == LOOKED_UP_AT_ONCE {
            removed += remove_unknown(uploads, pool, &std::mem::take(&mut unsure)).await?;
        }
        if removed >= MOST_REMOVED {
            return Ok(removed);
        }
    }
    Ok(removed + remove_unknown(uploads, pool, &unsure).await?)
}

async fn remove_unknown(
    uploads: &Uploads,
    pool: &PgPool,
    documents: &[DocumentId],
) -> Result<usize, UploadsError> {
    let streams: Vec<StreamId> = documents.iter().map(|id| StreamId::of::<Document>(*id)).collect();
    let (_, records) = read::streams(pool, &streams).await?;
    let known = |document: &DocumentId| {
        let stream = StreamId::of::<Document>(*document);
        records.iter().any(|record| record.stream == stream)
    };
    let unknown: Vec<DocumentId> = documents.iter().copied().filter(|id| !known(id)).collect();
    uploads.remove(&unknown).await;
    Ok(unknown.len())
}
