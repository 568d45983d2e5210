//! A new branch.

use lumbung_domain::Permission;

use super::BranchOutcome;
use crate::authority::Actor;
use crate::ledger::{Book, Halt, UseCase};
use crate::reference::OpenBranch;

/// Opens a branch for somebody who may. Rejections: those of [`OpenBranch`].
#[derive(Debug, Clone)]
pub struct CreateBranch {
    pub actor: Actor,
    pub branch: OpenBranch,
}

impl UseCase for CreateBranch {
    const NAME: &'static str = "CreateBranch";
    type Outcome = BranchOutcome;

    fn decide(&self, book: &mut Book<'_>) -> Result<BranchOutcome, Halt> {
        self.actor.holding(book, &[Permission::BranchManage])?;
        self.branch.decide(book)?;
        BranchOutcome::read(book, self.branch.branch_id)
    }
}
