//! A customer applies for a loan under their plafond.

use lumbung_domain::{
    Agreement, Branch, BranchCommand, BranchId, BranchSnapshot, CustomerSnapshot, Loan, LoanCommand,
    LoanNumber, LoanRequest, Permission, Person, Plafond, PlafondCommand, Rate, Rejection, Rupiah, StreamId,
    Submission, Tenor,
};

use super::LoanOutcome;
use super::servicing::rules;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};

/// Hands in an application and reserves its amount. Checked in the contract's order: profile, plafond, no pending
/// loan, branch, amount, tenor, rate, what the law lets a loan cost.
#[derive(Debug, Clone, Copy)]
pub struct SubmitLoan {
    pub actor: Actor,
    pub loan: LoanNumber,
    pub branch: BranchId,
    pub amount: Rupiah,
    pub tenor: Tenor,
    /// The product's if left out.
    pub interest_rate: Option<Rate>,
}

impl UseCase for SubmitLoan {
    const NAME: &'static str = "SubmitLoan";
    type Outcome = LoanOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<LoanOutcome, Halt> {
        book.prefetch([
            StreamId::of::<Plafond>(self.actor.user),
            StreamId::of::<Loan>(self.loan),
            StreamId::of::<Branch>(self.branch),
        ]);
        let caller = self.actor.customer(book, Permission::LoanCreate)?;
        let person = caller.person()?;
        if !person.profile.is_complete() {
            return Err(Rejection::ProfileIncomplete.into());
        }
        let plafond = book.read::<Plafond>(self.actor.user)?;
        plafond.check_ready()?;
        let branch = self.branch(book)?;
        let terms = plafond.terms().ok_or(Rejection::PlafondRequired)?.clone();
        let request = LoanRequest {
            amount: self.amount,
            tenor: self.tenor,
            interest_rate: self.interest_rate.unwrap_or(terms.interest_rate),
        };
        book.run::<Plafond>(self.actor.user, PlafondCommand::Reserve { loan: self.loan, request })?;
        let business_on = book.business_on()?;
        let submission = Submission {
            loan: self.loan,
            customer: snapshot(person),
            product: terms,
            branch,
            amount_rupiah: request.amount,
            tenor_months: request.tenor,
            interest_rate: request.interest_rate,
            submitted_at: book.now(),
            business_on,
        };
        Agreement::schedule(&submission.plan(business_on), &rules(book)?.on(business_on))?;
        book.run::<Loan>(self.loan, LoanCommand::Submit(Box::new(submission)))?;
        book.run::<Branch>(self.branch, BranchCommand::Use)?;
        LoanOutcome::read(book, self.loan)
    }
}

impl SubmitLoan {
    fn branch(&self, book: &mut Book<'_>) -> Result<BranchSnapshot, Halt> {
        match &*book.read::<Branch>(self.branch)? {
            // The online channel takes no application over the counter.
            Branch::Open { branch_id, code, location, .. } if *branch_id != BranchId::ONLINE => {
                Ok(BranchSnapshot { branch_id: *branch_id, code: code.clone(), location: location.clone() })
            }
            Branch::Open { .. } | Branch::Unopened | Branch::Closed {} => {
                Err(Rejection::BranchNotFound.into())
            }
        }
    }
}

fn snapshot(person: &Person) -> CustomerSnapshot {
    CustomerSnapshot {
        user_id: person.user_id,
        number: person.number,
        name: person.name.clone(),
        email: person.email.clone(),
        nik: person.profile.nik.clone(),
        phone: person.profile.phone.clone(),
        address: person.profile.address.clone(),
        birthdate: person.profile.birthdate.clone(),
        ktp: person.profile.ktp,
        kk: person.profile.kk,
        npwp: person.profile.npwp,
    }
}
