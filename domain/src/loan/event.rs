//! What happened to a loan.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Agreement, Allotment, Amounts, Condition, Line, Officer, Stage, Submission};
use crate::{Event, Instalment, LoanNumber, Note, PersonName, RepaymentId, Rupiah, Sealed, TopUpId, UserId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum LoanEvent {
    /// An application, with the customer, the terms and the branch as they were then.
    LoanSubmitted(Box<Submission>),
    /// The stage was passed; at the last one the event is `LoanDisbursed`.
    LoanApproved { stage: Stage, officer: Officer, note: Option<Sealed<Note>>, business_on: NaiveDate },
    /// The end of the application, at the stage where it was.
    LoanRejected { stage: Stage, officer: Officer, note: Sealed<Note>, business_on: NaiveDate },
    /// The last approval: the amount goes to the customer's wallet in the same append.
    LoanDisbursed {
        officer: Officer,
        note: Option<Sealed<Note>>,
        amount_rupiah: Rupiah,
        business_on: NaiveDate,
    },
    /// Withdrawn by the customer while it was pending.
    LoanCancelled {
        customer: UserId,
        /// The customer's name at that moment.
        name: Sealed<PersonName>,
        note: Option<Sealed<Note>>,
        business_on: NaiveDate,
    },
    /// Nobody decided for too long; the reservation is released.
    LoanExpired {
        /// The business date of the submission or of the last decision.
        waiting_since_on: NaiveDate,
        business_on: NaiveDate,
    },
    /// What was agreed and when it is due, fixed at the disbursement. What the customer owes begins here.
    LoanScheduled { agreement: Box<Agreement>, instalments: Vec<Instalment>, business_on: NaiveDate },
    /// A day of the loan: what was earned and charged on it. Each (loan, day) once.
    LoanDayClosed {
        loan: LoanNumber,
        lines: Vec<Line>,
        after: Condition,
        /// The day.
        business_on: NaiveDate,
    },
    /// A repayment and what it was set against. The customer's wallet is debited in the same append.
    RepaymentReceived(Box<Receipt>),
    /// A repayment was taken back; the loan is as if it had never come. The money goes back to the wallet in the same append.
    RepaymentReversed(Box<Reversal>),
    /// The books give up what the customer owes.
    LoanWrittenOff {
        loan: LoanNumber,
        officer: Officer,
        note: Sealed<Note>,
        /// What was paid ahead goes to what is owed.
        lines: Vec<Line>,
        /// What is owed after them.
        written_off: Amounts,
        after: Condition,
        business_on: NaiveDate,
    },
}

/// A repayment and all that it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub loan: LoanNumber,
    pub repayment_id: RepaymentId,
    pub amount_rupiah: Rupiah,
    /// The day as of which it counts.
    pub paid_on: NaiveDate,
    /// The top-up that brought it, in the same append; `None` of what was in the wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_up_id: Option<TopUpId>,
    /// Who dated it back; `None` of a repayment that counts from when it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<Officer>,
    /// Pay the amount in sum. One that is dated back may move other repayments too.
    pub lines: Vec<Line>,
    pub after: Condition,
    pub business_on: NaiveDate,
}

/// A repayment taken back, and all that it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    pub loan: LoanNumber,
    pub repayment_id: RepaymentId,
    pub amount_rupiah: Rupiah,
    pub officer: Officer,
    pub note: Sealed<Note>,
    /// Take the amount back in sum.
    pub lines: Vec<Line>,
    pub after: Condition,
    pub business_on: NaiveDate,
}

impl Event for LoanEvent {
    fn event_type(&self) -> &'static str {
        self.into()
    }
}

impl LoanEvent {
    /// How the loan stands after an event of its servicing.
    #[must_use]
    pub fn condition(&self) -> Option<Condition> {
        match self {
            Self::LoanDayClosed { after, .. } | Self::LoanWrittenOff { after, .. } => Some(*after),
            Self::RepaymentReceived(receipt) => Some(receipt.after),
            Self::RepaymentReversed(reversal) => Some(reversal.after),
            Self::LoanSubmitted(_)
            | Self::LoanApproved { .. }
            | Self::LoanRejected { .. }
            | Self::LoanDisbursed { .. }
            | Self::LoanCancelled { .. }
            | Self::LoanExpired { .. }
            | Self::LoanScheduled { .. } => None,
        }
    }
}

impl Receipt {
    /// What its money is set against in the books.
    #[must_use]
    pub fn allotment(&self) -> Allotment {
        Allotment::of(&self.lines, self.after)
    }
}

impl Reversal {
    /// What its money was set against in the books; below zero.
    #[must_use]
    pub fn allotment(&self) -> Allotment {
        Allotment::of(&self.lines, self.after)
    }
}
