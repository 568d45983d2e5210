//! Takes an export into an empty database, proving it on the way.
//!
//! Order: every event is checked before it is inserted, the whole before it is committed. An import that ends early in
//! whatever way leaves the journal empty, and can be run again. Only the answer to the commit itself may be lost: then
//! the database is asked, and if it cannot be, [`ImportError::Unknown`] says so.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lumbung_domain::LedgerId;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::LONGEST_LINE;
use super::insert::Intake;
use super::line::{AnchorLine, FORMAT, Header, KeyLine, Line, LineFault, Trailer, VERSION, instant};
use super::numbers::Highest;
use super::passphrase::{Derived, Passphrase};
use crate::error::JournalError;
use crate::head::{Hash, Head};
use crate::keys::{INDEX, KeyError, MasterKey, rewrap};
use crate::record::{Break, Record};
use crate::verify::Proof;

/// How often progress is told.
const TELL_EVERY: i64 = 1_000;

/// What becomes of keys that the file holds.
pub enum KeysOnImport<'a> {
    /// They are opened with the passphrase and wrapped by the master key of the new place.
    Take { master: &'a MasterKey, passphrase: &'a Passphrase },
    /// They stay behind: the log can be verified, replayed and projected, but nobody can be served.
    Leave,
    /// Nothing was said: a file with keys is refused before the database is touched.
    Unsaid,
}

/// What was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    pub ledger: LedgerId,
    pub head: Head,
    pub anchors: i64,
    /// Keys of people and of the ledger; `None` when they were left or not there.
    pub keys: Option<i64>,
}

/// Why nothing was imported, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the database is not empty: it holds {found}; import into a new one")]
    NotEmpty { found: String },
    #[error("another process is writing to this ledger")]
    Busy,
    #[error("line {line}: {fault}")]
    Fault { line: u64, fault: LineFault },
    #[error("the file holds keys: give the passphrase, or say that they are to be left")]
    PassphraseNeeded,
    #[error("the file holds no keys")]
    NoKeys,
    #[error("the passphrase is not the one that the file was made with")]
    WrongPassphrase,
    /// The log as a whole does not hold together.
    #[error("the log in the file is broken: {0}")]
    Broken(Break),
    /// It may have been committed as a whole, or not at all.
    #[error(
        "the connection was lost during the commit, and the database cannot be asked: it holds all of the import, up to \
         {head}, or nothing; `lumbung verify` tells which"
    )]
    Unknown {
        head: Head,
        #[source]
        source: sqlx::Error,
    },
    #[error("the database refuses what the file holds")]
    Refused(#[source] sqlx::Error),
    #[error("the file could not be read")]
    Read(#[source] io::Error),
    #[error("the database")]
    Journal(#[source] JournalError),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        let class = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        // Data that the database cannot hold, and rows that exclude each other.
        match class {
            Some(code) if code.starts_with("22") || code.starts_with("23") => Self::Refused(error),
            _ => Self::Journal(error.into()),
        }
    }
}

impl From<JournalError> for ImportError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Broken(broken) => Self::Broken(broken),
            other => Self::Journal(other),
        }
    }
}

/// Takes the export `from` into a migrated database whose journal is empty, in one transaction. `progress` is told the
/// position that was proven and the last one.
///
/// # Errors
/// See [`ImportError`]; the database is as it was, except after [`ImportError::Unknown`], when nobody knows.
pub async fn import<R: AsyncBufRead + Unpin>(
    database: &PgConnectOptions,
    from: R,
    keys: KeysOnImport<'_>,
    mut progress: impl FnMut(i64, i64),
) -> Result<Imported, ImportError> {
    let mut lines = Lines::new(from);
    let header = lines.header().await?;
    let taking = taking(&header, &keys)?;
    let mut reading = Reading {
        header,
        taking,
        proof: Proof::default(),
        numbers: Highest::default(),
        rank: 0,
        keys: 0,
        anchors: 0,
        intake: Intake::begin(database).await?,
    };
    let trailer = loop {
        if !lines.advance().await? {
            return Err(lines.fault(LineFault::Truncated));
        }
        let line = lines.parsed()?;
        if let Some(trailer) = reading.line(line).await.map_err(|stop| lines.at(stop))? {
            break trailer;
        }
        let position = reading.proof.head.position;
        if position % TELL_EVERY == 0 {
            progress(position, reading.header.events);
        }
    };
    reading.check(&trailer, lines.digest()).map_err(|fault| lines.fault(fault))?;
    if lines.advance().await? {
        return Err(lines.fault(LineFault::BehindTheTrailer));
    }
    progress(reading.proof.head.position, reading.header.events);
    let Reading { header, taking, proof, numbers, keys, anchors, intake, .. } = reading;
    let head = proof.head;
    proof.finish().map_err(ImportError::Broken)?;
    intake.commit(database, head, &numbers).await?;
    Ok(Imported { ledger: header.ledger, head, anchors, keys: taking.map(|_| keys) })
}

