//! Credit limits.

mod select;

pub use select::{PlafondSelected, SelectPlafond};
