//! The write side: the ledger loop and the use cases that it carries out.
//!
//! Invariants: no command reads a read model; nobody is answered before the outcome is definite; personal values
//! arrive sealed.

pub mod ledger;

pub use ledger::{Answer, Book, Call, Halt, IdempotencyKey, Ledger, NoAnswer, UseCase};
