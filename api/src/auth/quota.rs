//! How often one may ask for what costs us or somebody else: registrations, messages, guesses at tokens.
//!
//! Bounds: [`KEPT`] counts, the least recently used goes first. Counts are a node's own.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use super::HeldBack;

const WINDOW: Duration = Duration::from_secs(60 * 60);
const KEPT: usize = 65_536;

/// How many requests an hour has, for each address.
pub struct AddressQuota {
    per_hour: u64,
    counts: Mutex<LruCache<IpAddr, (Instant, u64)>>,
}

impl AddressQuota {
    #[must_use]
    pub fn new(per_hour: u64) -> Self {
        let kept = NonZeroUsize::new(KEPT).unwrap_or(NonZeroUsize::MIN);
        Self { per_hour, counts: Mutex::new(LruCache::new(kept)) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The hour's requests are used up; it does not count.
    pub fn take(&self, address: IpAddr) -> Result<(), HeldBack> {
        self.at(address, Instant::now())
    }

    fn at(&self, address: IpAddr, now: Instant) -> Result<(), HeldBack> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, used) = counts.get_or_insert_mut(network(address), || (now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *used) = (now, 0);
        }
        if *used >= self.per_hour {
            return Err(HeldBack(WINDOW.saturating_sub(now.duration_since(*since))));
        }
        *used += 1;
        Ok(())
    }
}

/// What counts as one address: a house has one of IPv4, and a /64 of IPv6.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_hour_has_so_many_requests() {
        let quota = AddressQuota::new(2);
        let at = |address: IpAddr, now| quota.at(address, now);
        let (start, home): (_, IpAddr) = (Instant::now(), "2001:db8:1:2::1".parse().unwrap());
        let neighbour: IpAddr = "2001:db8:1:2:ffff::9".parse().unwrap();
        assert_eq!(at(home, start), Ok(()));
        assert_eq!(at(neighbour, start), Ok(()));
        let later = start + Duration::from_secs(600);
        assert_eq!(at(home, later), Err(HeldBack(Duration::from_secs(3_000))));
        assert_eq!(at("192.0.2.1".parse().unwrap(), later), Ok(()));
        assert_eq!(at("::ffff:192.0.2.1".parse().unwrap(), later), Ok(()));
        assert!(at("192.0.2.1".parse().unwrap(), later).is_err());
        assert_eq!(at(home, start + WINDOW), Ok(()));
    }
}
