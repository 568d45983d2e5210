//! Writes a ledger out. What is written was proven: a log that does not verify is not exported.

use std::io;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use lumbung_domain::{AggregateType, LedgerId};
use serde_json::ser::to_writer;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool, Row};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use uuid::Uuid;

use super::line::{AnchorLine, EventLine, FORMAT, Header, KeyLine, Line, Trailer, VERSION, instant_text};
use super::passphrase::{Derived, Kdf, Passphrase};
use crate::error::JournalError;
use crate::head::{Hash, Head};
use crate::keys::{INDEX, KeyError, MasterKey, rewrap};
use crate::read;
use crate::record::Break;
use crate::verify::{Proof, check_anchors, check_sequences};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const PAGE: i64 = 2_000;
/// Lines are collected up to this size before they are written.
const CHUNK_BYTES: usize = 256 * 1024;

/// What an export contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    pub ledger: LedgerId,
    pub head: Head,
    pub anchors: i64,
    /// Keys of people and of the ledger; `None` when they were not asked for.
    pub keys: Option<i64>,
}

/// Why there is no export. What was written so far has no trailer, and an import refuses it.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("there is no ledger in this database yet")]
    Empty,
    /// A copy of a broken log would only hide where it broke.
    #[error("the log is broken and is not exported: {0}")]
    Broken(Break),
    #[error("the export could not be written")]
    Write(#[source] io::Error),
    #[error("the log could not be read")]
    Journal(#[source] JournalError),
}

impl From<sqlx::Error> for ExportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Journal(error.into())
    }
}

impl From<KeyError> for ExportError {
    fn from(error: KeyError) -> Self {
        Self::Journal(error.into())
    }
}

impl From<JournalError> for ExportError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Broken(broken) => Self::Broken(broken),
            other => Self::Journal(other),
        }
    }
}

/// Writes the ledger of this database to `to`, proving it on the way. Everything is of one moment: what is appended
/// meanwhile is not in it.
///
/// With `keys` (the master key of this ledger and a passphrase) the keys travel too, wrapped by what follows from the
/// passphrase. `progress` is told the position that was written and the last one.
///
/// # Errors
/// See [`ExportError`].
pub async fn export<W: AsyncWrite + Unpin>(
    pool: &PgPool,
    to: W,
    keys: Option<(&MasterKey, &Passphrase)>,
    mut progress: impl FnMut(i64, i64),
) -> Result<Exported, ExportError> {
    let mut snapshot = pool.begin().await?;
    sqlx::raw_sql("set transaction isolation level repeatable read, read only")
        .execute(&mut *snapshot)
        .await?;
    let head = read::head(&mut *snapshot).await?;
    let ledger = ledger(&mut snapshot).await?;
    let kdf = keys.map(|_| Kdf::fresh()).transpose()?;
    let derived = match (&kdf, keys) {
        (Some(kdf), Some((_, passphrase))) => Some(kdf.derive(passphrase).ok_or(KeyError::Cipher)?),
        _ => None,
    };
    let mut out = Out::new(to);
    out.line(&Line::Header(Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        ledger,
        events: head.position,
        head: head.into(),
        exported_at: instant_text(Utc::now()),
        keys: kdf,
    }))
    .await?;
    let mut written_keys = None;
    if let (Some(derived), Some((master, _))) = (&derived, keys) {
        let wrapping = Rewrapping { from: master, to: &derived.wrapping, ledger };
        written_keys = Some(write_keys(&mut out, &mut snapshot, &wrapping).await?);
    }
    write_events(&mut out, &mut snapshot, head, |position| progress(position, head.position)).await?;
    check_sequences(&mut *snapshot).await?;
    check_anchors(&mut *snapshot, head).await?;
    let anchors = write_anchors(&mut out, &mut snapshot).await?;
    out.close(head, written_keys.unwrap_or(0), anchors, derived.as_ref()).await?;
    Ok(Exported { ledger, head, anchors, keys: written_keys })
}

async fn ledger(snapshot: &mut PgConnection) -> Result<LedgerId, ExportError> {
    let first = read::after(&mut *snapshot, 0, 1).await?.pop().ok_or(ExportError::Empty)?;
    let opened = (first.stream.kind == AggregateType::Ledger).then(|| first.stream.id.parse().ok()).flatten();
    opened.ok_or(ExportError::Journal(JournalError::Malformed {
        what: "the first event: it must be LedgerOpened",
    }))
}

struct Rewrapping<'a> {
    from: &'a MasterKey,
    to: &'a MasterKey,
    ledger: LedgerId,
}

