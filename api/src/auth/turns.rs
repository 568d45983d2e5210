//! How many password hashes are made at once for one account, or for one address: whoever has one of them must not take
//! the places of all.
//!
//! Bounds: so many more wait for their turn, without a place in any queue; then the caller is told to come back.
//! Only those that somebody is busy with are remembered.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::PasswordsError;

/// The turns of all accounts, or of all addresses.
pub(super) struct Turns<K: Copy + Eq + Hash> {
    at_once: usize,
    waiting: usize,
    owners: Mutex<HashMap<K, Owner>>,
}

struct Owner {
    turns: Arc<Semaphore>,
    /// Who has a turn or waits for one.
    present: usize,
}

/// An owner's turn, or the wait for it.
pub(super) struct Turn<K: Copy + Eq + Hash> {
    of: Arc<Turns<K>>,
    owner: K,
    permit: Option<OwnedSemaphorePermit>,
}

impl<K: Copy + Eq + Hash> Turns<K> {
    /// Of one owner, `at_once` have a turn and `waiting` more wait for one.
    pub(super) fn new(at_once: usize, waiting: usize) -> Arc<Self> {
        Arc::new(Self { at_once, waiting, owners: Mutex::default() })
    }

    /// Waits until it is the owner's turn.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`]: too many wait already.
    pub(super) async fn take(self: &Arc<Self>, owner: K) -> Result<Turn<K>, PasswordsError> {
        let turns = self.enter(owner)?;
        // From here on whoever hangs up is counted out again.
        let mut turn = Turn { of: Arc::clone(self), owner, permit: None };
        turn.permit = Some(turns.acquire_owned().await.map_err(|_| PasswordsError::Lost)?);
        Ok(turn)
    }

    fn enter(&self, owner: K) -> Result<Arc<Semaphore>, PasswordsError> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = owners
            .entry(owner)
            .or_insert_with(|| Owner { turns: Arc::new(Semaphore::new(self.at_once)), present: 0 });
        if owner.present >= self.at_once + self.waiting {
            return Err(PasswordsError::Busy);
        }
        owner.present += 1;
        Ok(Arc::clone(&owner.turns))
    }
}

impl<K: Copy + Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        // First, so that an owner who is forgotten has no turn out.
        drop(self.permit.take());
        let mut owners = self.of.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut owner) = owners.entry(self.owner) {
            owner.get_mut().present -= 1;
            if owner.get().present == 0 {
                owner.remove();
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
    async fn an_owner_takes_its_turns_and_leaves_the_others_theirs() {
        let turns = Turns::new(2, 32);
        let first = turns.take([1; 32]).await.unwrap();
        let _second = turns.take([1; 32]).await.unwrap();
        let mut waiting: Vec<_> = (0..32).map(|_| Box::pin(turns.take([1; 32]))).collect();
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
        let turns = Turns::new(1, 32);
        let turn = turns.take([1; 32]).await.unwrap();
        assert!(poll!(Box::pin(turns.take([1; 32]))).is_pending());
        assert_eq!(turns.owners.lock().unwrap().len(), 1);
        drop(turn);
        assert!(turns.owners.lock().unwrap().is_empty());
    }
}
