//! How much one person may hand in: replaced files are kept, so without a limit one person could fill the disk.
//!
//! Bounds: [`KEPT`] people, the least recently seen goes first. Counts are a node's own.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use lumbung_domain::UserId;

use crate::auth::HeldBack;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const KEPT: usize = 65_536;

/// The counts of a node.
pub(super) struct Allowance {
    bytes_per_day: u64,
    used: Mutex<LruCache<UserId, (Instant, u64)>>,
}

impl Allowance {
    pub(super) fn new(bytes_per_day: u64) -> Self {
        let kept = NonZeroUsize::new(KEPT).unwrap_or(NonZeroUsize::MIN);
        Self { bytes_per_day, used: Mutex::new(LruCache::new(kept)) }
    }

    /// Counts bytes of a person, unless they are too many.
    pub(super) fn take(&self, person: UserId, bytes: u64, now: Instant) -> Result<(), HeldBack> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, taken) = used.get_or_insert_mut(person, || (now, 0));
        if now.duration_since(*since) >= DAY {
            (*since, *taken) = (now, 0);
        }
        let total = taken.saturating_add(bytes);
        if total > self.bytes_per_day {
            return Err(HeldBack(DAY.saturating_sub(now.duration_since(*since))));
        }
        *taken = total;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_day_has_so_many_bytes() {
        let allowance = Allowance::new(100);
        let (start, one, other) = (Instant::now(), UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let hour = Duration::from_secs(3_600);
        assert_eq!(allowance.take(one, 60, start), Ok(()));
        assert_eq!(allowance.take(one, 41, start + hour), Err(HeldBack(23 * hour)));
        // What was refused does not count.
        assert_eq!(allowance.take(one, 40, start + hour), Ok(()));
        assert_eq!(allowance.take(one, 1, start + hour), Err(HeldBack(23 * hour)));
        assert_eq!(allowance.take(one, 0, start + hour), Ok(()));
        assert_eq!(allowance.take(other, 100, start), Ok(()));
        assert_eq!(allowance.take(one, 100, start + DAY), Ok(()));
        assert!(allowance.take(other, u64::MAX, start + DAY).is_err());
    }
}
