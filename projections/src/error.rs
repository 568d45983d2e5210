//! What can go wrong on the read side: transient (retry) or fatal (page someone). Nothing here is a business rule.

use lumbung_journal::{JournalError, is_transient};

/// A query could not be answered. Its text is for operators and never reaches a client.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("a read model holds a malformed value in {column}")]
    Malformed { column: &'static str },
}

impl ReadError {
    /// Whether trying again can help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Database(error) if is_transient(error))
    }
}

/// The read models could not be created, fed or rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("a read model holds a malformed value in {column}")]
    Malformed { column: &'static str },
    #[error("the journal could not be read")]
    Journal(#[from] JournalError),
    /// The checkpoint is not where this projector left it: it must load it and start over.
    #[error("the checkpoint of {schema} is no longer {expected}")]
    CheckpointMoved { schema: String, expected: i64 },
    #[error("events after {after} are missing: the next one is {found}")]
    Gap { after: i64, found: i64 },
    /// The log is shorter than what was projected: it was restored. The read models must be rebuilt.
    #[error("the read models reached {checkpoint}, but the log ends at {head}")]
    AheadOfLog { checkpoint: i64, head: i64 },
    #[error("{table} lacks {missing} of the rows that events change")]
    RowsMissing { table: &'static str, missing: u64 },
    #[error("the event at {position} is of a stream whose id is none of its kind")]
    StrangeStream { position: i64 },
    #[error("the postings of the event at {position} do not sum to zero")]
    Unbalanced { position: i64 },
    #[error("no read schema of fingerprint {fingerprint} exists")]
    NoReadSchema { fingerprint: String },
    #[error("{name} is not the name of a read schema")]
    BadSchemaName { name: String },
    #[error("read schema {schema} is being written by another process")]
    Busy { schema: String },
    #[error("another rebuild runs")]
    RebuildRunning,
    /// A task of this process ended before its work did, as in a shutdown.
    #[error("reading the log was broken off")]
    BrokenOff,
}

impl From<ReadError> for ProjectionError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Database(error) => Self::Database(error),
            ReadError::Malformed { column } => Self::Malformed { column },
        }
    }
}

impl ProjectionError {
    /// Whether trying again can help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => is_transient(error),
            Self::Journal(error) => error.is_transient(),
            Self::CheckpointMoved { .. } => true,
            Self::Malformed { .. }
            | Self::Gap { .. }
            | Self::AheadOfLog { .. }
            | Self::RowsMissing { .. }
            | Self::StrangeStream { .. }
            | Self::Unbalanced { .. }
            | Self::NoReadSchema { .. }
            | Self::BadSchemaName { .. }
            | Self::Busy { .. }
            | Self::RebuildRunning
            | Self::BrokenOff => false,
        }
    }
}

/// The error and what caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
