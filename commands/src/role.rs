//! What roles may do is changed.

mod replace_permissions;

pub use replace_permissions::{ReplaceRolePermissions, RoleOutcome};
