//! What a disbursed loan owes: instalments, what was charged and what was paid, day by day.
//!
//! Bounds: at most 600 instalments and [`Debt::MOST_REPAYMENTS`] repayments. Order: a day is closed first, then what is paid
//! on it counts. Nothing here depends on when it is computed: the same agreement, days and repayments make the same debt.

mod allocate;
mod bill;
mod charge;
mod replay;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use bill::{Bill, BillStatus};

use super::amounts::{Amounts, Line};
use crate::{
    Cap, Component, Edition, Instalment, LegalCaps, LoanStatus, Plan, Rate, Rejection, RepaymentId, Rupiah,
    ServicingTerms, Tenor,
};

/// What was agreed, fixed when the loan is disbursed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    pub principal_rupiah: Rupiah,
    pub interest_rate: Rate,
    pub tenor_months: Tenor,
    pub disbursed_on: NaiveDate,
    pub terms: ServicingTerms,
    pub caps: LegalCaps,
    /// The edition of the lending rules that the caps are from.
    pub rules_version: u32,
    /// By which software days are charged and repayments allotted, [`Agreement::CALCULATION`]. A loan's past is computed anew when a repayment
    /// is reversed or dated back, so whoever changes how, raises it and keeps the old way for the loans that name it.
    #[serde(default = "first_calculation")]
    pub calculation: u16,
}

fn first_calculation() -> u16 {
    1
}

/// A loan after its disbursement.
///
/// Invariants: of every component at most what was charged is paid; the principal that is charged is the loan's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    pub agreement: Agreement,
    pub instalments: Vec<Owed>,
    /// In the order in which they became known, the reversed among them.
    pub repayments: Vec<Repayment>,
    pub standing: Standing,
    /// The last day that was closed: interest, fees and penalties are charged up to and with it.
    pub closed_through_on: NaiveDate,
    pub days_past_due: u32,
    pub collectibility: u8,
}

/// An instalment and how far it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    pub plan: Instalment,
    /// The principal from the start; interest as it is earned; the fee from the due day on; penalties by the day.
    pub charged: Amounts,
    pub paid: Amounts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repayment {
    pub repayment_id: RepaymentId,
    pub amount_rupiah: Rupiah,
    /// The day as of which it counts.
    pub paid_on: NaiveDate,
    pub reversed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Active,
    PaidOff,
    WrittenOff {
        on: NaiveDate,
        /// How many repayments were known before.
        repayments: usize,
    },
}

/// How a loan stands after an event, for who does not keep the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    pub status: LoanStatus,
    /// Days since the oldest due day of which principal, interest or fee is still owed.
    pub days_past_due: u32,
    /// The grade of the lending rules, from 1.
    pub collectibility: u8,
    /// What is past due, in whole rupiah.
    pub arrears_rupiah: i64,
}

impl Agreement {
    /// How days are charged and repayments allotted by this software.
    pub const CALCULATION: u16 = 1;

    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan {
            principal_rupiah: self.principal_rupiah,
            interest_rate: self.interest_rate,
            tenor_months: self.tenor_months,
            method: self.terms.method,
            day_count: self.terms.day_count,
            instalment_fee_rupiah: self.terms.instalment_fee_rupiah,
            begins_on: self.disbursed_on,
        }
    }

    /// The schedule, if the law allows it.
    ///
    /// # Errors
    /// [`Rejection::AgreementAboveCap`] with the rule that it breaks, [`Rejection::ScheduleTooLarge`].
    pub fn schedule(plan: &Plan, rules: &Edition) -> Result<Vec<Instalment>, Rejection> {
        let instalments = plan.instalments().ok_or(Rejection::ScheduleTooLarge)?;
        let Some(cap) = rules.caps.broken_by(plan, &instalments) else { return Ok(instalments) };
        let percent = match cap {
            Cap::DailyCost => rules.caps.daily_cost_percent,
            Cap::TotalCost => rules.caps.total_cost_percent,
        };
        Err(Rejection::AgreementAboveCap {
            cap,
            percent,
            citation: rules.citation.clone(),
            version: rules.version,
        })
    }
}

impl Debt {
    /// The most repayments of one loan, reversed ones included.
    pub const MOST_REPAYMENTS: usize = 1_000;

    #[must_use]
    pub fn begin(agreement: Agreement, instalments: Vec<Instalment>) -> Self {
        let owed = |plan: Instalment| {
            let charged = Amounts { principal_rupiah: plan.principal_rupiah.get(), ..Amounts::default() };
            Owed { plan, charged, paid: Amounts::default() }
        };
        Self {
            closed_through_on: agreement.disbursed_on,
            agreement,
            instalments: instalments.into_iter().map(owed).collect(),
            repayments: Vec::new(),
            standing: Standing::Active,
            days_past_due: 0,
            collectibility: 1,
        }
    }

