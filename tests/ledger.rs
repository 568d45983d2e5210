//! The ledger loop and the journal, from within one process.

mod chain;
mod idempotency;
mod opening;
mod rights;
