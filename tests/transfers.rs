//! Transfers between wallets, settled in the background.

mod ends;
mod guards;
mod killed;
mod managers;
pub(crate) mod operators;
pub(crate) mod start;
mod trouble;
mod watch;
