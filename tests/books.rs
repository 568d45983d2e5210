//! The double-entry ledger: what its endpoints answer, and that everything else that knows of money agrees with it.

mod exported;
mod fold;
mod mixture;
mod reads;
mod reconciled;
