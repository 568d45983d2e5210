//! People come in.

mod holder;
mod newcomer;
mod register;
mod staff;

pub use holder::FindHolder;
pub use newcomer::{Newcomer, email_claim};
pub use register::RegisterCustomer;
pub use staff::RegisterStaff;
