//! Messages on their way out.

mod settle;

pub use settle::{Delivery, SettleMessage};
