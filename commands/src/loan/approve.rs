//! An officer approves; at the last stage the loan is disbursed.

use lumbung_domain::{
    Agreement, Loan, LoanCommand, LoanNumber, LoanStatus, Note, Plafond, PlafondCommand, Rejection, Sealed,
    User, Wallet, WalletCommand, WalletSource,
};

use super::LoanOutcome;
use super::decide::may_decide;
use super::servicing::rules;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Approves at the stage that the loan's status asks for. The last approval disburses: it fixes the schedule, turns the reservation into
/// money lent and credits the customer's wallet, all in one append.
///
/// Rejections: those of deciding at all, and at the last stage [`Rejection::AgreementAboveCap`],
/// [`Rejection::CustomerNotActive`] and [`Rejection::WalletCannotTakeLoan`].
#[derive(Debug, Clone)]
pub struct ApproveLoan {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub note: Option<Sealed<Note>>,
    /// Of the loan.
    pub expected: Expected,
}

impl UseCase for ApproveLoan {
    const NAME: &'static str = "ApproveLoan";
    type Outcome = LoanOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<LoanOutcome, Halt> {
        let deciding = may_decide(book, self.actor, self.loan, &self.expected, None)?;
        let business_on = book.business_on()?;
        let command =
            LoanCommand::Approve { officer: deciding.officer, note: self.note.clone(), business_on };
        book.run::<Loan>(self.loan, command)?;
        let outcome = LoanOutcome::read(book, self.loan)?;
        if outcome.status == LoanStatus::Disbursed {
            let edition = Box::new(rules(book)?.on(business_on));
            Agreement::schedule(&outcome.submission.plan(business_on), &edition)?;
            book.run::<Loan>(self.loan, LoanCommand::Schedule { rules: edition, business_on })?;
            let customer = deciding.customer;
            // Who is locked out gets no money either. The loan waits, or is rejected.
            if !book.read::<User>(customer)?.person().is_some_and(|person| person.active) {
                return Err(Rejection::CustomerNotActive.into());
            }
            let amount = outcome.submission.amount_rupiah;
            if book.read::<Wallet>(customer)?.balance().checked_add(amount).is_none() {
                return Err(Rejection::WalletCannotTakeLoan.into());
            }
            book.run::<Plafond>(customer, PlafondCommand::Convert { loan: self.loan })?;
            book.run::<Wallet>(
                customer,
                WalletCommand::Credit {
                    owner: customer,
                    amount,
                    source: WalletSource::Disbursement { loan: self.loan },
                    remarks: None,
                    business_on,
                },
            )?;
        }
        LoanOutcome::read(book, self.loan)
    }
}
