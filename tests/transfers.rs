//! Transfers between wallets, settled in the background.

mod ends;
mod start;
