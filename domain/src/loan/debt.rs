//! What a disbursed loan owes: instalments, what was charged and what was paid, day by day.
//!
//! Bounds: at most 600 instalments and [`Debt::MOST_REPAYMENTS`] repayments. Order: a day is closed first, then what is paid
//! on it counts. Nothing here depends on when it is computed: the same agreement, days and repayments make the same debt.

mod bill;
mod replay;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use bill::{Bill, BillStatus};

use super::amounts::{Amounts, Line};
use crate::lending_rules::share;
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

    /// What settles the loan on the last closed day, in whole rupiah: the principal, what was earned by then and is not paid,
    /// less what was paid for days to come. Falls by every rupiah that is paid, and by nothing else.
    #[must_use]
    pub fn payoff_rupiah(&self) -> i64 {
        self.payoff().total_rupiah()
    }

    /// What settles the loan, by component. Below zero where more was paid than was earned by now.
    #[must_use]
    pub fn payoff(&self) -> Amounts {
        Amounts::paid(&self.settling())
    }

    /// What is due on or before the last closed day and not paid, in whole rupiah.
    #[must_use]
    pub fn due_rupiah(&self) -> i64 {
        let due = self.instalments.iter().filter(|owed| owed.plan.due_on <= self.closed_through_on);
        due.map(|owed| self.unpaid(owed)).sum()
    }

    /// What is past due: due before the last closed day.
    #[must_use]
    pub fn arrears_rupiah(&self) -> i64 {
        let due = self.instalments.iter().filter(|owed| owed.plan.due_on < self.closed_through_on);
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

    /// What the day after the last closed one charges. `None` if the loan has no more days to close.
    pub(super) fn next_day(&self) -> Option<(NaiveDate, Vec<Line>)> {
        if self.standing != Standing::Active {
            return None;
        }
        let day = self.closed_through_on.succ_opt()?;
        let mut lines = Vec::new();
        let mut cost = self.cost_rupiah();
        for owed in &self.instalments {
            // Of the instalments after the current one nothing is earned yet.
            let begins_on = self.begins_on(owed);
            if begins_on >= day {
                break;
            }
            for component in [Component::Interest, Component::Fee] {
                let charged = self.earned(owed, component, day) - owed.charged.of(component);
                if charged > 0 {
                    lines.push(Line {
                        instalment: owed.plan.number,
                        component,
                        charged_rupiah: charged,
                        paid_rupiah: 0,
                    });
                }
            }
            let penalty = self.penalty(owed, day, cost);
            if penalty > 0 {
                cost += penalty;
                let component = Component::Penalty;
                lines.push(Line {
                    instalment: owed.plan.number,
                    component,
                    charged_rupiah: penalty,
                    paid_rupiah: 0,
                });
            }
        }
        Some((day, lines))
    }

    /// How a repayment on the last closed day is set against the instalments: what is past due, due, and then in advance, the
    /// oldest first, each by the agreed order of its components. The exact payoff settles the loan.
    ///
    /// # Errors
    /// [`Rejection::LoanPaidOff`], [`Rejection::RepaymentAbovePayoff`].
    pub(super) fn repay(&self, amount: Rupiah) -> Result<Vec<Line>, Rejection> {
        let payoff = self.payoff_rupiah();
        if self.standing == Standing::PaidOff || payoff == 0 {
            return Err(Rejection::LoanPaidOff);
        }
        let mut left = amount.get();
        if left > payoff {
            return Err(Rejection::RepaymentAbovePayoff { payoff_rupiah: payoff });
        }
        if left == payoff {
            return Ok(self.settling());
        }
        let mut lines = Vec::new();
        for owed in &self.instalments {
            for component in self.agreement.terms.allocation.order() {
                let paid = left.min(self.asked(owed, *component) - owed.paid.of(*component));
                if paid > 0 {
                    left -= paid;
                    lines.push(self.paying(owed, *component, paid));
                }
            }
            if left == 0 {
                break;
            }
        }
        Ok(lines)
    }

    /// Paying in advance charges at once what was not earned yet, so that never more is paid than was charged.
    fn paying(&self, owed: &Owed, component: Component, paid_rupiah: i64) -> Line {
        let ahead = owed.paid.of(component) + paid_rupiah - owed.charged.of(component);
        Line { instalment: owed.plan.number, component, charged_rupiah: ahead.max(0), paid_rupiah }
    }

    /// What brings every component to what was earned by the last closed day, and pays it. Interest that was paid for days to come
    /// goes back into the principal.
    fn settling(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for owed in &self.instalments {
            for component in Component::ALL {
                let earned = self.earned(owed, *component, self.closed_through_on);
                let charged_rupiah = earned - owed.charged.of(*component);
                let paid_rupiah = earned - owed.paid.of(*component);
                if charged_rupiah != 0 || paid_rupiah != 0 {
                    lines.push(Line {
                        instalment: owed.plan.number,
                        component: *component,
                        charged_rupiah,
                        paid_rupiah,
                    });
                }
            }
        }
        lines
    }

    /// What a component of an instalment had earned us by the end of a day.
    fn earned(&self, owed: &Owed, component: Component, on: NaiveDate) -> i64 {
        let active = self.standing == Standing::Active;
        match component {
            Component::Interest if active => {
                owed.plan.earned_interest(self.begins_on(owed), on, self.agreement.terms.day_count)
            }
            Component::Fee if active => {
                if on >= owed.plan.due_on {
                    owed.plan.fee_rupiah.get()
                } else {
                    0
                }
            }
            // After a write-off nothing more is earned.
            Component::Interest | Component::Fee | Component::Penalty | Component::Principal => {
                owed.charged.of(component)
            }
        }
    }

    fn begins_on(&self, owed: &Owed) -> NaiveDate {
        self.agreement.plan().period_begins_on(owed.plan.number).unwrap_or(self.agreement.disbursed_on)
    }

    /// The penalty of one day for an instalment, clipped at the law's caps.
    fn penalty(&self, owed: &Owed, day: NaiveDate, cost_so_far: i64) -> i64 {
        let late = (day - owed.plan.due_on).num_days();
        if late <= i64::from(self.agreement.terms.grace_days) {
            return 0;
        }
        let (plan, paid) = (&owed.plan, &owed.paid);
        let overdue = plan.principal_rupiah.get() - paid.principal_rupiah + plan.interest_rupiah.get()
            - paid.interest_rupiah;
        let agreed = share(self.agreement.terms.late_penalty_percent_per_day, overdue);
        let caps = &self.agreement.caps;
        let room = caps.total_cost(self.agreement.principal_rupiah) - cost_so_far;
        agreed.min(caps.penalty_of_a_day(overdue)).min(room).max(0)
    }

    /// Interest and fees of the whole schedule, and the penalties so far.
    fn cost_rupiah(&self) -> i64 {
        let cost = |owed: &Owed| {
            owed.plan.interest_rupiah.get() + owed.plan.fee_rupiah.get() + owed.charged.penalty_rupiah
        };
        self.instalments.iter().map(cost).sum()
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

    /// Takes lines that charge and pay, and works out how late the loan is then.
    pub(super) fn go_on(&mut self, lines: &[Line]) {
        self.take(lines);
        self.days_past_due = self.lateness();
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
