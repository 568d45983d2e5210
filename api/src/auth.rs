//! Who is asking: access tokens, passwords, and the gates of the endpoints.

pub mod passwords;

mod caller;
mod gate;
mod tokens;

mod client_address;
mod device;
mod failed_logins;
mod login_name;
mod quota;
mod turns;

pub(crate) use caller::bearer;
pub use caller::{Anyone, Caller, Lasting};
pub use client_address::{ClientAddress, NoNetwork, TrustedProxies};
pub use device::Device;
pub use failed_logins::{Attempt, CountKey, FailedLogins, HeldBack};
pub use gate::{
    ChangeRolesOfUsers, CreateUsers, LookAtPeople, ManageBranches, ManageProducts, ReadPermissions,
    ReadRoles, ReadUsers, UpdateRoles, UpdateUsers,
};
pub use gate::{
    DecideLoans, Gate, ManageOperations, OwnWallet, PlafondRead, PlafondSelect, ProfileRead, ProfileUpdate,
    ReadLedger, ReadLoan, ReadLoans, ReadOperations, RejectLoans, RepayLoans, ServiceLoans, SubmitLoans,
};
pub(crate) use gate::{is_customer_with, is_staff, stages};
pub use login_name::{LoginName, Way};
pub use passwords::{Passwords, PasswordsError, Standing};
pub use quota::AddressQuota;
pub(crate) use quota::network;
pub use tokens::{RefreshToken, Token, TokenError, Tokens};
