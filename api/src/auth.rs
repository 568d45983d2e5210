//! Who is asking: access tokens, passwords, and the gates of the endpoints.

pub mod passwords;

mod caller;
mod gate;
mod tokens;

pub use caller::{Anyone, Caller};
pub use gate::{
    ChangeRolesOfUsers, CreateUsers, LookAtPeople, ManageBranches, ManageProducts, ReadPermissions,
    ReadRoles, ReadUsers, UpdateRoles, UpdateUsers,
};
pub use gate::{
    DecideLoans, Gate, PlafondRead, PlafondSelect, ReadLoan, ReadLoans, RejectLoans, SubmitLoans,
};
pub(crate) use gate::{is_customer_with, stages};
pub use passwords::{Passwords, PasswordsError};
pub use tokens::{Token, TokenError, Tokens};
