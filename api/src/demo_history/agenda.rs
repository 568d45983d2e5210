//! What is to happen: by day, second, and the order in which it was planned.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use lumbung_domain::{LoanNumber, RepaymentId};

/// One thing that somebody does. Customers are named by their place in the list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Register {
        customer: usize,
    },
    CompleteProfile {
        customer: usize,
    },
    Apply {
        customer: usize,
    },
    Decide {
        loan: LoanNumber,
    },
    Cancel {
        loan: LoanNumber,
    },
    Expire {
        loan: LoanNumber,
    },
    Errand(Errand),
    Transfer {
        customer: usize,
    },
    PayOff {
        loan: LoanNumber,
    },
    /// Paid at the bank on the due day, and written down later.
    Backdate {
        loan: LoanNumber,
        instalment: u16,
        paid_on: NaiveDate,
    },
    Reverse {
        loan: LoanNumber,
        repayment: RepaymentId,
    },
    WriteOff {
        loan: LoanNumber,
    },
    /// After the write-off, so many percent of what is still owed.
    Recover {
        loan: LoanNumber,
        percent: i64,
    },
}

/// What a customer does by themselves with what they have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Errand {
    TopUp {
        customer: usize,
    },
    Pay {
        customer: usize,
    },
    /// What the loan was taken for.
    Spend {
        customer: usize,
        rupiah: i64,
    },
    Repay {
        loan: LoanNumber,
        instalment: u16,
        percent: i64,
    },
}

#[derive(Default)]
pub(super) struct Agenda {
    steps: BTreeMap<(NaiveDate, u32, u64), Step>,
    planned: u64,
}

impl Agenda {
    pub(super) fn plan(&mut self, day: NaiveDate, second: u32, step: Step) {
        self.planned += 1;
        self.steps.insert((day, second, self.planned), step);
    }

    /// The next step of a day, and its second.
    pub(super) fn next_of(&mut self, day: NaiveDate) -> Option<(u32, Step)> {
        let first = self.steps.first_entry()?;
        let (on, second, _) = *first.key();
        (on <= day).then(|| (second, first.remove()))
    }
}
