//! People come in, and look after their passwords.

mod change_password;
mod holder;
mod newcomer;
mod register;
mod reset_password;
mod staff;

pub use change_password::{ChangePassword, NewPassword};
pub use holder::FindHolder;
pub use newcomer::{Newcomer, email_claim};
pub use register::RegisterCustomer;
pub use reset_password::{RequestReset, ResetPassword, ResetRequest, reset_claim};
pub use staff::RegisterStaff;
