//! The ground floor of the write side: the event log and what guards it.
//!
//! One row is a [`Record`]; a [`Batch`] of them goes in through [`Appender::append`]; [`read`] and [`Feed`] bring
//! them out again; [`verify`](mod@verify) proves them. Deliberately absent: decisions. Nothing here knows a rule.

mod append;
mod head;
mod record;

pub mod codec;
pub mod feed;
pub mod idempotency;
pub mod keys;
pub mod portable;
pub mod process;
pub mod read;
pub mod snapshot;
pub mod verify;

mod database;
mod error;
mod stop;

pub use append::{AppendError, Appender, Batch, KeyedAnswer, LockedLedger, Verdict, WrappedPersonKey};
pub use database::{APP_ROLE, OWNER_ROLE, app_options, app_pool, excess_rights, load_pool, migrate};
pub use error::{JournalError, is_transient};
pub use feed::{Fact, Facts, Feed};
pub use head::{Hash, Head};
pub use keys::{IndexKey, KeyError, MasterKey, Opener, Sealer, Vault};
pub use process::Lease;
pub use record::{Break, BreakReason, Record, Unreconciled};
pub use snapshot::Snapshot;
pub use stop::{Stop, Stopper};
