//! The read side: the projector, the read models and the view of streams that authorisation reads.
//!
//! A node calls [`prepare`], opens a [`Reader`], starts its [`Reader::follow`], a [`Projector`] and an
//! [`AccessView`]. A query first waits for its [`Freshness`], then takes [`Reader::live`] and asks a read model:
//! `loans::by_id(&reader.live(), loan)`. One module per read model: its table, its fold, its queries.

mod access;
mod identity;
mod known;

pub mod account_balances;
pub mod approval_queue;
pub mod branches;
pub mod debts;
pub mod ledger_entries;
pub mod loan_accounts;
pub mod loan_history;
pub mod loans;
pub mod outbox;
pub mod plafonds;
pub mod products;
pub mod roles;
pub mod transactions;
pub mod transfer;
pub mod transfers;
pub mod users;
pub mod wallets;

mod page;
mod reader;

mod freshness;
mod projector;
mod rebuild;

mod checkpoint;
mod read_models;
mod schema;

mod cell;
mod error;

pub use access::{AccessView, Capacity};
pub use error::{ProjectionError, ReadError};
pub use freshness::{Behind, Freshness, PATIENCE, Shown};
pub use identity::Identity;
pub use known::Known;
pub use lumbung_journal::{Stop, Stopper};
pub use page::{Cursor, Limit, Page};
pub use projector::{BATCH_FACTS, Projector, ProjectorState};
pub use read_models::{fingerprint, statements, tables};
pub use reader::{LiveSchema, Reader};
pub use rebuild::{Difference, Rebuild, RebuildProgress, RebuildReport, rebuild};
pub use schema::{SchemaName, flip, prepare};