impl Rewrapping<'_> {
    fn text(&self, name: &str, wrapped: &[u8]) -> Result<String, KeyError> {
        Ok(STANDARD.encode(rewrap(self.from, self.to, self.ledger, name, wrapped)?))
    }
}

async fn write_keys<W: AsyncWrite + Unpin>(
    out: &mut Out<W>,
    snapshot: &mut PgConnection,
    wrapping: &Rewrapping<'_>,
) -> Result<i64, ExportError> {
    let index = sqlx::query("select wrapped from journal.ledger_keys where name = 'index'")
        .fetch_optional(&mut *snapshot)
        .await?
        .ok_or(KeyError::NoKeys)?;
    let wrapped = wrapping.text(INDEX, index.try_get("wrapped")?)?;
    let index = KeyLine { name: Some(INDEX.to_owned()), person: None, created_at: None, wrapped };
    out.line(&Line::Key(index)).await?;
    let mut written = 1;
    let mut rows = sqlx::query(
        "select person, wrapped, (extract(epoch from created_at) * 1000000)::bigint as created_at
         from journal.person_keys order by created_at, person",
    )
    .fetch(&mut *snapshot);
    while let Some(row) = rows.try_next().await? {
        let person: Uuid = row.try_get("person")?;
        let wrapped = wrapping.text(&person.to_string(), row.try_get("wrapped")?)?;
        let created_at = Some(micros(row.try_get("created_at")?, "created_at of a key")?);
        out.line(&Line::Key(KeyLine { name: None, person: Some(person), created_at, wrapped })).await?;
        written += 1;
    }
    Ok(written)
}

async fn write_events<W: AsyncWrite + Unpin>(
    out: &mut Out<W>,
    snapshot: &mut PgConnection,
    end: Head,
    mut progress: impl FnMut(i64),
) -> Result<(), ExportError> {
    let mut proof = Proof::default();
    while proof.head.position < end.position {
        let page = read::after(&mut *snapshot, proof.head.position, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for record in &page {
            proof.take(record).map_err(ExportError::Broken)?;
            out.line(&Line::Event(EventLine::of(record))).await?;
        }
        progress(proof.head.position);
    }
    proof.finish().map_err(ExportError::Broken)?;
    Ok(())
}

async fn write_anchors<W: AsyncWrite + Unpin>(
    out: &mut Out<W>,
    snapshot: &mut PgConnection,
) -> Result<i64, ExportError> {
    let mut rows = sqlx::query(
        "select position, hash, (extract(epoch from anchored_at) * 1000000)::bigint as anchored_at
         from journal.anchors order by position",
    )
    .fetch(&mut *snapshot);
    let mut written = 0;
    while let Some(row) = rows.try_next().await? {
        let hash = Hash::from_slice(row.try_get("hash")?);
        let anchor = AnchorLine {
            position: row.try_get("position")?,
            hash: hash.ok_or(JournalError::Malformed { what: "hash of an anchor" })?,
            anchored_at: micros(row.try_get("anchored_at")?, "anchored_at of an anchor")?,
        };
        out.line(&Line::Anchor(anchor)).await?;
        written += 1;
    }
    Ok(written)
}

fn micros(micros: i64, what: &'static str) -> Result<String, JournalError> {
    DateTime::from_timestamp_micros(micros).map(instant_text).ok_or(JournalError::Malformed { what })
}

/// Lines on their way out, and the digest of all of them.
struct Out<W> {
    to: W,
    chunk: Vec<u8>,
    digest: Sha256,
}

impl<W: AsyncWrite + Unpin> Out<W> {
    fn new(to: W) -> Self {
        Self { to, chunk: Vec::with_capacity(2 * CHUNK_BYTES), digest: Sha256::new() }
    }

    async fn line(&mut self, line: &Line<'_>) -> Result<(), ExportError> {
        to_writer(&mut self.chunk, line).map_err(|error| ExportError::Write(error.into()))?;
        self.chunk.push(b'\n');
        if self.chunk.len() >= CHUNK_BYTES {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), ExportError> {
        self.digest.update(&self.chunk);
        self.to.write_all(&self.chunk).await.map_err(ExportError::Write)?;
        self.chunk.clear();
        Ok(())
    }

    async fn close(
        mut self,
        head: Head,
        keys: i64,
        anchors: i64,
        derived: Option<&Derived>,
    ) -> Result<(), ExportError> {
        self.write().await?;
        let digest = Hash(self.digest.clone().finalize().into());
        let mac = derived.map(|derived| derived.mac(digest));
        let trailer = Trailer { events: head.position, keys, anchors, head: head.into(), digest, mac };
        self.line(&Line::Trailer(trailer)).await?;
        self.write().await?;
        self.to.flush().await.map_err(ExportError::Write)
    }
}
