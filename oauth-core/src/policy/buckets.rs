//! A bucket for each client: how often it may do what is counted. Kept by each process, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::settings::PushRate;
use crate::vocabulary::id::ClientId;
use crate::vocabulary::time::{Seconds, Timestamp};

/// Clients that are remembered before those whose bucket is full again are forgotten.
const CLIENTS_KEPT: usize = 10_000;

/// The buckets of this process.
#[derive(Debug)]
pub struct ClientBuckets {
    rate: PushRate,
    /// When each bucket will be full again, in microseconds since the epoch.
    full_at: Mutex<HashMap<ClientId, i64>>,
}

impl ClientBuckets {
    /// Full buckets that fill at this rate.
    #[must_use]
    pub fn new(rate: PushRate) -> Self {
        Self { rate, full_at: Mutex::default() }
    }

    /// Takes one out of a client's bucket. A bucket that would need longer than an empty one to be full again is from before
    /// the clock went back, and begins anew.
    ///
    /// # Errors
    /// When it is empty: how long to wait. Nothing is taken then.
    pub fn take(&self, client: &ClientId, now: Timestamp) -> Result<(), Seconds> {
        let PushRate::Limited { per_minute, burst } = self.rate else { return Ok(()) };
        let now = now.millis().saturating_mul(1000);
        let each = MINUTE / i64::from(per_minute.max(1));
        let room = each.saturating_mul(i64::from(burst.max(1)));
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= CLIENTS_KEPT {
            full_at.retain(|_, at| *at > now);
        }
        let known = full_at.get(client).copied().filter(|at| at.saturating_sub(now) <= room);
        let after = known.unwrap_or(now).max(now).saturating_add(each);
        let lacking = after.saturating_sub(now).saturating_sub(room);
        if lacking > 0 {
            return Err(Seconds::new(lacking.saturating_add(SECOND - 1) / SECOND));
        }
        full_at.insert(client.clone(), after);
        Ok(())
    }

    /// Puts one back that has turned out not to count.
    pub(crate) fn put_back(&self, client: &ClientId) {
        let PushRate::Limited { per_minute, .. } = self.rate else { return };
        let each = MINUTE / i64::from(per_minute.max(1));
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = full_at.get_mut(client) {
            *at = at.saturating_sub(each);
        }
    }
}

/// Microseconds.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str) -> ClientId {
        ClientId::new(id).unwrap()
    }

    #[test]
    fn a_client_empties_its_own_bucket_and_is_told_when_to_come_again() {
        let buckets = ClientBuckets::new(PushRate::Limited { per_minute: 20, burst: 5 });
        let now = Timestamp::from_seconds(1000);
        for _ in 0..5 {
            buckets.take(&client("a"), now).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(buckets.take(&client("a"), now), Err(Seconds::new(3)));
        }
        buckets.take(&client("b"), now).unwrap();
        let later = now.plus(Seconds::new(3));
        buckets.take(&client("a"), later).unwrap();
        assert!(buckets.take(&client("a"), later).is_err(), "one for three seconds");
        for _ in 0..5 {
            buckets.take(&client("a"), later.plus(Seconds::minutes(1))).unwrap();
        }
        assert!(buckets.take(&client("a"), later.plus(Seconds::minutes(1))).is_err(), "no bucket overflows");
    }

    #[test]
    fn what_is_put_back_can_be_taken_again_and_is_no_more_than_was_taken() {
        let buckets = ClientBuckets::new(PushRate::Limited { per_minute: 60, burst: 2 });
        let now = Timestamp::from_seconds(1000);
        for _ in 0..50 {
            buckets.take(&client("a"), now).unwrap();
            buckets.put_back(&client("a"));
        }
        buckets.take(&client("a"), now).unwrap();
        buckets.take(&client("a"), now).unwrap();
        assert!(buckets.take(&client("a"), now).is_err());
        buckets.put_back(&client("nobody"));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out_for_longer_than_a_bucket_takes_to_fill() {
        let buckets = ClientBuckets::new(PushRate::Limited { per_minute: 60, burst: 2 });
        let now = Timestamp::from_seconds(1000);
        buckets.take(&client("a"), now.plus(Seconds::days(1))).unwrap();
        buckets.take(&client("a"), now).unwrap();
        buckets.take(&client("a"), now).unwrap();
        assert_eq!(buckets.take(&client("a"), now), Err(Seconds::new(1)));
    }

    #[test]
    fn without_a_limit_nothing_is_remembered() {
        let buckets = ClientBuckets::new(PushRate::Unlimited);
        for _ in 0..100 {
            buckets.take(&client("a"), Timestamp::EPOCH).unwrap();
        }
        assert!(buckets.full_at.lock().unwrap().is_empty());
    }
}
