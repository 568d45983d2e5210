//! Money from wallet to wallet: started by its sender, settled in the background, parked and retried by operators.

mod outcome;
mod park;
mod retry;
mod settle;
mod start;

pub use outcome::{TransferEnd, TransferOutcome};
pub use park::{GiveUpTransfer, ParkTransfer};
pub use retry::RetryTransfer;
pub use settle::SettleTransfer;
pub use start::{StartTransfer, TransferBegun};
