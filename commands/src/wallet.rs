//! Money in wallets.

mod top_up;

pub use top_up::{TopUp, ToppedUp};
