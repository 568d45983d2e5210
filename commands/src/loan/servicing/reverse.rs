//! An officer takes a repayment back.

use lumbung_domain::{
    Loan, LoanCommand, LoanEvent, LoanNumber, Note, Rejection, RepaymentId, Sealed, Wallet, WalletCommand,
    WalletSource,
};

use super::super::decide::officer;
use super::outcome::ReversalOutcome;
use super::{ServicedLoan, bring_up_to_date, rules, servicing};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Takes a repayment back, as if it had never come, and gives its money back to the wallet. A loan that it settled is
/// owed again, and the days since are closed at once.
///
/// Rejections: [`Rejection::AccessDenied`], [`Rejection::LoanNotFound`], [`Rejection::VersionMismatch`],
/// [`Rejection::RepaymentNotFound`], [`Rejection::RepaymentReversed`], [`Rejection::BalanceTooLarge`].
#[derive(Debug, Clone)]
pub struct ReverseRepayment {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub repayment_id: RepaymentId,
    pub note: Sealed<Note>,
    /// Of the loan.
    pub expected: Expected,
}

impl UseCase for ReverseRepayment {
    const NAME: &'static str = "ReverseRepayment";
    type Outcome = ReversalOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<ReversalOutcome, Halt> {
        let (caller, owner) = servicing(book, self.actor, self.loan)?;
        self.expected.check(book.version::<Loan>(self.loan)?)?;
        let business_on = bring_up_to_date(book, self.loan)?;
        let officer = officer(book, &caller)?;
        let (repayment_id, note, rules) = (self.repayment_id, self.note.clone(), rules(book)?);
        let command = LoanCommand::Reverse { repayment_id, officer, note, rules, business_on };
        let decided = book.run_for::<Loan>(self.loan, command)?.into_iter().find_map(|event| match event {
            LoanEvent::RepaymentReversed(reversal) => Some(*reversal),
            _ => None,
        });
        let reversal = decided.ok_or(Rejection::RepaymentNotFound)?;
        let source =
            WalletSource::Reversal { repayment_id, loan: self.loan, allotment: reversal.allotment() };
        let (amount, business_on) = (reversal.amount_rupiah, reversal.business_on);
        book.run::<Wallet>(
            owner,
            WalletCommand::Credit { owner, amount, source, remarks: None, business_on },
        )?;
        // A loan that was settled has days to catch up on.
        bring_up_to_date(book, self.loan)?;
        Ok(ReversalOutcome { reversal, loan: ServicedLoan::read(book, self.loan)? })
    }
}
