//! What callers are told of a loan that is being serviced.

use lumbung_domain::{Amounts, Condition, Loan, LoanNumber, Receipt, Rejection, Reversal, UserId, Wallet};
use serde::{Deserialize, Serialize};

use super::debt;
use crate::ledger::{Book, Halt};

/// A loan after a command on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicedLoan {
    pub loan: LoanNumber,
    pub condition: Condition,
    /// Charged and not paid.
    pub outstanding: Amounts,
    /// What settles it on the business date.
    pub payoff_rupiah: i64,
    /// What is past due.
    pub arrears_rupiah: i64,
    /// The version of the stream `Loan`.
    pub version: i64,
}

/// A repayment that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepaymentOutcome {
    pub receipt: Receipt,
    pub loan: ServicedLoan,
    /// What is left in the wallet.
    pub balance_rupiah: i64,
}

/// A repayment that was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReversalOutcome {
    pub reversal: Reversal,
    pub loan: ServicedLoan,
}

impl ServicedLoan {
    pub(super) fn read(book: &mut Book<'_>, loan: LoanNumber) -> Result<Self, Halt> {
        let version = book.version::<Loan>(loan)?;
        debt(book, loan, |debt| Self {
            loan,
            condition: debt.condition(),
            outstanding: debt.outstanding(),
            payoff_rupiah: debt.payoff_rupiah(),
            arrears_rupiah: debt.arrears_rupiah(),
            version,
        })
    }
}

impl RepaymentOutcome {
    pub(super) fn read(book: &mut Book<'_>, customer: UserId, receipt: Receipt) -> Result<Self, Halt> {
        let loan = ServicedLoan::read(book, receipt.loan)?;
        let balance_rupiah = book.read::<Wallet>(customer)?.balance().get();
        Ok(Self { receipt, loan, balance_rupiah })
    }
}

/// The one event that was just decided, if it is a receipt.
pub(super) fn receipt(events: Vec<lumbung_domain::LoanEvent>) -> Result<Receipt, Rejection> {
    let found = events.into_iter().find_map(|event| match event {
        lumbung_domain::LoanEvent::RepaymentReceived(receipt) => Some(*receipt),
        _ => None,
    });
    found.ok_or(Rejection::RepaymentNotFound)
}
