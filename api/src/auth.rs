//! Who is asking: access tokens, passwords, and the gates of the endpoints.

mod caller;
mod gate;
mod passwords;
mod tokens;

pub use caller::{Anyone, Caller};
pub use gate::{DecideLoans, Gate, PlafondRead, PlafondSelect, ReadLoans, RejectLoans, SubmitLoans};
pub(crate) use gate::{is_customer_with, stages};
pub use passwords::{PasswordError, Passwords};
pub use tokens::{Token, TokenError, Tokens};