/// Keys on their way from the passphrase to the master key.
struct Taking<'a> {
    derived: Derived,
    master: &'a MasterKey,
}

fn taking<'a>(header: &Header, keys: &KeysOnImport<'a>) -> Result<Option<Taking<'a>>, ImportError> {
    match (&header.keys, keys) {
        (Some(kdf), KeysOnImport::Take { master, passphrase }) => {
            let derived = kdf.derive(passphrase);
            let derived = derived
                .ok_or(ImportError::Fault { line: 1, fault: LineFault::Value("keys of the header") })?;
            Ok(Some(Taking { derived, master }))
        }
        (None, KeysOnImport::Take { .. }) => Err(ImportError::NoKeys),
        (Some(_), KeysOnImport::Unsaid) => Err(ImportError::PassphraseNeeded),
        (_, KeysOnImport::Leave) | (None, KeysOnImport::Unsaid) => Ok(None),
    }
}

/// Why the reading of a line stopped.
enum Stop {
    Fault(LineFault),
    Other(ImportError),
}

impl From<LineFault> for Stop {
    fn from(fault: LineFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ImportError> for Stop {
    fn from(error: ImportError) -> Self {
        Self::Other(error)
    }
}

/// What is known of the file so far.
struct Reading<'a> {
    header: Header,
    taking: Option<Taking<'a>>,
    proof: Proof,
    numbers: Highest,
    /// Of the last line; they never fall.
    rank: u8,
    keys: i64,
    anchors: i64,
    intake: Intake,
}

impl Reading<'_> {
    /// Takes a line in; the trailer ends it.
    async fn line(&mut self, line: Line<'_>) -> Result<Option<Trailer>, Stop> {
        let (rank, name) = match &line {
            Line::Header(_) => (0, "a header"),
            Line::Key(_) => (1, "a key"),
            Line::Event(_) => (2, "an event"),
            Line::Anchor(_) => (3, "an anchor"),
            Line::Trailer(_) => (4, "a trailer"),
        };
        if rank == 0 || rank < self.rank || (rank == 1 && self.header.keys.is_none()) {
            return Err(LineFault::OutOfPlace(name).into());
        }
        self.rank = rank;
        match line {
            Line::Header(_) => {}
            Line::Key(key) => self.key(key).await?,
            Line::Event(event) => self.event(event.record()?).await?,
            Line::Anchor(anchor) => self.anchor(anchor).await?,
            Line::Trailer(trailer) => return Ok(Some(trailer)),
        }
        Ok(None)
    }

    async fn key(&mut self, key: KeyLine) -> Result<(), Stop> {
        self.keys += 1;
        let Some(Taking { derived, master }) = &self.taking else { return Ok(()) };
        let wrapped = STANDARD.decode(&key.wrapped).map_err(|_| LineFault::Value("wrapped"))?;
        let again = |name: &str| rewrap(&derived.wrapping, master, self.header.ledger, name, &wrapped);
        match (key.name.as_deref(), key.person, key.created_at.as_deref()) {
            // The first of the keys: here a wrong passphrase shows.
            (Some(INDEX), None, None) if self.keys == 1 => {
                let wrapped = again(INDEX).map_err(|error| match error {
                    KeyError::WrongMasterKey => ImportError::WrongPassphrase,
                    other => JournalError::from(other).into(),
                })?;
                self.intake.index_key(&wrapped).await?;
            }
            (None, Some(person), Some(created_at)) if self.keys > 1 => {
                let created_at = instant(created_at).ok_or(LineFault::Value("createdAt"))?;
                let wrapped = again(&person.to_string()).map_err(|_| LineFault::Key)?;
                self.intake.person_key(person, wrapped, created_at).await?;
            }
            _ => return Err(LineFault::Value("name or person of a key").into()),
        }
        Ok(())
    }

