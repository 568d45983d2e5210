//! Money from wallet to wallet.

mod start;

pub use start::{StartTransfer, TransferBegun};
