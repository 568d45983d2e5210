//! A loan lived through once more with another history of repayments: what a reversal or a backdated repayment changes.
//!
//! Days and repayments come in their order again, so penalties that a late payment cost fall away if it turns out to have
//! come in time, and later repayments move to what was then the oldest due. The difference to what is known is what the event says.

use std::collections::VecDeque;

use chrono::NaiveDate;

use super::{Debt, Line, Repayment, Standing};
use crate::{Component, LendingRules, Rejection, RepaymentId, Rupiah};

impl Debt {
    /// The debt with one repayment more, which counts as of a day that is closed already.
    ///
    /// # Errors
    /// Those of [`Debt::repay`], and [`Rejection::LaterRepaymentTooLarge`] of one that came after it.
    pub(crate) fn with(
        &self,
        id: RepaymentId,
        amount: Rupiah,
        paid_on: NaiveDate,
    ) -> Result<Self, Rejection> {
        let mut repayments = self.repayments.clone();
        repayments.push(Repayment { repayment_id: id, amount_rupiah: amount, paid_on, reversed: false });
        self.lived_until(repayments, self.closed_through_on).map_err(|(repayment_id, why)| match why {
            // It fits where it is put, and one that came later does not fit any more.
            Rejection::RepaymentAbovePayoff { .. } | Rejection::LoanPaidOff if repayment_id != id => {
                Rejection::LaterRepaymentTooLarge { repayment_id }
            }
            why => why,
        })
    }

    /// The debt without one of its repayments.
    ///
    /// # Errors
    /// [`Rejection::RepaymentNotFound`], [`Rejection::RepaymentReversed`].
    pub(crate) fn without(&self, id: RepaymentId) -> Result<Self, Rejection> {
        let mut repayments = self.repayments.clone();
        let found = repayments.iter_mut().find(|repayment| repayment.repayment_id == id);
        let repayment = found.ok_or(Rejection::RepaymentNotFound)?;
        if repayment.reversed {
            return Err(Rejection::RepaymentReversed);
        }
        repayment.reversed = true;
        self.lived_again(repayments)
    }

    /// What leads from this debt to the other.
    pub(crate) fn difference(&self, other: &Self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (before, after) in self.instalments.iter().zip(&other.instalments) {
            for component in Component::ALL {
                let charged_rupiah = after.charged.of(*component) - before.charged.of(*component);
                let paid_rupiah = after.paid.of(*component) - before.paid.of(*component);
                if charged_rupiah != 0 || paid_rupiah != 0 {
                    let instalment = before.plan.number;
                    lines.push(Line { instalment, component: *component, charged_rupiah, paid_rupiah });
                }
            }
        }
        lines
    }

    /// The same debt from the same agreement, days and repayments.
    ///
    /// # Errors
    /// Those of [`Debt::repay`].
    pub fn lived_again(&self, repayments: Vec<Repayment>) -> Result<Self, Rejection> {
        self.lived_until(repayments, self.closed_through_on).map_err(|(_, why)| why)
    }

    /// What was owed at the end of a day, as far as is known now, graded by the rules of that day. Of a day before the disbursement as on
    /// that day; of one after the last closed day, with the days between closed: whoever asks bounds how far ahead.
    ///
    /// # Errors
    /// None of a debt that events made: their repayments fitted.
    pub fn about(&self, on: NaiveDate, rules: &LendingRules) -> Result<Self, Rejection> {
        let known = self.repayments.iter().filter(|repayment| repayment.paid_on <= on).copied().collect();
        let mut past = self.clone();
        if matches!(self.standing, Standing::WrittenOff { on: since, .. } if since > on) {
            past.standing = Standing::Active;
        }
        let mut about =
            past.lived_until(known, on.max(self.agreement.disbursed_on)).map_err(|(_, why)| why)?;
        if !about.is_written_off() {
            about.collectibility =
                rules.on(about.closed_through_on).collectibility.grade(about.days_past_due);
        }
        Ok(about)
    }

    /// A refusal names the repayment that does not fit.
    fn lived_until(
        &self,
        repayments: Vec<Repayment>,
        through: NaiveDate,
    ) -> Result<Self, (RepaymentId, Rejection)> {
        let plan = self.instalments.iter().map(|owed| owed.plan).collect();
        let mut debt = Self::begin(self.agreement.clone(), plan);
        let mut coming: Vec<(usize, Repayment)> =
            repayments.iter().copied().enumerate().filter(|(_, repayment)| !repayment.reversed).collect();
        coming.sort_by_key(|(known, repayment)| (repayment.paid_on, *known));
        let last = coming.last().map_or(through, |(_, repayment)| repayment.paid_on.max(through));
        let mut coming = VecDeque::from(coming);
        loop {
            let day = debt.closed_through_on;
            debt.pay_what_comes(day, &mut coming, |known| self.was_before_write_off(day, known))?;
            if let Standing::WrittenOff { on, .. } = self.standing
                && on == day
                && debt.standing == Standing::Active
            {
                let lines = debt.giving_up();
                debt.go_on(&lines);
                debt.standing = self.standing;
            }
            debt.pay_what_comes(day, &mut coming, |_| true)?;
            if day >= last {
                break;
            }
            match debt.next_day() {
                Some((day, lines)) => debt.close(day, &lines),
                // Nothing is charged any more, but more may have been paid.
                None => match day.succ_opt() {
                    Some(next) => debt.closed_through_on = next,
                    None => break,
                },
            }
        }
        // What was written off stays so, also if it turns out that it had been paid.
        if self.is_written_off() {
            debt.standing = self.standing;
            debt.days_past_due = self.days_past_due;
        }
        debt.repayments = repayments;
        debt.closed_through_on = through;
        debt.collectibility = self.collectibility;
        Ok(debt)
    }

    /// Takes the repayments of a day that `counts`, by the order in which they became known.
    fn pay_what_comes(
        &mut self,
        day: NaiveDate,
        coming: &mut VecDeque<(usize, Repayment)>,
        counts: impl Fn(usize) -> bool,
    ) -> Result<(), (RepaymentId, Rejection)> {
        while let Some((known, repayment)) = coming.front().copied()
            && repayment.paid_on <= day
            && counts(known)
        {
            coming.pop_front();
            let lines = self.repay(repayment.amount_rupiah).map_err(|why| (repayment.repayment_id, why))?;
            self.settle(&lines);
        }
        Ok(())
    }

    fn was_before_write_off(&self, day: NaiveDate, known: usize) -> bool {
        match self.standing {
            Standing::WrittenOff { on, repayments } => day < on || known < repayments,
            Standing::Active | Standing::PaidOff => true,
        }
    }
}
