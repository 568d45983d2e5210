//! People come in.

mod holder;
mod register;
mod staff;

pub use holder::FindHolder;
pub use register::RegisterCustomer;
pub use staff::RegisterStaff;
