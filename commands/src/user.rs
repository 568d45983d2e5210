//! People come in, look after their names and passwords, and the administration changes who they are and what they may do.

mod change_password;
mod holder;
mod newcomer;
mod profile;
mod register;
mod reset_password;
mod staff;
mod wallet_profile;

mod administration;
mod amend;
mod create;
mod roles;
mod status;

pub use administration::UserOutcome;
pub use amend::{AmendUser, EmailChange, HeldEmail};
pub use change_password::{ChangePassword, NewPassword};
pub use create::CreateStaff;
pub use holder::FindHolder;
pub use newcomer::{Newcomer, SealedLogin, email_claim, phone_claim, seal_name};
pub use profile::{ProfileOutcome, RepeatProfileUpdate, UpdateProfile};
pub use register::RegisterCustomer;
pub use reset_password::{RequestReset, ResetPassword, ResetRequest, reset_claim};
pub use roles::{AssignRole, RemoveRole};
pub use staff::RegisterStaff;
pub use status::SetUserStatus;
pub use wallet_profile::{NewName, UpdateWalletProfile, WalletProfile};
