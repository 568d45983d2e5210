//! What can be asked of a loan.

use std::sync::Arc;

use chrono::NaiveDate;

use super::{Officer, Submission};
use crate::{Edition, LendingRules, Note, PersonName, RepaymentId, Rupiah, Sealed, TopUpId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoanCommand {
    Submit(Box<Submission>),
    /// Decides at the stage that the status asks for. The use case has checked that the officer may.
    Approve {
        officer: Officer,
        note: Option<Sealed<Note>>,
        business_on: NaiveDate,
    },
    Reject {
        officer: Officer,
        note: Sealed<Note>,
        business_on: NaiveDate,
    },
    /// The customer takes the application back. The use case has checked that it is theirs.
    Cancel {
        name: Sealed<PersonName>,
        note: Option<Sealed<Note>>,
        business_on: NaiveDate,
    },
    /// Gives up an application that nobody decided on for more than `after_days` whole business days.
    Expire {
        after_days: u32,
        business_on: NaiveDate,
    },
    /// Fixes what was agreed and the schedule, once the loan is disbursed. Nothing if that was done.
    Schedule {
        rules: Box<Edition>,
        business_on: NaiveDate,
    },
    /// Closes the days up to and with `on`, at most [`Loan::MOST_DAYS`]: each day once. Nothing of a loan without days to close.
    CloseThrough {
        on: NaiveDate,
        rules: Arc<LendingRules>,
    },
    /// Takes a repayment. Of a loan that is still charged, the days up to it must be closed.
    Repay {
        incoming: Incoming,
        rules: Arc<LendingRules>,
        business_on: NaiveDate,
    },
    /// Takes a repayment back, as if it had never come.
    Reverse {
        repayment_id: RepaymentId,
        officer: Officer,
        note: Sealed<Note>,
        rules: Arc<LendingRules>,
        business_on: NaiveDate,
    },
    /// Gives up what is owed, as far as the books are concerned; the customer still owes it.
    WriteOff {
        officer: Officer,
        note: Sealed<Note>,
        business_on: NaiveDate,
    },
}

/// A repayment that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub repayment_id: RepaymentId,
    pub amount: Rupiah,
    pub paid: Paid,
    /// The top-up that brought it, if it came from the gateway.
    pub top_up_id: Option<TopUpId>,
}

/// When a repayment counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paid {
    /// On the business date, or on the last closed day if that is later.
    Now,
    /// On a day that is closed already; an officer says so.
    Backdated { on: NaiveDate, officer: Officer },
}
