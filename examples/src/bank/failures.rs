//! Failed sign-ins, counted by name and by the address they come from, so that a password is neither guessed for one
//! customer nor one password tried on all of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use oauth_core::{Seconds, Timestamp};

/// How long who failed too often waits. Short, so that a stranger cannot lock a customer out for long.
pub(super) const WAIT: Seconds = Seconds::new(60);
/// Names or addresses that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// Failures of whoever is told apart by a key.
pub(super) struct Failures<Key> {
    max: u32,
    seen: Mutex<HashMap<Key, Seen>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    failed: u32,
    last: Timestamp,
}

impl<Key: Eq + Hash> Failures<Key> {
    /// Who has failed this often waits.
    pub(super) fn at_most(max: u32) -> Self {
        Self { max, seen: Mutex::default() }
    }

    pub(super) fn must_wait(&self, key: &Key, now: Timestamp) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(key).is_some_and(|seen| seen.failed >= self.max && now < seen.last.plus(WAIT))
    }

    pub(super) fn note(&self, key: Key, now: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.retain(|_, seen| now < seen.last.plus(WAIT));
        }
        if seen.len() < REMEMBERED_MAX {
            let seen = seen.entry(key).or_insert(Seen { failed: 0, last: now });
            if now >= seen.last.plus(WAIT) {
                seen.failed = 0;
            }
            seen.failed = seen.failed.saturating_add(1);
            seen.last = now;
        }
    }

    pub(super) fn forget(&self, key: &Key) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(super) fn forget_all(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The address as one who attacks from it has it: of version 6, whoever has one has the 2^64 beside it.
pub(super) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one_source() {
        let of = |text: &str| source(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn memory_of_failures_has_a_bound_and_what_is_over_makes_room() {
        let failures = Failures::at_most(1);
        let now = Timestamp::from_seconds(1000);
        for name in 0..REMEMBERED_MAX + 50 {
            failures.note(name, now);
        }
        assert_eq!(failures.seen.lock().unwrap().len(), REMEMBERED_MAX);
        failures.note(usize::MAX, now.plus(WAIT));
        assert!(failures.must_wait(&usize::MAX, now.plus(WAIT)));
        assert_eq!(failures.seen.lock().unwrap().len(), 1);
    }
}
