//! The ledger loop and the journal, from within one process.

mod opening;

mod chain;
mod rights;

mod concurrency;
mod idempotency;
mod resend;

mod bounds;
mod poison;

mod odd;
