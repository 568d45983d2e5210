//! Who holds a claim.

use lumbung_domain::{Claim, ClaimId, UserId};

use crate::ledger::{Book, Halt, UseCase};

/// Looks a claim up, in the ledger itself and so exactly; changes nothing. Not reachable from outside.
#[derive(Debug, Clone)]
pub struct FindHolder {
    pub claim: ClaimId,
}

impl UseCase for FindHolder {
    const NAME: &'static str = "FindHolder";
    type Outcome = Option<UserId>;

    fn decide(&self, book: &mut Book<'_>) -> Result<Option<UserId>, Halt> {
        Ok(book.read::<Claim>(self.claim.clone())?.user())
    }
}
