//! Loan applications: handed in, decided, disbursed.

mod approve;
mod decide;
mod outcome;
mod reject;
mod submit;

pub use approve::ApproveLoan;
pub use outcome::LoanOutcome;
pub use reject::RejectLoan;
pub use submit::SubmitLoan;
