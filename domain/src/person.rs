//! What is known of a person. Every type here is [`crate::Personal`]: stored only sealed, never printed.

mod contact;
mod identity;

pub use contact::{Address, Email, Phone};
pub use identity::{Birthdate, Nik, PersonName};
