//! What a repayment is set against, and what becomes of money that was paid ahead when a loan ends before its time.

use super::{Amounts, Debt, Line, Owed, Standing};
use crate::{Component, Rejection, Rupiah};

impl Debt {
    /// What settles the loan on the last closed day, in whole rupiah: the principal, what was earned by then and is not paid,
    /// less what was paid for days to come. Falls by every rupiah that is paid, and by nothing else.
    #[must_use]
    pub fn payoff_rupiah(&self) -> i64 {
        self.payoff().total_rupiah()
    }

    /// How a repayment on the last closed day is set against the instalments: what is past due, due, and then in advance, the
    /// oldest first, each by the agreed order of its components. The exact payoff settles the loan.
    ///
    /// # Errors
    /// [`Rejection::LoanPaidOff`], [`Rejection::RepaymentAbovePayoff`].
    pub(in crate::loan) fn repay(&self, amount: Rupiah) -> Result<Vec<Line>, Rejection> {
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
        Ok(self.allotted(&mut left))
    }

    /// What is asked for, the oldest first, until nothing is left.
    fn allotted(&self, left: &mut i64) -> Vec<Line> {
        let mut lines = Vec::new();
        for owed in &self.instalments {
            for component in self.agreement.terms.allocation.order() {
                let paid = (*left).min(self.asked(owed, *component) - owed.paid.of(*component));
                if paid > 0 {
                    *left -= paid;
                    lines.push(self.paying(owed, *component, paid));
                }
            }
            if *left == 0 {
                break;
            }
        }
        lines
    }

    /// Paying in advance charges at once what was not earned yet, so that never more is paid than was charged.
    fn paying(&self, owed: &Owed, component: Component, paid_rupiah: i64) -> Line {
        let ahead = owed.paid.of(component) + paid_rupiah - owed.charged.of(component);
        Line { instalment: owed.plan.number, component, charged_rupiah: ahead.max(0), paid_rupiah }
    }

    /// What brings every component to what was earned by the last closed day, and pays it. Interest that was paid for days to come
    /// goes back into the principal.
    pub(super) fn settling(&self) -> Vec<Line> {
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

    /// What the write-off of a loan changes before it: what was paid for days that will not be earned goes to what is owed, the oldest
    /// first. In sum nothing is paid.
    pub(in crate::loan) fn giving_up(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for owed in &self.instalments {
            for component in [Component::Interest, Component::Fee] {
                let ahead = owed.charged.of(component) - self.earned(owed, component, self.closed_through_on);
                if ahead > 0 {
                    let instalment = owed.plan.number;
                    lines.push(Line { instalment, component, charged_rupiah: -ahead, paid_rupiah: -ahead });
                }
            }
        }
        let mut freed = -Amounts::paid(&lines).total_rupiah();
        let mut given_up = self.clone();
        given_up.take(&lines);
        given_up.standing =
            Standing::WrittenOff { on: self.closed_through_on, repayments: self.repayments.len() };
        lines.extend(given_up.allotted(&mut freed));
        lines
    }
}
