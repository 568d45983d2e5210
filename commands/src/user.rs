//! People come in.

mod holder;
mod newcomer;
mod profile;
mod register;
mod staff;

pub use holder::FindHolder;
pub use newcomer::{Newcomer, email_claim};
pub use profile::{ProfileOutcome, RepeatProfileUpdate, UpdateProfile};
pub use register::RegisterCustomer;
pub use staff::RegisterStaff;
