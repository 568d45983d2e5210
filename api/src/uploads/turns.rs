//! How many files of one person may be on their way at once: more wait, so that no single person fills what all share.
//!
//! Bounds: one entry for each person with a request under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lumbung_domain::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

type People = Arc<Mutex<HashMap<UserId, Arc<Semaphore>>>>;

/// The turns of a node, on one way.
pub(super) struct Turns {
    at_once: usize,
    people: People,
}

/// A request whose turn it is, or that waits for it; over when dropped.
pub(super) struct Turn {
    people: People,
    person: UserId,
    places: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub(super) fn new(at_once: usize) -> Self {
        Self { at_once, people: People::default() }
    }

    /// Waits until fewer than so many requests of the person are under way, in the order of asking.
    pub(super) async fn wait(&self, person: UserId) -> Turn {
        let places = {
            let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(people.entry(person).or_insert_with(|| Arc::new(Semaphore::new(self.at_once))))
        };
        let people = Arc::clone(&self.people);
        // Made before the wait, so that who gives up leaves nothing behind.
        let mut turn = Turn { people, person, places: Some(Arc::clone(&places)), permit: None };
        // Never closed, so there is always a permit to wait for.
        turn.permit = places.acquire_owned().await.ok();
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.places.take());
        if people.get(&self.person).is_some_and(|places| Arc::strong_count(places) == 1) {
            people.remove(&self.person);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn so_many_at_once_for_each_person() {
        let turns = Turns::new(2);
        let (one, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let first = turns.wait(one).await;
        let second = turns.wait(one).await;
        let mut third = Box::pin(turns.wait(one));
        assert!(third.as_mut().now_or_never().is_none());
        drop(turns.wait(other).await);
        // Who gives up takes no place.
        let mut fourth = Box::pin(turns.wait(one));
        assert!(fourth.as_mut().now_or_never().is_none());
        drop(third);
        drop(first);
        let fourth = fourth.await;
        drop((second, fourth));
        assert!(turns.people.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
    }
}
