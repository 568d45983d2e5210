//! `/uploads`: files, for their owners and for the staff that looks at people.
//!
//! Whatever a file holds, a browser is told its sniffed type alone, may show it only if it is a picture, and runs nothing
//! of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use lumbung_domain::{Document, DocumentRef, StoredDocument};
use lumbung_journal::KeyError;
use tokio::sync::mpsc;

use super::documents::sealed_as;
use super::error::ApiError;
use crate::app::App;
use crate::auth::{Caller, is_staff};
use crate::uploads::OnTheWay;

const PIECE_BYTES: usize = 64 * 1024;
const SENT_WITHIN: Duration = Duration::from_secs(120);

/// Why a file that an event names cannot be shown.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("the content of document {0} is missing")]
    Missing(lumbung_domain::DocumentId),
    #[error("the content of document {document} cannot be opened")]
    Damaged { document: lumbung_domain::DocumentId, source: KeyError },
}

/// Where a client fetches a document.
pub(super) fn document_url(app: &App, document: DocumentRef) -> String {
    format!("{}/uploads/{document}", app.public_url)
}

/// The same, as loans name it: without the server.
pub(super) fn document_path(document: DocumentRef) -> String {
    format!("/uploads/documents/{document}")
}

pub(super) async fn fetch(
    State(app): State<Arc<App>>,
    caller: Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    // A name that is no text is that of no document.
    let name = name.map(|Path(name)| name).unwrap_or_default();
    answer(&app, &caller, &name).await
}

async fn answer(app: &App, caller: &Caller, name: &str) -> Result<Response, ApiError> {
    let named: DocumentRef = name.parse().map_err(|_| ApiError::not_found())?;
    let (document, _) = app.access.get::<Document>(named.document_id).await?;
    let stored = document.stored().filter(|stored| stored.document == named);
    let stored = stored.ok_or_else(ApiError::not_found)?;
    if stored.owner != caller.user() && !is_staff(caller.identity()) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "ACCESS_DENIED", "Access Denied"));
    }
    let mut on_the_way = app.uploads.sending(caller.user()).await;
    // Sealed and in clear.
    if !on_the_way.held.more(usize::try_from(stored.size_bytes).unwrap_or(usize::MAX).saturating_mul(2)) {
        return Err(ApiError::overloaded());
    }
    let content = open(app, stored).await?;
    app.audit.looked_at_file(caller.trail(), stored.owner, named.document_id.to_string());
    let disposition = if named.media_type.is_image() { "inline" } else { "attachment" };
    let disposition = HeaderValue::try_from(format!("{disposition}; filename=\"{named}\""));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(named.media_type.mime())),
        (CONTENT_DISPOSITION, disposition.map_err(ApiError::fatal)?),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
        (CONTENT_LENGTH, HeaderValue::from(content.len())),
    ];
    Ok((headers, body(content, on_the_way)).into_response())
}

/// A body that takes memory until it is sent, or until its time is up: a client that stops reading cannot hold it for
/// ever.
fn body(content: Vec<u8>, on_the_way: OnTheWay) -> Body {
    let (pieces, queue) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    tokio::spawn(async move {
        let all = async {
            for piece in content.chunks(PIECE_BYTES) {
                // A copy, so that what waits in the connection's buffers does not keep the whole.
                if pieces.send(Ok(Bytes::copy_from_slice(piece))).await.is_err() {
                    return;
                }
            }
        };
        // A body that ends early is seen for that: it has a length.
        let _ = tokio::time::timeout(SENT_WITHIN, all).await;
        drop(on_the_way);
    });
    Body::from_stream(unfold(queue, |mut queue| async { queue.recv().await.map(|piece| (piece, queue)) }))
}

async fn open(app: &App, stored: &StoredDocument) -> Result<Vec<u8>, ApiError> {
    let document = stored.document.document_id;
    let sealed = app.uploads.get(document).await.map_err(ApiError::fatal)?;
    let sealed = sealed.ok_or_else(|| ApiError::fatal(Unreadable::Missing(document)))?;
    let owner = stored.owner.0;
    let opener = app.ledger.vault().opener_of(owner).await?;
    let opened = tokio::task::spawn_blocking(move || opener.open_bytes(owner, &sealed_as(document), &sealed));
    match opened.await.map_err(ApiError::fatal)? {
        Ok(content) => Ok(content),
        // Nothing is left of an erased person.
        Err(KeyError::Erased) => Err(ApiError::not_found()),
        Err(source) => Err(ApiError::fatal(Unreadable::Damaged { document, source })),
    }
}