    /// What the books hold against the customer: charged and not paid.
    #[must_use]
    pub fn outstanding(&self) -> Amounts {
        let mut sum = Amounts::default();
        for owed in &self.instalments {
            for component in Component::ALL {
                sum.add(*component, owed.charged.of(*component) - owed.paid.of(*component));
            }
        }
        sum
    }

    /// What settles the loan, by component. Below zero where more was paid than was earned by now.
    #[must_use]
    pub fn payoff(&self) -> Amounts {
        Amounts::paid(&self.settling())
    }

    /// What is due on or before the last closed day and not paid, in whole rupiah. Of a loan that was written off all is due.
    #[must_use]
    pub fn due_rupiah(&self) -> i64 {
        self.unpaid_of(|due_on| due_on <= self.closed_through_on)
    }

    /// What is past due, in whole rupiah: due before the last closed day, or all of a loan that was written off.
    #[must_use]
    pub fn arrears_rupiah(&self) -> i64 {
        self.unpaid_of(|due_on| due_on < self.closed_through_on)
    }

    fn unpaid_of(&self, due: impl Fn(NaiveDate) -> bool) -> i64 {
        let due = self.instalments.iter().filter(|owed| self.is_written_off() || due(owed.plan.due_on));
        due.map(|owed| self.unpaid(owed)).sum()
    }

    /// What an instalment still asks for, in whole rupiah.
    #[must_use]
    pub fn unpaid(&self, owed: &Owed) -> i64 {
        match self.standing {
            Standing::PaidOff => 0,
            Standing::Active | Standing::WrittenOff { .. } => Component::ALL
                .iter()
                .map(|component| self.asked(owed, *component) - owed.paid.of(*component))
                .sum(),
        }
    }

    /// What an instalment asks for of a component in all, due or not: of a loan that was written off, what was charged.
    #[must_use]
    pub fn asked(&self, owed: &Owed, component: Component) -> i64 {
        let charged = owed.charged.of(component);
        match (component, self.standing) {
            (Component::Interest, Standing::Active) => charged.max(owed.plan.interest_rupiah.get()),
            (Component::Fee, Standing::Active) => charged.max(owed.plan.fee_rupiah.get()),
            _ => charged,
        }
    }

    #[must_use]
    pub fn is_written_off(&self) -> bool {
        matches!(self.standing, Standing::WrittenOff { .. })
    }

    #[must_use]
    pub fn condition(&self) -> Condition {
        let status = match self.standing {
            Standing::Active => LoanStatus::Disbursed,
            Standing::PaidOff => LoanStatus::PaidOff,
            Standing::WrittenOff { .. } => LoanStatus::WrittenOff,
        };
        Condition {
            status,
            days_past_due: self.days_past_due,
            collectibility: self.collectibility,
            arrears_rupiah: self.arrears_rupiah(),
        }
    }

    #[must_use]
    pub fn repayment(&self, id: RepaymentId) -> Option<&Repayment> {
        self.repayments.iter().find(|repayment| repayment.repayment_id == id)
    }

    /// Days since the oldest due day of which principal, interest or fee is owed.
    fn lateness(&self) -> u32 {
        let oldest = self.instalments.iter().find(|owed| {
            let due = owed.plan.total_rupiah();
            let paid = owed.paid.principal_rupiah + owed.paid.interest_rupiah + owed.paid.fee_rupiah;
            due > paid
        });
        let days = oldest.map_or(0, |owed| (self.closed_through_on - owed.plan.due_on).num_days());
        if self.standing == Standing::PaidOff { 0 } else { u32::try_from(days).unwrap_or(0) }
    }

    /// Takes lines that charge and pay, and works out how late the loan is then. One that was written off stays as late as it was.
    pub(super) fn go_on(&mut self, lines: &[Line]) {
        self.take(lines);
        if !self.is_written_off() {
            self.days_past_due = self.lateness();
        }
    }

    /// Takes the charges of the next day.
    pub(super) fn close(&mut self, day: NaiveDate, lines: &[Line]) {
        self.closed_through_on = day;
        self.go_on(lines);
    }

    /// Takes the lines of a repayment; nothing left to pay is the end of it.
    pub(super) fn settle(&mut self, lines: &[Line]) {
        self.go_on(lines);
        if self.standing == Standing::Active && self.payoff_rupiah() == 0 {
            self.standing = Standing::PaidOff;
            self.days_past_due = 0;
        }
    }

    pub(super) fn take(&mut self, lines: &[Line]) {
        for line in lines {
            let Some(at) = usize::from(line.instalment).checked_sub(1) else { continue };
            let Some(owed) = self.instalments.get_mut(at) else { continue };
            owed.charged.add(line.component, line.charged_rupiah);
            owed.paid.add(line.component, line.paid_rupiah);
        }
    }
}