    async fn event(&mut self, record: Record) -> Result<(), Stop> {
        let event = self.proof.take(&record).map_err(LineFault::Broken)?;
        // Everything sealed is bound to it.
        if record.position == 1 && record.stream.id.parse() != Ok(self.header.ledger) {
            return Err(LineFault::Header("ledger").into());
        }
        self.numbers.see(&record.stream, &event);
        Ok(self.intake.event(record).await?)
    }

    async fn anchor(&mut self, anchor: AnchorLine) -> Result<(), Stop> {
        self.anchors += 1;
        let at = instant(&anchor.anchored_at).ok_or(LineFault::Value("anchoredAt"))?;
        Ok(self.intake.anchor(anchor.position, anchor.hash, at).await?)
    }

    /// That the file is whole and says of itself what it is.
    fn check(&self, trailer: &Trailer, digest: Hash) -> Result<(), LineFault> {
        let Self { proof: Proof { head, .. }, keys, anchors, header, .. } = self;
        for (what, found, says, told) in [
            ("events", head.position, "header", header.events),
            ("events", head.position, "trailer", trailer.events),
            ("keys", *keys, "trailer", trailer.keys),
            ("anchors", *anchors, "trailer", trailer.anchors),
        ] {
            if found != told {
                return Err(LineFault::Count { what, found, says, told });
            }
        }
        if header.head != (*head).into() || trailer.head != (*head).into() {
            return Err(LineFault::Header("head"));
        }
        if head.position == 0 || (header.keys.is_some() && *keys == 0) {
            return Err(LineFault::Truncated);
        }
        let mac = self.taking.as_ref().map(|taking| taking.derived.mac(digest));
        if trailer.digest != digest || mac.is_some_and(|mac| trailer.mac != Some(mac)) {
            return Err(LineFault::Digest);
        }
        Ok(())
    }
}

/// The lines of a file, and the digest of those behind us.
struct Lines<R> {
    from: R,
    number: u64,
    line: Vec<u8>,
    digest: Sha256,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    fn new(from: R) -> Self {
        Self { from, number: 0, line: Vec::new(), digest: Sha256::new() }
    }

    /// Goes to the next line; there may be none.
    async fn advance(&mut self) -> Result<bool, ImportError> {
        self.digest.update(&self.line);
        self.line.clear();
        self.number += 1;
        let mut bounded = (&mut self.from).take(LONGEST_LINE);
        let read = bounded.read_until(b'\n', &mut self.line).await.map_err(ImportError::Read)?;
        if read as u64 >= LONGEST_LINE {
            return Err(self.fault(LineFault::TooLong));
        }
        if read > 0 && self.line.last() != Some(&b'\n') {
            return Err(self.fault(LineFault::Truncated));
        }
        Ok(read > 0)
    }

    async fn header(&mut self) -> Result<Header, ImportError> {
        let there = self.advance().await;
        // Something else may well have no line breaks.
        if let Err(ImportError::Read(error)) = there {
            return Err(ImportError::Read(error));
        }
        match serde_json::from_slice(&self.line) {
            Ok(Line::Header(header)) if header.format == FORMAT && header.version == VERSION => Ok(header),
            Ok(Line::Header(header)) if header.format == FORMAT => {
                Err(self.fault(LineFault::Version(header.version)))
            }
            _ => Err(self.fault(LineFault::NoHeader)),
        }
    }

    fn parsed(&self) -> Result<Line<'_>, ImportError> {
        // Where in the line, not what stands there: it may be about a person.
        serde_json::from_slice(&self.line)
            .map_err(|error| self.fault(LineFault::Unreadable(format!("column {}", error.column()))))
    }

    /// The hash of everything before this line.
    fn digest(&self) -> Hash {
        Hash(self.digest.clone().finalize().into())
    }

    fn fault(&self, fault: LineFault) -> ImportError {
        ImportError::Fault { line: self.number, fault }
    }

    fn at(&self, stop: Stop) -> ImportError {
        match stop {
            Stop::Fault(fault) => self.fault(fault),
            Stop::Other(error) => error,
        }
    }
}
