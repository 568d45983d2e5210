//! What a loan decides once it is a debt: days, repayments, reversals, write-off.

use chrono::NaiveDate;

use super::debt::{Agreement, Debt, Standing};
use super::{Condition, Incoming, Loan, LoanEvent, LoanStatus, Officer, Paid, Receipt, Reversal, Serviced};
use crate::{Edition, LendingRules, Note, Rejection, RepaymentId, Sealed};

impl Loan {
    /// The most days that one command closes.
    pub const MOST_DAYS: usize = 8_000;

    pub(super) fn schedule(
        &self,
        rules: &Edition,
        business_on: NaiveDate,
    ) -> Result<Vec<LoanEvent>, Rejection> {
        let application = match self {
            Self::Serviced(_) => return Ok(Vec::new()),
            Self::Unsubmitted => return Err(Rejection::LoanNotFound),
            Self::Submitted(application) => application,
        };
        let (submission, status) = (&application.submission, application.status);
        if status != LoanStatus::Disbursed {
            return Err(Rejection::LoanNotDisbursed { status });
        }
        let agreement = Agreement {
            principal_rupiah: submission.amount_rupiah,
            interest_rate: submission.interest_rate,
            tenor_months: submission.tenor_months,
            // The last decision was the disbursement.
            disbursed_on: application.waiting_since_on,
            terms: submission.product.servicing,
            caps: rules.caps,
            rules_version: rules.version,
            calculation: Agreement::CALCULATION,
        };
        // Whether the law allows it was asked before it was paid out: what is owed must be serviced.
        let instalments = agreement.plan().instalments().ok_or(Rejection::ScheduleTooLarge)?;
        Ok(vec![LoanEvent::LoanScheduled { agreement: Box::new(agreement), instalments, business_on }])
    }
}

impl Serviced {
    pub(super) fn close_through(&self, on: NaiveDate, rules: &LendingRules) -> Vec<LoanEvent> {
        let mut debt = self.debt.clone();
        let mut events = Vec::new();
        while events.len() < Loan::MOST_DAYS
            && let Some((day, lines)) = debt.next_day().filter(|(day, _)| *day <= on)
        {
            debt.close(day, &lines);
            debt.collectibility = rules.on(day).collectibility.grade(debt.days_past_due);
            let (loan, after) = (self.application.submission.loan, debt.condition());
            events.push(LoanEvent::LoanDayClosed { loan, lines, after, business_on: day });
        }
        events
    }

    pub(super) fn repay(
        &self,
        incoming: Incoming,
        rules: &LendingRules,
        business_on: NaiveDate,
    ) -> Result<Vec<LoanEvent>, Rejection> {
        let Incoming { repayment_id, amount, paid, top_up_id } = incoming;
        let debt = &self.debt;
        // What settles the loan is taken however many came before, or it could never end.
        if debt.repayments.len() >= Debt::MOST_REPAYMENTS && amount.get() != debt.payoff_rupiah() {
            return Err(Rejection::TooManyRepayments);
        }
        let closed = debt.closed_through_on;
        if debt.standing == Standing::Active && closed < business_on {
            return Err(Rejection::LoanDaysOpen);
        }
        let booked_on = self.booked_on(business_on);
        let (paid_on, officer, lines, mut next) = match paid {
            Paid::Now => {
                let lines = debt.repay(amount)?;
                let mut next = debt.clone();
                next.settle(&lines);
                (booked_on, None, lines, next)
            }
            Paid::Backdated { on, officer } => {
                let first_on = debt.agreement.disbursed_on;
                // A loan that was written off has no more days to close.
                let last_on = if debt.is_written_off() { business_on } else { business_on.min(closed) };
                if !(first_on..=last_on).contains(&on) {
                    return Err(Rejection::PaidOnOutOfRange { first_on, last_on });
                }
                let next = debt.with(repayment_id, amount, on)?;
                (on, Some(officer), debt.difference(&next), next)
            }
        };
        grade(&mut next, rules);
        Ok(vec![LoanEvent::RepaymentReceived(Box::new(Receipt {
            loan: self.application.submission.loan,
            repayment_id,
            amount_rupiah: amount,
            paid_on,
            top_up_id,
            officer,
            lines,
            after: next.condition(),
            business_on: booked_on,
        }))])
    }

