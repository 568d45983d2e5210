//! `/api/admin`.

mod amendment;
pub(super) mod branches;
pub(super) mod lending_rules;
pub(super) mod products;
pub(super) mod roles;
pub(super) mod users;
