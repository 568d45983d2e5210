//! A customer repays a loan.

use lumbung_domain::{
    Incoming, Loan, LoanCommand, LoanNumber, Paid, Receipt, RepaymentId, Rupiah, TopUpId, UserId, Wallet,
    WalletCommand, WalletSource,
};

use super::outcome::receipt;
use super::{RepaymentOutcome, bring_up_to_date, debit, own_loan, rules};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Where the money of a repayment comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Wallet,
    /// Paid in by the gateway, into the wallet and on to the loan at once. Whoever asks for it has the gateway's word: the ledger
    /// believes it.
    Gateway {
        top_up_id: TopUpId,
    },
}

/// Sets an amount against the customer's own loan. Checked in this order: session and user, loan exists, own loan, expected
/// version, the loan's rules, the wallet's balance.
///
/// Rejections: [`lumbung_domain::Rejection::LoanNotFound`], `LoanNotYours`, `VersionMismatch`, `LoanNotDisbursed`, `LoanPaidOff`,
/// `RepaymentAbovePayoff`, `TooManyRepayments`, `BalanceNotEnough`.
#[derive(Debug, Clone)]
pub struct RepayLoan {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub repayment_id: RepaymentId,
    pub amount: Rupiah,
    pub source: Source,
    /// Of the loan.
    pub expected: Expected,
}

impl UseCase for RepayLoan {
    const NAME: &'static str = "RepayLoan";
    type Outcome = RepaymentOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<RepaymentOutcome, Halt> {
        own_loan(book, self.actor, self.loan)?;
        self.expected.check(book.version::<Loan>(self.loan)?)?;
        let business_on = bring_up_to_date(book, self.loan)?;
        let incoming = Incoming {
            repayment_id: self.repayment_id,
            amount: self.amount,
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

impl Source {
    pub(super) fn top_up_id(self) -> Option<TopUpId> {
        match self {
            Self::Wallet => None,
            Self::Gateway { top_up_id } => Some(top_up_id),
        }
    }
}

/// What comes from the gateway goes through the wallet, so that its report tells of it.
pub(super) fn fill(book: &mut Book<'_>, owner: UserId, receipt: &Receipt) -> Result<(), Halt> {
    let Some(top_up_id) = receipt.top_up_id else { return Ok(()) };
    let (source, business_on) = (WalletSource::TopUp { top_up_id }, receipt.business_on);
    let amount = receipt.amount_rupiah;
    book.run::<Wallet>(owner, WalletCommand::Credit { owner, amount, source, remarks: None, business_on })
}
