//! Business reasons to refuse a command.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{Cap, LoanStatus, Permission, Rate, RepaymentId, Rupiah, Tenor, TransferStatus};

/// Why a command was refused. Expected, typed, and kept with its idempotency key like an outcome.
///
/// `Display` is the message a client reads; its wording comes from the documents. The stable code is
/// [`Rejection::code`]; neither the code nor the stored form of a variant ever changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rejection {
    // Who is asking.
    #[error("Unauthorized")]
    Unauthorized,
    #[error("Access Denied")]
    AccessDenied,
    #[error("Invalid email or password")]
    InvalidCredentials,
    #[error("Phone number and pin doesn't match.")]
    InvalidPhoneOrPin,
    #[error("The refresh token was used before. Please log in again.")]
    RefreshTokenReused,
    #[error("currentPassword: is not your current password")]
    CurrentPasswordWrong,
    #[error("Invalid or expired reset token")]
    ResetTokenInvalid,

    // Users and what they claim.
    #[error("Email already registered")]
    EmailAlreadyRegistered,
    #[error("Email already exists")]
    EmailAlreadyExists,
    #[error("Phone Number already registered")]
    PhoneAlreadyRegistered,
    #[error("A user needs an e-mail with a password or a phone number with a PIN")]
    LoginIncomplete,
    #[error("email: the user has no e-mail to log in by, and only they can add one")]
    NoEmailLogin,
    #[error("Branch code already exists")]
    BranchCodeAlreadyExists,
    #[error("Product name already exists")]
    ProductNameAlreadyExists,
    #[error("User not found")]
    UserNotFound,
    #[error("Role not found")]
    RoleNotFound,
    #[error("Cannot create customer via admin endpoint")]
    CustomerViaAdmin,
    #[error("Cannot assign a customer to a branch")]
    BranchForCustomer,
    #[error("Cannot assign CUSTOMER role to internal user")]
    CustomerRoleForInternalUser,
    #[error("Cannot assign an internal role to a customer")]
    InternalRoleForCustomer,
    #[error("Branch is required for {role} role")]
    BranchRequired { role: String },
    #[error("The last active SUPERADMIN cannot be deactivated or stripped of the role")]
    LastSuperadmin,
    #[error("The permissions of SUPERADMIN cannot be changed")]
    SuperadminPermissionsFixed,
    #[error("permissionIds: {} is not for customers", .permission.name())]
    PermissionNotForCustomers { permission: Permission },

    // Reference data.
    #[error("Product not found")]
    ProductNotFound,
    #[error("Branch not found")]
    BranchNotFound,
    #[error("Cannot delete branch that has assigned users")]
    BranchHasUsers,
    #[error("Cannot delete branch that has loans")]
    BranchHasLoans,
    #[error("The online branch cannot be {}", if *.deleting { "deleted" } else { "changed" })]
    OnlineBranchFixed { deleting: bool },

    // Plafond.
    #[error("You already have an active plafond. Cannot select another one.")]
    PlafondAlreadyActive,
    #[error("You don't have an active plafond. Please select a plafond first.")]
    PlafondNotActive,
    #[error("The plafond holds no reservation for this loan")]
    ReservationNotFound,

    // Submitting a loan, in the order of the checks.
    #[error(
        "Please complete your profile (NIK, birthdate, phone and address) before submitting a loan application."
    )]
    ProfileIncomplete,
    #[error("Please select a plafond first before submitting a loan application.")]
    PlafondRequired,
    #[error(
        "You already have a pending loan application. Please wait until it is fully approved or rejected before submitting a new one."
    )]
    LoanAlreadyPending,
    #[error("Requested amount exceeds remaining plafond. Remaining: Rp {remaining_rupiah}")]
    PlafondExceeded { remaining_rupiah: Rupiah },
    #[error("Requested tenor exceeds plafond limit. Maximum: {maximum_months} months")]
    TenorExceeded { maximum_months: Tenor },
    #[error("Interest rate cannot be lower than plafond minimum. Minimum: {minimum}%")]
    RateTooLow { minimum: Rate },

    // Deciding on a loan.
    #[error("Loan application not found")]
    LoanNotFound,
    #[error("You don't have access to this loan application")]
    LoanNotYours,
    #[error("You can only process loans from your branch")]
    LoanOfOtherBranch,
    #[error("Loan is not in the correct status for your approval")]
    LoanWrongStatus { status: LoanStatus },
    #[error("You have already decided on this loan")]
    AlreadyDecided,
    #[error("The customer is deactivated, so the loan cannot be disbursed")]
    CustomerNotActive,
    /// How much is in it is not the officer's to know.
    #[error("The customer's wallet cannot take the amount")]
    WalletCannotTakeLoan,
    #[error("Only a pending loan application can be cancelled")]
    LoanNotPending { status: LoanStatus },
    #[error("The loan application has not waited long enough to expire")]
    LoanNotExpired,

    // A loan's life after its disbursement.
    #[error("The loan has not been disbursed")]
    LoanNotDisbursed { status: LoanStatus },
    #[error(
        "The loan would cost more than the law allows: {} of at most {percent}% ({citation})",
        match .cap { Cap::DailyCost => "interest and fees per day", Cap::TotalCost => "interest and fees in all" }
    )]
    AgreementAboveCap { cap: Cap, percent: Rate, citation: String, version: u32 },
    #[error("tenor: the schedule of such a loan cannot be computed")]
    ScheduleTooLarge,
    #[error("amount: must not be greater than what settles the loan, Rp {payoff_rupiah}")]
    RepaymentAbovePayoff { payoff_rupiah: i64 },
    #[error("amount: leaves less to pay than the later repayment {repayment_id} paid")]
    LaterRepaymentTooLarge { repayment_id: RepaymentId },
    #[error("The loan is paid off")]
    LoanPaidOff,
    #[error("The loan has been written off already")]
    LoanAlreadyWrittenOff,
    #[error("The loan has taken as many repayments as it can")]
    TooManyRepayments,
    #[error("The days of the loan are still being closed. Please retry.")]
    LoanDaysOpen,
    #[error("paidOn: must be between {first_on} and {last_on}")]
    PaidOnOutOfRange { first_on: NaiveDate, last_on: NaiveDate },
    #[error("Repayment not found")]
    RepaymentNotFound,
    #[error("The repayment has been reversed already")]
    RepaymentReversed,
    #[error("businessDate: must be between {first_on} and {last_on}")]
    BusinessDateOutOfRange { first_on: NaiveDate, last_on: NaiveDate },
    #[error("There are as many editions of the lending rules as there can be")]
    LendingRulesFull,

    // Money.
    #[error("Balance is not enough")]
    BalanceNotEnough,
    #[error("amount: the balance would pass Rp 999999999999999")]
    BalanceTooLarge,
    #[error("Target user not found")]
    TargetUserNotFound,
    #[error("Cannot transfer to yourself")]
    TransferToSelf,
    #[error("Transfer not found")]
    TransferNotFound,
    #[error("The transfer is {}, so it cannot be {}", .status.as_str(), if *.parking { "parked" } else { "retried" })]
    TransferWrongStatus { status: TransferStatus, parking: bool },

    // A stream was opened a second time: an id was drawn twice, or a caller is confused.
    #[error("It already exists")]
    AlreadyExists,

    // The key was used for another request body.
    #[error("The Idempotency-Key was already used with a different body")]
    IdempotencyKeyReused,

    // The command was meant for another version; never kept with a key.
    #[error("It has changed in the meantime. Please load it again and retry.")]
    VersionMismatch,
}

impl Rejection {
    /// The stable code of the envelope's `code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.into()
    }
}
