//! The ledger loop and the journal, from within one process.

mod opening;

mod folds;
mod samples;

mod long_wallet;
mod sampler;
mod snapshots;

mod history;
mod published_stores;

mod chain;
mod clock;
mod feed;
mod keys;
mod rights;

mod concurrency;
mod idempotency;
mod relay;
mod resend;

mod bounds;
mod halting;
mod long_snapshot;
mod poison;

mod odd;
