//! Money from wallet to wallet: settled in the background, parked and retried by operators.

mod start;

mod outcome;
mod park;
mod retry;
mod settle;

pub use outcome::TransferOutcome;
pub use park::{GiveUpTransfer, ParkTransfer};
pub use retry::RetryTransfer;
pub use settle::SettleTransfer;
pub use start::{StartTransfer, TransferBegun};
