//! A branch is given up.

use lumbung_domain::{
    Branch, BranchCommand, BranchId, Claim, ClaimCommand, ClaimId, Holder, Permission, Rejection, Staff,
    StreamId,
};

use super::snapshot;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::version::Expected;

/// Closes a branch that nobody belongs to and no loan was applied for at. Its code is free again.
///
/// Rejections: [`Rejection::BranchNotFound`], [`Rejection::VersionMismatch`], [`Rejection::OnlineBranchFixed`],
/// [`Rejection::BranchHasUsers`], [`Rejection::BranchHasLoans`].
#[derive(Debug, Clone)]
pub struct CloseBranch {
    pub actor: Actor,
    pub branch: BranchId,
    /// Of the branch.
    pub expected: Expected,
}

impl UseCase for CloseBranch {
    const NAME: &'static str = "CloseBranch";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        book.prefetch([StreamId::of::<Branch>(self.branch), StreamId::of::<Staff>(Staff::STREAM)]);
        self.actor.holding(book, &[Permission::BranchManage])?;
        let branch = snapshot(book, self.branch)?.ok_or(Rejection::BranchNotFound)?;
        self.expected.check(book.version::<Branch>(self.branch)?)?;
        let people = book.read::<Staff>(Staff::STREAM)?.people_of(self.branch);
        // People belong to the online channel too, but it stays for another reason.
        if people > 0 && self.branch != BranchId::ONLINE {
            return Err(Rejection::BranchHasUsers.into());
        }
        book.run::<Branch>(self.branch, BranchCommand::Close)?;
        let holder = Holder::Branch(self.branch);
        let claim = ClaimId::branch_code(branch.code.as_str());
        book.run::<Claim>(claim, ClaimCommand::Release { holder })
    }
}
