//! Amounts by component, and the lines by which every event of a loan's servicing says what it changes.

use serde::{Deserialize, Serialize};

use super::{Condition, LoanStatus};
use crate::Component;

/// Whole rupiah by component. Signed: a correction takes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amounts {
    pub penalty_rupiah: i64,
    pub fee_rupiah: i64,
    pub interest_rupiah: i64,
    pub principal_rupiah: i64,
}

/// What an event changes about one component of one instalment.
///
/// The debt of a loan, its read models and its entries in the books are all sums over these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counted from 1.
    pub instalment: u16,
    pub component: Component,
    /// What the customer owes more (income of ours), in whole rupiah.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub charged_rupiah: i64,
    /// What was paid of it, in whole rupiah.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paid_rupiah: i64,
}

/// What a repayment is set against in the books. Signed: a reversal takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allotment {
    /// What the loan still stands for in the books.
    Receivables(Amounts),
    /// The loan was written off: whatever comes in takes back some of that.
    WriteOff { recovered_rupiah: i64 },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it by reference")]
fn is_zero(amount: &i64) -> bool {
    *amount == 0
}

impl Amounts {
    #[must_use]
    pub fn of(&self, component: Component) -> i64 {
        match component {
            Component::Penalty => self.penalty_rupiah,
            Component::Fee => self.fee_rupiah,
            Component::Interest => self.interest_rupiah,
            Component::Principal => self.principal_rupiah,
        }
    }

    pub fn add(&mut self, component: Component, rupiah: i64) {
        *match component {
            Component::Penalty => &mut self.penalty_rupiah,
            Component::Fee => &mut self.fee_rupiah,
            Component::Interest => &mut self.interest_rupiah,
            Component::Principal => &mut self.principal_rupiah,
        } += rupiah;
    }

    #[must_use]
    pub fn total_rupiah(&self) -> i64 {
        self.penalty_rupiah + self.fee_rupiah + self.interest_rupiah + self.principal_rupiah
    }

    /// What the lines charge.
    #[must_use]
    pub fn charged(lines: &[Line]) -> Self {
        Self::sum(lines, |line| line.charged_rupiah)
    }

    /// What the lines pay.
    #[must_use]
    pub fn paid(lines: &[Line]) -> Self {
        Self::sum(lines, |line| line.paid_rupiah)
    }

    fn sum(lines: &[Line], amount: impl Fn(&Line) -> i64) -> Self {
        let mut sum = Self::default();
        for line in lines {
            sum.add(line.component, amount(line));
        }
        sum
    }
}

impl std::ops::Sub for Amounts {
    type Output = Self;
    fn sub(mut self, other: Self) -> Self {
        for component in Component::ALL {
            self.add(*component, -other.of(*component));
        }
        self
    }
}

impl Allotment {
    /// What the payments among the lines are set against, of a loan that is in this condition after them.
    #[must_use]
    pub(super) fn of(lines: &[Line], after: Condition) -> Self {
        let paid = Amounts::paid(lines);
        match after.status {
            LoanStatus::WrittenOff => Self::WriteOff { recovered_rupiah: paid.total_rupiah() },
            _ => Self::Receivables(paid),
        }
    }

    /// All of it, in whole rupiah.
    #[must_use]
    pub fn total_rupiah(&self) -> i64 {
        match self {
            Self::Receivables(amounts) => amounts.total_rupiah(),
            Self::WriteOff { recovered_rupiah } => *recovered_rupiah,
        }
    }
}
