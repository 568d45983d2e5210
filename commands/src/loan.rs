//! Loan applications: handed in, decided, disbursed.

mod approve;
mod cancel;
mod decide;
mod expire;
mod outcome;
mod reject;
pub mod servicing;
mod submit;

pub use approve::ApproveLoan;
pub use cancel::CancelLoan;
pub use expire::ExpireLoan;
pub use outcome::LoanOutcome;
pub use reject::RejectLoan;
pub use submit::SubmitLoan;
