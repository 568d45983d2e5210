//! Who may decide on a loan, in the contract's order of checks.

use lumbung_domain::{
    Branch, LendingRules, Loan, LoanNumber, Officer, Permission, Plafond, PlafondCommand, Rejection, Stage,
    StreamId, UserId,
};

use crate::authority::{Actor, Caller};
use crate::ledger::{Book, Halt};
use crate::version::Expected;

/// A loan and the officer who may decide on it now.
pub(super) struct Deciding {
    pub(super) officer: Officer,
    pub(super) customer: UserId,
}

/// Permission → loan exists → own branch → expected version → a status that the officer's permissions decide. That nobody decides
/// twice or on their own loan is the loan's own rule.
///
/// # Errors
/// [`Rejection::AccessDenied`], [`Rejection::LoanNotFound`], [`Rejection::LoanOfOtherBranch`],
/// [`Rejection::VersionMismatch`], [`Rejection::LoanWrongStatus`].
pub(super) fn may_decide(
    book: &mut Book<'_>,
    actor: Actor,
    loan: LoanNumber,
    expected: &Expected,
    also: Option<Permission>,
) -> Result<Deciding, Halt> {
    const STAGES: [Stage; 3] = [Stage::Marketing, Stage::BranchManager, Stage::Backoffice];
    book.prefetch([StreamId::of::<Loan>(loan), StreamId::of::<LendingRules>(LendingRules::STREAM)]);
    let caller = actor.caller(book)?;
    let decides = STAGES.iter().any(|stage| caller.allows(stage.permission()));
    if !decides || also.is_some_and(|permission| !caller.allows(permission)) {
        return Err(Rejection::AccessDenied.into());
    }
    let state = book.read::<Loan>(loan)?;
    let application = state.application().ok_or(Rejection::LoanNotFound)?;
    let own_branch = caller.branch() == Some(application.submission.branch.branch_id);
    if !own_branch && !caller.allows(Permission::LoanApproveBackoffice) {
        return Err(Rejection::LoanOfOtherBranch.into());
    }
    expected.check(book.version::<Loan>(loan)?)?;
    let status = application.status;
    let stage = status.awaits().filter(|stage| caller.allows(stage.permission()));
    let stage = stage.ok_or(Rejection::LoanWrongStatus { status })?;
    // The head office decides for all branches, but only at its own stage.
    if !own_branch && stage != Stage::Backoffice {
        return Err(Rejection::LoanOfOtherBranch.into());
    }
    let customer = application.submission.customer.user_id;
    Ok(Deciding { officer: officer(book, &caller)?, customer })
}

pub(super) fn officer(book: &mut Book<'_>, caller: &Caller) -> Result<Officer, Halt> {
    let branch_location = match caller.branch() {
        None => None,
        Some(branch) => match &*book.read::<Branch>(branch)? {
            Branch::Open { location, .. } => Some(location.clone()),
            Branch::Unopened | Branch::Closed {} => None,
        },
    };
    let person = caller.person()?;
    Ok(Officer { user_id: person.user_id, name: person.name.clone(), branch_location })
}

/// Gives the reserved amount back to the plafond.
pub(super) fn release(book: &mut Book<'_>, customer: UserId, loan: LoanNumber) -> Result<(), Halt> {
    book.run::<Plafond>(customer, PlafondCommand::Release { loan })
}
