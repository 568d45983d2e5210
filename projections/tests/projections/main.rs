//! The read side against a real PostgreSQL: folds, checkpoint, flips, rebuilds, and the access view under load.

#![allow(clippy::unwrap_used, clippy::panic)]

mod cluster;
mod log;
mod people;

mod access;
mod administration;
mod books;
mod bounds;
mod flips;
mod folds;
mod loan_accounts;
mod outbox;
mod projecting;
mod statements;
mod transactions;
mod transfers;
