//! A clock that stands still until it is moved.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::port::clock::Clock;
use crate::vocabulary::time::{Seconds, Timestamp};

/// A clock that shows what it was last set to. Share it in an `Arc` and move it while the server holds it.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that shows this instant.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.millis()))
    }

    /// Shows this instant from now on; it may be an earlier one.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.millis(), Ordering::SeqCst);
    }

    /// Moves on by this much and says where it stands.
    pub fn advance(&self, by: Seconds) -> Timestamp {
        let moved = |millis| Timestamp::from_millis(millis).plus(by);
        let before = self.0.update(Ordering::SeqCst, Ordering::SeqCst, |millis| moved(millis).millis());
        moved(before)
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_only_when_told() {
        let clock = FixedClock::at(Timestamp::from_seconds(100));
        assert_eq!(clock.now(), Timestamp::from_seconds(100));
        assert_eq!(clock.advance(Seconds::new(5)), Timestamp::from_seconds(105));
        assert_eq!(clock.now(), Timestamp::from_seconds(105));
        clock.set(Timestamp::from_seconds(1));
        assert_eq!(clock.now(), Timestamp::from_seconds(1));
    }
}
