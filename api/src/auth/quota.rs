//! How often one may ask for what costs us or somebody else: registrations, messages, guesses at tokens.
//!
//! Bounds: [`KEPT`] counts, the least recently used goes first. Counts are a node's own.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use super::{CountKey, HeldBack};

const WINDOW: Duration = Duration::from_secs(60 * 60);
const KEPT: usize = 65_536;

/// How many requests an hour has, for each of those who ask.
pub struct Quota<K: Hash + Eq> {
    per_hour: u64,
    counts: Mutex<LruCache<K, (Instant, u64)>>,
}

/// What one address may ask for.
pub struct AddressQuota(Quota<IpAddr>);

/// How many messages one account is sent.
pub type AccountQuota = Quota<CountKey>;

impl<K: Hash + Eq> Quota<K> {
    #[must_use]
    pub fn new(per_hour: u64) -> Self {
        let kept = NonZeroUsize::new(KEPT).unwrap_or(NonZeroUsize::MIN);
        Self { per_hour, counts: Mutex::new(LruCache::new(kept)) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The hour's requests are used up; it does not count.
    pub fn take(&self, key: K) -> Result<(), HeldBack> {
        self.at(key, 1, Instant::now())
    }

    fn at(&self, key: K, requests: u64, now: Instant) -> Result<(), HeldBack> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, used) = counts.get_or_insert_mut(key, || (now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *used) = (now, 0);
        }
        if *used >= self.per_hour {
            return Err(HeldBack(WINDOW.saturating_sub(now.duration_since(*since))));
        }
        *used += requests;
        Ok(())
    }
}

impl AddressQuota {
    #[must_use]
    pub fn new(per_hour: u64) -> Self {
        Self(Quota::new(per_hour))
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The hour's requests are used up; it does not count.
    pub fn take(&self, address: IpAddr) -> Result<(), HeldBack> {
        self.0.take(network(address))
    }

    /// Only looks, for requests that count when they fail.
    ///
    /// # Errors
    /// The hour's requests are used up.
    pub fn check(&self, address: IpAddr) -> Result<(), HeldBack> {
        self.0.at(network(address), 0, Instant::now())
    }
}

/// A house has one IPv4 address, and a /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
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
        let at = |address: IpAddr, requests, now| quota.0.at(network(address), requests, now);
        let (start, home): (_, IpAddr) = (Instant::now(), "2001:db8:1:2::1".parse().unwrap());
        let neighbour: IpAddr = "2001:db8:1:2:ffff::9".parse().unwrap();
        assert_eq!(at(home, 1, start), Ok(()));
        assert_eq!(at(home, 0, start), Ok(()));
        assert_eq!(at(neighbour, 1, start), Ok(()));
        let later = start + Duration::from_secs(600);
        assert_eq!(at(home, 1, later), Err(HeldBack(Duration::from_secs(3_000))));
        assert_eq!(at(home, 0, later), Err(HeldBack(Duration::from_secs(3_000))));
        assert_eq!(at("192.0.2.1".parse().unwrap(), 1, later), Ok(()));
        assert_eq!(at("::ffff:192.0.2.1".parse().unwrap(), 1, later), Ok(()));
        assert!(at("192.0.2.1".parse().unwrap(), 1, later).is_err());
        assert_eq!(at(home, 1, start + WINDOW), Ok(()));
    }
}
