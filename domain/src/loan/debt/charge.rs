//! What a day charges: interest as it is earned, fees when they are due, penalties for what is late.

use chrono::NaiveDate;

use super::{Debt, Line, Owed, Standing};
use crate::Component;
use crate::lending_rules::share;

impl Debt {
    /// What the day after the last closed one charges. `None` if the loan has no more days to close.
    pub(in crate::loan) fn next_day(&self) -> Option<(NaiveDate, Vec<Line>)> {
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

    /// What a component of an instalment had earned us by the end of a day.
    pub(super) fn earned(&self, owed: &Owed, component: Component, on: NaiveDate) -> i64 {
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

    /// The day after which the period of an instalment begins: the due day of the one before it.
    fn begins_on(&self, owed: &Owed) -> NaiveDate {
        let before = usize::from(owed.plan.number).checked_sub(2).and_then(|at| self.instalments.get(at));
        before.map_or(self.agreement.disbursed_on, |before| before.plan.due_on)
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
}
