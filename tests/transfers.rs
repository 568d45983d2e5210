//! Transfers between wallets, settled in the background.

mod ends;
mod guards;
mod managers;
mod operators;
pub(crate) mod start;
mod trouble;
mod watch;
