//! Branches open, move and close.

mod amend;
mod close;
mod open;

pub use amend::AmendBranch;
pub use close::CloseBranch;
pub use open::CreateBranch;

use lumbung_domain::{Branch, BranchId, BranchSnapshot, Rejection};
use serde::{Deserialize, Serialize};

use crate::ledger::{Book, Halt};

/// A branch after a command on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchOutcome {
    pub branch: BranchSnapshot,
    /// The version of the stream `Branch`.
    pub version: i64,
}

impl BranchOutcome {
    fn read(book: &mut Book<'_>, branch: BranchId) -> Result<Self, Halt> {
        let version = book.version::<Branch>(branch)?;
        let branch = snapshot(book, branch)?.ok_or(Rejection::BranchNotFound)?;
        Ok(Self { branch, version })
    }
}

/// An open branch as it is now.
pub(crate) fn snapshot(book: &mut Book<'_>, branch: BranchId) -> Result<Option<BranchSnapshot>, Halt> {
    Ok(match &*book.read::<Branch>(branch)? {
        Branch::Open { branch_id, code, location, .. } => {
            Some(BranchSnapshot { branch_id: *branch_id, code: code.clone(), location: location.clone() })
        }
        Branch::Unopened | Branch::Closed {} => None,
    })
}
