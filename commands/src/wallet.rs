//! Money in wallets.

mod pay;
mod top_up;

pub use pay::{Paid, Pay};
pub use top_up::{TopUp, ToppedUp};
