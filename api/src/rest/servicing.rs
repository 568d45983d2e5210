//! `/api/loans/{id}` after the disbursement: what is owed, and what is done about it.

pub(super) mod officers;
pub(super) mod repay;
pub(super) mod schedule;
pub(super) mod sight;
pub(super) mod simulate;
pub(super) mod transactions;

mod backdate;
