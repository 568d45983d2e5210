//! What can go wrong below the rules: transient (retry) or fatal (page someone).

use crate::codec::Undecodable;
use crate::record::Break;

/// A failure of the journal. Its text is for operators and never reaches a client.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database did not answer as it should; most of these pass.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("a migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The log holds an event that this software cannot read.
    #[error("the log holds an event that this software does not know")]
    Undecodable(#[from] Undecodable),
    /// The log is not what this node has seen of it.
    #[error("the log is broken")]
    Broken(#[from] Break),
    /// The log went back behind what this node was told was committed: a restore or a bad failover.
    #[error("the log ends at {found}, but this node has seen {known}")]
    WentBack { known: crate::Head, found: crate::Head },
    #[error("a stored value is malformed: {what}")]
    Malformed { what: &'static str },
    #[error("person keys")]
    Keys(#[from] crate::keys::KeyError),
}

impl JournalError {
    /// Whether trying again can help; everything else needs a person.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Database(error) if is_transient(error))
    }

    /// Whether the database refused a value as one it cannot hold, such as U+0000 in a text.
    #[must_use]
    pub fn is_bad_value(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| code.starts_with("22"))
    }
}

/// Whether the connection or the server failed, not the statement.
#[must_use]
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Connection exceptions, insufficient resources, operator intervention, serialization; a lock that was
            // not had in time, a transaction that was ended because it idled.
            ["08", "53", "57", "40"].contains(&code.get(..2).unwrap_or_default())
                || ["55P03", "25P03"].contains(&&*code)
        }),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}
