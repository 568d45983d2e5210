//! A customer settles a loan before its time.

use lumbung_domain::{Incoming, Loan, LoanCommand, LoanNumber, Paid, Rejection, RepaymentId, Rupiah};

use super::outcome::receipt;
use super::repay::fill;
use super::{RepaymentOutcome, Source, bring_up_to_date, debit, debt, own_loan, rules};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Repays exactly what settles the customer's own loan on the business date.
///
/// Rejections: as of [`super::RepayLoan`].
#[derive(Debug, Clone)]
pub struct PayOffLoan {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub repayment_id: RepaymentId,
    pub source: Source,
    /// Of the loan.
    pub expected: Expected,
}

impl UseCase for PayOffLoan {
    const NAME: &'static str = "PayOffLoan";
    type Outcome = RepaymentOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<RepaymentOutcome, Halt> {
        own_loan(book, self.actor, self.loan)?;
        self.expected.check(book.version::<Loan>(self.loan)?)?;
        let business_on = bring_up_to_date(book, self.loan)?;
        let payoff_rupiah = debt(book, self.loan, lumbung_domain::Debt::payoff_rupiah)?;
        if payoff_rupiah == 0 {
            return Err(Rejection::LoanPaidOff.into());
        }
        // More than an amount can be is more than a wallet can hold.
        let amount = Rupiah::positive(payoff_rupiah).map_err(|_| Rejection::BalanceNotEnough)?;
        let incoming = Incoming {
            repayment_id: self.repayment_id,
            amount,
            paid: Paid::Now,
            top_up_id: self.source.top_up_id(),
        };
        let command = LoanCommand::Repay { incoming, rules: rules(book)?, business_on };
        let receipt = receipt(book.run_for::<Loan>(self.loan, command)?)?;
        fill(book, self.actor.user, &receipt)?;
        debit(book, self.actor.user, &receipt)?;
        RepaymentOutcome::read(book, self.actor.user, receipt)
    }
}
