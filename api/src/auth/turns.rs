//! How many password hashes are made for one account at once: whoever owns one account must not take the places of all.
//!
//! Bounds: [`WAITING`] more wait for their turn, without a place in any queue; then the caller is told to come back.
//! Only accounts that somebody is busy with are remembered.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{CountKey, PasswordsError};

/// Of one account.
const WAITING: usize = 32;

pub(super) struct Turns {
    at_once: usize,
    accounts: Mutex<HashMap<CountKey, Account>>,
}

struct Account {
    turns: Arc<Semaphore>,
    /// Who has a turn or waits for one.
    present: usize,
}

/// An account's turn, or the wait for it.
pub(super) struct Turn {
    of: Arc<Turns>,
    account: CountKey,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(super) fn new(at_once: usize) -> Arc<Self> {
        Arc::new(Self { at_once, accounts: Mutex::default() })
    }

    /// Waits until it is the account's turn.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`]: too many wait for that account.
    pub(super) async fn take(self: &Arc<Self>, account: CountKey) -> Result<Turn, PasswordsError> {
        let turns = self.enter(account)?;
        // From here on whoever hangs up is counted out again.
        let mut turn = Turn { of: Arc::clone(self), account, permit: None };
        turn.permit = Some(turns.acquire_owned().await.map_err(|_| PasswordsError::Lost)?);
        Ok(turn)
    }

    fn enter(&self, account: CountKey) -> Result<Arc<Semaphore>, PasswordsError> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts
            .entry(account)
            .or_insert_with(|| Account { turns: Arc::new(Semaphore::new(self.at_once)), present: 0 });
        if account.present >= self.at_once + WAITING {
            return Err(PasswordsError::Busy);
        }
        account.present += 1;
        Ok(Arc::clone(&account.turns))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // First, so that an account that is forgotten has no turn out.
        drop(self.permit.take());
        let mut accounts = self.of.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut account) = accounts.entry(self.account) {
            account.get_mut().present -= 1;
            if account.get().present == 0 {
                account.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn an_account_takes_its_turns_and_leaves_the_others_theirs() {
        let turns = Turns::new(2);
        let first = turns.take([1; 32]).await.unwrap();
        let _second = turns.take([1; 32]).await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(turns.take([1; 32]))).collect();
        for wait in &mut waiting {
            assert!(poll!(wait).is_pending());
        }
        assert!(matches!(turns.take([1; 32]).await, Err(PasswordsError::Busy)));
        assert!(turns.take([2; 32]).await.is_ok());
        // Who hangs up makes room, and a turn that ends goes to who waits longest.
        drop(waiting.pop());
        let mut last = Box::pin(turns.take([1; 32]));
        assert!(poll!(&mut last).is_pending());
        drop(first);
        let next = poll!(&mut waiting[0]);
        assert!(next.is_ready());
        assert!(poll!(&mut waiting[1]).is_pending());
    }

    #[tokio::test]
    async fn nobody_is_remembered_for_nothing() {
        let turns = Turns::new(1);
        let turn = turns.take([1; 32]).await.unwrap();
        assert!(poll!(Box::pin(turns.take([1; 32]))).is_pending());
        assert_eq!(turns.accounts.lock().unwrap().len(), 1);
        drop(turn);
        assert!(turns.accounts.lock().unwrap().is_empty());
    }
}
