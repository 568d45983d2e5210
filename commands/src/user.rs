//! People come in, and the administration changes who they are and what they may do.

mod holder;
mod newcomer;
mod register;
mod staff;

mod administration;
mod amend;
mod create;
mod roles;
mod status;

pub use administration::UserOutcome;
pub use amend::{AmendUser, EmailChange};
pub use create::CreateStaff;
pub use holder::FindHolder;
pub use newcomer::{Newcomer, email_claim};
pub use register::RegisterCustomer;
pub use roles::{AssignRole, RemoveRole};
pub use staff::RegisterStaff;
pub use status::SetUserStatus;
