//! The write side: the ledger loop and the use cases that it carries out.
//!
//! Invariants: no command reads a read model; nobody is answered before the outcome is definite; personal values
//! arrive sealed. What touches several aggregates is a use case here, one file each.

pub mod ledger;

mod authority;
mod version;

pub mod branch;
pub mod business_date;
pub mod lending_rules;
pub mod loan;
pub mod message;
pub mod plafond;
pub mod product;
pub mod reference;
pub mod role;
pub mod session;
pub mod settlement;
pub mod transfer;
pub mod user;
pub mod wallet;

pub use authority::Actor;
pub use ledger::{Answer, Book, Call, Halt, IdempotencyKey, Ledger, NoAnswer, UseCase};
pub use version::Expected;
