//! How many long reports are on their way at once: of all, and of one person.
//!
//! Bounds: one entry for each person who has a report under way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use lumbung_domain::UserId;

/// Of one person.
const EACH: usize = 2;

/// The places of a node.
#[derive(Debug)]
pub struct Exports {
    most: usize,
    people: Mutex<HashMap<UserId, usize>>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Place {
    of: Arc<Exports>,
    person: UserId,
}

impl Exports {
    #[must_use]
    pub fn new(most: u64) -> Arc<Self> {
        Arc::new(Self { most: usize::try_from(most).unwrap_or(usize::MAX), people: Mutex::default() })
    }

    /// A place, unless all of them or the person's own are taken.
    #[must_use]
    pub fn take(self: &Arc<Self>, person: UserId) -> Option<Place> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: usize = people.values().sum();
        let own = people.get(&person).copied().unwrap_or(0);
        if taken >= self.most || own >= EACH {
            return None;
        }
        people.insert(person, own + 1);
        Some(Place { of: Arc::clone(self), person })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut people = self.of.people.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut own) = people.entry(self.person) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn places_are_given_back() {
        let exports = Exports::new(3);
        let person = |number| UserId(Uuid::from_u128(number));
        let (first, second) = (exports.take(person(1)), exports.take(person(1)));
        assert!(first.is_some() && second.is_some());
        assert!(exports.take(person(1)).is_none(), "two of one person");
        let third = exports.take(person(2));
        assert!(third.is_some());
        assert!(exports.take(person(3)).is_none(), "three of all");
        drop(first);
        assert!(exports.take(person(3)).is_some());
        drop((second, third));
        assert!(exports.people.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
    }
}
