//! Branches, the online channel first.

use lumbung_domain::{
    Branch, BranchCode, BranchCommand, BranchId, Claim, ClaimCommand, ClaimId, Holder, Invalid, Place,
    Rejection, StreamId,
};

use super::once;
use crate::ledger::{Book, Halt, UseCase};

/// Opens a branch. Not reachable from outside.
///
/// Rejections: [`Rejection::BranchCodeAlreadyExists`], [`Rejection::AlreadyExists`] for its id.
#[derive(Debug, Clone)]
pub struct OpenBranch {
    pub branch_id: BranchId,
    pub code: BranchCode,
    pub location: Place,
}

impl UseCase for OpenBranch {
    const NAME: &'static str = "OpenBranch";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let claim = ClaimId::branch_code(self.code.as_str());
        book.prefetch([StreamId::of::<Branch>(self.branch_id), StreamId::of::<Claim>(claim.clone())]);
        book.run::<Branch>(
            self.branch_id,
            BranchCommand::Open {
                branch_id: self.branch_id,
                code: self.code.clone(),
                location: self.location.clone(),
            },
        )?;
        let holder = Holder::Branch(self.branch_id);
        book.run::<Claim>(claim, ClaimCommand::Take { holder }).map_err(|halt| match halt {
            Halt::Rejected(Rejection::AlreadyExists) => Rejection::BranchCodeAlreadyExists.into(),
            other => other,
        })
    }
}

/// The branch of everything that comes in without a branch.
pub(super) fn open_online(book: &mut Book<'_>) -> Result<(), Halt> {
    let (Ok(code), Ok(location)): (Result<_, Invalid>, Result<_, Invalid>) =
        (BranchCode::new("ONL"), Place::new("Online"))
    else {
        return Err(Rejection::BranchNotFound.into());
    };
    let claim = ClaimId::branch_code(code.as_str());
    let branch_id = BranchId::ONLINE;
    book.prefetch([StreamId::of::<Branch>(branch_id), StreamId::of::<Claim>(claim.clone())]);
    once::<Branch>(book, branch_id, BranchCommand::Open { branch_id, code, location })?;
    once::<Claim>(book, claim, ClaimCommand::Take { holder: Holder::Branch(branch_id) })
}
