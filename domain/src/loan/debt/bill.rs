//! The instalments of a loan as people read them: what each asks for, how far it is paid, and whether it is late.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Amounts, Debt, Owed};
use crate::{Component, Instalment};

/// An instalment on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// Counted from 1.
    pub number: u16,
    pub due_on: NaiveDate,
    /// What it asks for in all, due or not.
    pub asked: Amounts,
    pub paid: Amounts,
    /// Days since it was due, while something of it is not paid.
    pub days_past_due: u32,
    pub status: BillStatus,
}

/// How far an instalment got; the first that is true of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum BillStatus {
    /// It asks for nothing more.
    Paid,
    /// It was due before the day.
    Overdue,
    /// It is due on the day.
    Due,
    /// It is due later, and something of it was paid.
    Partial,
    Upcoming,
}

impl Debt {
    /// Every instalment, as of the last closed day.
    #[must_use]
    pub fn bills(&self) -> Vec<Bill> {
        self.instalments.iter().map(|owed| self.bill(owed)).collect()
    }

    fn bill(&self, owed: &Owed) -> Bill {
        let mut asked = Amounts::default();
        for component in Component::ALL {
            asked.add(*component, self.asked(owed, *component));
        }
        let (due_on, today) = (owed.plan.due_on, self.closed_through_on);
        let status = match self.unpaid(owed) {
            ..=0 => BillStatus::Paid,
            _ if due_on < today => BillStatus::Overdue,
            _ if due_on == today => BillStatus::Due,
            _ if owed.paid.total_rupiah() > 0 => BillStatus::Partial,
            _ => BillStatus::Upcoming,
        };
        let days_past_due = match status {
            BillStatus::Overdue => u32::try_from((today - due_on).num_days()).unwrap_or(0),
            BillStatus::Paid | BillStatus::Due | BillStatus::Partial | BillStatus::Upcoming => 0,
        };
        Bill { number: owed.plan.number, due_on, asked, paid: owed.paid, days_past_due, status }
    }
}

impl Bill {
    /// What it still asks for, in whole rupiah.
    #[must_use]
    pub fn unpaid_rupiah(&self) -> i64 {
        match self.status {
            BillStatus::Paid => 0,
            BillStatus::Overdue | BillStatus::Due | BillStatus::Partial | BillStatus::Upcoming => {
                self.asked.total_rupiah() - self.paid.total_rupiah()
            }
        }
    }

    /// Whether it is to be paid by the day.
    #[must_use]
    pub fn is_due(&self) -> bool {
        matches!(self.status, BillStatus::Overdue | BillStatus::Due)
    }
}

/// An instalment of a loan that nobody took.
impl From<&Instalment> for Bill {
    fn from(plan: &Instalment) -> Self {
        let asked = Amounts {
            principal_rupiah: plan.principal_rupiah.get(),
            interest_rupiah: plan.interest_rupiah.get(),
            fee_rupiah: plan.fee_rupiah.get(),
            penalty_rupiah: 0,
        };
        Self {
            number: plan.number,
            due_on: plan.due_on,
            asked,
            paid: Amounts::default(),
            days_past_due: 0,
            status: BillStatus::Upcoming,
        }
    }
}

impl BillStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
