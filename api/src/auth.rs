//! Who is asking: access tokens, passwords, and the gates of the endpoints.

pub mod passwords;

mod caller;
mod gate;
mod tokens;

pub use caller::{Anyone, Caller};
pub use gate::{
    DecideLoans, Gate, PlafondRead, PlafondSelect, ProfileRead, ProfileUpdate, ReadLoan, ReadLoans,
    RejectLoans, SubmitLoans,
};
pub(crate) use gate::{is_customer_with, is_staff, stages};
pub use passwords::{Passwords, PasswordsError};
pub use tokens::{Token, TokenError, Tokens};
