//! How many long answers are on their way at once, reports or live feeds: of all, and of one person.
//!
//! Bounds: one entry for each person who has a seat.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use lumbung_domain::UserId;

/// The seats of a node for answers of one kind.
#[derive(Debug)]
pub struct Seats {
    most: usize,
    each: usize,
    people: Mutex<HashMap<UserId, usize>>,
}

/// A seat, given back when dropped.
#[derive(Debug)]
pub struct Seat {
    of: Arc<Seats>,
    person: UserId,
}

impl Seats {
    /// `each`: of one person.
    #[must_use]
    pub fn new(most: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { most, each, people: Mutex::default() })
    }

    /// A seat, unless all of them or the person's own are taken.
    #[must_use]
    pub fn take(self: &Arc<Self>, person: UserId) -> Option<Seat> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: usize = people.values().sum();
        let own = people.get(&person).copied().unwrap_or(0);
        if taken >= self.most || own >= self.each {
            return None;
        }
        people.insert(person, own + 1);
        Some(Seat { of: Arc::clone(self), person })
    }
}

impl Drop for Seat {
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
    fn seats_are_given_back() {
        let seats = Seats::new(3, 2);
        let person = |number| UserId(Uuid::from_u128(number));
        let (first, second) = (seats.take(person(1)), seats.take(person(1)));
        assert!(first.is_some() && second.is_some());
        assert!(seats.take(person(1)).is_none(), "two of one person");
        let third = seats.take(person(2));
        assert!(third.is_some());
        assert!(seats.take(person(3)).is_none(), "three of all");
        drop(first);
        assert!(seats.take(person(3)).is_some());
        drop((second, third));
        assert!(seats.people.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
    }
}
