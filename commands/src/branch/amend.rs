//! A branch gets another code or place.

use lumbung_domain::{
    Branch, BranchCode, BranchCommand, BranchId, Claim, ClaimCommand, ClaimId, Holder, Permission, Place,
    Rejection, StreamId,
};

use super::{BranchOutcome, snapshot};
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Changes a branch, and with its code the claim of it. Loans keep the branch as it was.
///
/// Rejections: [`Rejection::BranchNotFound`], [`Rejection::VersionMismatch`], [`Rejection::OnlineBranchFixed`],
/// [`Rejection::BranchCodeAlreadyExists`].
#[derive(Debug, Clone)]
pub struct AmendBranch {
    pub actor: Actor,
    pub branch: BranchId,
    pub code: BranchCode,
    pub location: Place,
    /// Of the branch.
    pub expected: Expected,
}

impl UseCase for AmendBranch {
    const NAME: &'static str = "AmendBranch";
    type Outcome = BranchOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<BranchOutcome, Halt> {
        let claim = ClaimId::branch_code(self.code.as_str());
        book.prefetch([StreamId::of::<Branch>(self.branch), StreamId::of::<Claim>(claim.clone())]);
        self.actor.holding(book, &[Permission::BranchManage])?;
        let before = snapshot(book, self.branch)?.ok_or(Rejection::BranchNotFound)?;
        self.expected.check(book.version::<Branch>(self.branch)?)?;
        let (code, location) = (self.code.clone(), self.location.clone());
        book.run::<Branch>(self.branch, BranchCommand::Amend { code, location })?;
        if before.code != self.code {
            let holder = Holder::Branch(self.branch);
            book.run::<Claim>(claim, ClaimCommand::Take { holder }).map_err(|halt| match halt {
                Halt::Rejected(Rejection::AlreadyExists) => Rejection::BranchCodeAlreadyExists.into(),
                other => other,
            })?;
            let old = ClaimId::branch_code(before.code.as_str());
            book.run::<Claim>(old, ClaimCommand::Release { holder })?;
        }
        BranchOutcome::read(book, self.branch)
    }
}
