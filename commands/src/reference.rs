//! What every ledger has from the start: roles, products, lending rules, the online channel (CONTRACT §2).

mod branches;
mod products;
mod roles;
mod rules;

use lumbung_domain::{Aggregate, Rejection};

use crate::ledger::{Book, Halt, UseCase};

pub use branches::OpenBranch;

/// Defines what is not defined yet. Run at every start; the second time it finds nothing to do, and what was
/// changed since stays changed.
#[derive(Debug, Clone, Copy)]
pub struct DefineReferenceData;

impl UseCase for DefineReferenceData {
    const NAME: &'static str = "DefineReferenceData";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        roles::define(book)?;
        products::define(book)?;
        rules::adopt(book)?;
        branches::open_online(book)
    }
}

/// Runs a defining command; that it was done before is fine.
fn once<A: Aggregate>(
    book: &mut Book<'_>,
    id: impl Into<std::sync::Arc<str>>,
    command: A::Command,
) -> Result<(), Halt> {
    match book.run::<A>(id, command) {
        Err(Halt::Rejected(Rejection::AlreadyExists)) => Ok(()),
        other => other,
    }
}
