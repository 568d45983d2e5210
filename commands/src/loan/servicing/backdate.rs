//! An officer has a repayment count as of a day in the past: first what it would change, then, confirmed, the change.

use chrono::NaiveDate;
use lumbung_domain::{
    Bill, Debt, Incoming, Loan, LoanCommand, LoanNumber, Paid, RepaymentId, Rupiah, UserId,
};
use serde::{Deserialize, Serialize};

use super::super::decide::officer;
use super::ServicedLoan;
use super::outcome::receipt;
use super::repay::fill;
use super::{RepaymentOutcome, Source, bring_up_to_date, debit, debt, rules, servicing};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Takes a repayment that counts as of `paid_on`, with everything that would have come otherwise since: penalties that fall away,
/// later repayments that move. Unless it is confirmed nothing is done but to bring the loan to today, and the answer tells what would be.
///
/// Rejections: those of [`super::RepayLoan`], and [`lumbung_domain::Rejection::PaidOnOutOfRange`].
#[derive(Debug, Clone)]
pub struct BackdateRepayment {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub repayment_id: RepaymentId,
    pub amount: Rupiah,
    pub source: Source,
    pub paid_on: NaiveDate,
    pub confirmed: bool,
    /// Of the loan.
    pub expected: Expected,
}

/// What it changes, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backdated {
    pub applied: bool,
    pub before: ServicedLoan,
    pub after: RepaymentOutcome,
    /// The instalments that it changes.
    pub changed: Vec<BillChange>,
}

/// An instalment before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillChange {
    pub before: Bill,
    pub after: Bill,
}

impl UseCase for BackdateRepayment {
    const NAME: &'static str = "BackdateRepayment";
    type Outcome = Backdated;

    fn decide(&self, book: &mut Book<'_>) -> Result<Backdated, Halt> {
        let (caller, customer) = servicing(book, self.actor, self.loan)?;
        self.expected.check(book.version::<Loan>(self.loan)?)?;
        // Its days are closed either way: what is told of the loan is so.
        let business_on = bring_up_to_date(book, self.loan)?;
        let told = if self.confirmed {
            self.apply(book, &caller, customer, business_on)?
        } else {
            // The same steps, and then as if nothing had been.
            let mark = book.mark();
            let told = self.apply(book, &caller, customer, business_on);
            book.undo(mark);
            told?
        };
        Ok(Backdated { applied: self.confirmed, ..told })
    }
}

impl BackdateRepayment {
    fn apply(
        &self,
        book: &mut Book<'_>,
        caller: &crate::authority::Caller,
        customer: UserId,
        business_on: NaiveDate,
    ) -> Result<Backdated, Halt> {
        let before = ServicedLoan::read(book, self.loan)?;
        let bills_before = debt(book, self.loan, Debt::bills)?;
        let paid = Paid::Backdated { on: self.paid_on, officer: officer(book, caller)? };
        let incoming = Incoming {
            repayment_id: self.repayment_id,
            amount: self.amount,
            paid,
            top_up_id: self.source.top_up_id(),
        };
        let command = LoanCommand::Repay { incoming, rules: rules(book)?, business_on };
        let receipt = receipt(book.run_for::<Loan>(self.loan, command)?)?;
        fill(book, customer, &receipt)?;
        debit(book, customer, &receipt)?;
        let after = RepaymentOutcome::read(book, customer, receipt)?;
        let bills = bills_before.into_iter().zip(debt(book, self.loan, Debt::bills)?);
        let changed = bills.map(|(before, after)| BillChange { before, after });
        let changed = changed.filter(|bill| bill.before != bill.after).collect();
        Ok(Backdated { applied: false, before, after, changed })
    }
}