    pub(super) fn reverse(
        &self,
        repayment_id: RepaymentId,
        officer: Officer,
        note: Sealed<Note>,
        rules: &LendingRules,
        business_on: NaiveDate,
    ) -> Result<Vec<LoanEvent>, Rejection> {
        let repayment = self.debt.repayment(repayment_id).ok_or(Rejection::RepaymentNotFound)?;
        let amount_rupiah = repayment.amount_rupiah;
        let mut next = self.debt.without(repayment_id)?;
        grade(&mut next, rules);
        Ok(vec![LoanEvent::RepaymentReversed(Box::new(Reversal {
            loan: self.application.submission.loan,
            repayment_id,
            amount_rupiah,
            officer,
            note,
            lines: self.debt.difference(&next),
            after: next.condition(),
            business_on: self.booked_on(business_on),
        }))])
    }

    pub(super) fn write_off(
        &self,
        officer: Officer,
        note: Sealed<Note>,
        business_on: NaiveDate,
    ) -> Result<Vec<LoanEvent>, Rejection> {
        match self.debt.standing {
            Standing::Active if self.debt.closed_through_on < business_on => {
                return Err(Rejection::LoanDaysOpen);
            }
            Standing::Active => {}
            Standing::PaidOff => return Err(Rejection::LoanPaidOff),
            Standing::WrittenOff { .. } => return Err(Rejection::LoanAlreadyWrittenOff),
        }
        let lines = self.debt.giving_up();
        let mut given_up = self.debt.clone();
        given_up.go_on(&lines);
        let after = Condition { status: LoanStatus::WrittenOff, ..given_up.condition() };
        Ok(vec![LoanEvent::LoanWrittenOff {
            loan: self.application.submission.loan,
            officer,
            note,
            lines,
            written_off: given_up.outstanding(),
            after,
            business_on: self.booked_on(business_on),
        }])
    }

    /// Where the business date went back, what is decided on a loan is booked on its last closed day: not before the charges that it
    /// settles.
    fn booked_on(&self, business_on: NaiveDate) -> NaiveDate {
        business_on.max(self.debt.closed_through_on)
    }

    pub(super) fn evolve(&mut self, event: &LoanEvent) {
        let debt = &mut self.debt;
        match event {
            LoanEvent::LoanDayClosed { lines, business_on, .. } => {
                debt.take(lines);
                debt.closed_through_on = *business_on;
            }
            LoanEvent::RepaymentReceived(receipt) => {
                debt.take(&receipt.lines);
                debt.repayments.push(super::Repayment {
                    repayment_id: receipt.repayment_id,
                    amount_rupiah: receipt.amount_rupiah,
                    paid_on: receipt.paid_on,
                    reversed: false,
                });
            }
            LoanEvent::RepaymentReversed(reversal) => {
                debt.take(&reversal.lines);
                let found =
                    debt.repayments.iter_mut().find(|known| known.repayment_id == reversal.repayment_id);
                if let Some(repayment) = found {
                    repayment.reversed = true;
                }
            }
            LoanEvent::LoanWrittenOff { lines, .. } => debt.take(lines),
            // These come before it is a debt.
            LoanEvent::LoanSubmitted(_)
            | LoanEvent::LoanApproved { .. }
            | LoanEvent::LoanRejected { .. }
            | LoanEvent::LoanDisbursed { .. }
            | LoanEvent::LoanCancelled { .. }
            | LoanEvent::LoanExpired { .. }
            | LoanEvent::LoanScheduled { .. } => {}
        }
        if let Some(after) = event.condition() {
            self.application.status = after.status;
            debt.days_past_due = after.days_past_due;
            debt.collectibility = after.collectibility;
            debt.standing = match (after.status, debt.standing) {
                (LoanStatus::PaidOff, _) => Standing::PaidOff,
                (LoanStatus::WrittenOff, known @ Standing::WrittenOff { .. }) => known,
                (LoanStatus::WrittenOff, _) => {
                    let on = debt.closed_through_on;
                    Standing::WrittenOff { on, repayments: debt.repayments.len() }
                }
                _ => Standing::Active,
            };
        }
    }
}

/// A loan that was written off keeps its grade.
fn grade(debt: &mut Debt, rules: &LendingRules) {
    if !debt.is_written_off() {
        let edition = rules.on(debt.closed_through_on);
        debt.collectibility = edition.collectibility.grade(debt.days_past_due);
    }
}
