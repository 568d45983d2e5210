//! People come in.

mod register;
mod staff;

pub use register::RegisterCustomer;
pub use staff::RegisterStaff;
