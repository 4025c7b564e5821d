//! How often one client may push (RFC 9126 section 2.3), and ask about tokens that are none (RFC 7662 section 4): a bucket
//! per client, counted after the client has authenticated, so that nobody can empty another's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::limits;
use crate::policy::settings::PushRate;
use crate::refusal::reason::RequestReason;
use crate::refusal::{Refusal, RuleId};
use crate::vocabulary::id::ClientId;
use crate::vocabulary::time::{Seconds, Timestamp};

/// RFC 9126 section 2.3: a client that pushes more often than it may is told when to come again.
pub(crate) const PUSHES_KEPT: RuleId = RuleId("RFC9126-2.3-rate");
/// RFC 7662 section 4: nobody finds tokens by asking about many.
pub(crate) const MISSES_KEPT: RuleId = RuleId("RFC7662-4-scan");

/// What a third party may ask about in vain.
pub(crate) const MISSES: PushRate =
    PushRate::Limited { per_minute: limits::MISSES_PER_MINUTE, burst: limits::MISSES_AT_ONCE };

/// Clients that are remembered before those whose bucket is full again are forgotten.
const CLIENTS_KEPT: usize = 10_000;

/// The buckets of this process.
pub(crate) struct Pace {
    rule: RuleId,
    rate: PushRate,
    /// When each bucket will be full again, in microseconds since the epoch.
    full_at: Mutex<HashMap<ClientId, i64>>,
}

impl Pace {
    pub(crate) fn new(rule: RuleId, rate: PushRate) -> Self {
        Self { rule, rate, full_at: Mutex::default() }
    }

    /// Takes one out of a client's bucket.
    ///
    /// # Errors
    /// When it is empty; nothing is taken then.
    pub(crate) fn take(&self, client: &ClientId, now: Timestamp) -> Result<(), Refusal> {
        let PushRate::Limited { per_minute, burst } = self.rate else { return Ok(()) };
        let now = now.millis().saturating_mul(1000);
        let each = MINUTE / i64::from(per_minute.max(1));
        let room = each.saturating_mul(i64::from(burst.max(1)));
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= CLIENTS_KEPT {
            full_at.retain(|_, at| *at > now);
        }
        // further ahead than an empty bucket is what a clock left behind that has gone back since
        let known = full_at.get(client).copied().filter(|at| *at <= now.saturating_add(room));
        let before = known.unwrap_or(now).max(now);
        let after = before.saturating_add(each);
        let lacking = after.saturating_sub(now).saturating_sub(room);
        if lacking > 0 {
            let wait = Seconds::new(lacking.saturating_add(SECOND - 1) / SECOND);
            return Err(Refusal { rule: self.rule, reason: RequestReason::TooOften(wait).into() });
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
    use crate::refusal::reason::Reason;

    fn client(id: &str) -> ClientId {
        ClientId::new(id).unwrap()
    }

    #[test]
    fn a_client_empties_its_own_bucket_and_is_told_when_to_come_again() {
        let pace = Pace::new(PUSHES_KEPT, PushRate::Limited { per_minute: 20, burst: 5 });
        let now = Timestamp::from_seconds(1000);
        for _ in 0..5 {
            pace.take(&client("a"), now).unwrap();
        }
        for _ in 0..3 {
            let refusal = pace.take(&client("a"), now).unwrap_err();
            assert_eq!(refusal.reason, Reason::from(RequestReason::TooOften(Seconds::new(3))));
        }
        pace.take(&client("b"), now).unwrap();
        let later = now.plus(Seconds::new(3));
        pace.take(&client("a"), later).unwrap();
        assert!(pace.take(&client("a"), later).is_err(), "one for three seconds");
        for _ in 0..5 {
            pace.take(&client("a"), later.plus(Seconds::minutes(1))).unwrap();
        }
        assert!(pace.take(&client("a"), later.plus(Seconds::minutes(1))).is_err(), "no bucket overflows");
    }

    #[test]
    fn what_is_put_back_can_be_taken_again_and_is_no_more_than_was_taken() {
        let pace = Pace::new(MISSES_KEPT, PushRate::Limited { per_minute: 60, burst: 2 });
        let now = Timestamp::from_seconds(1000);
        for _ in 0..50 {
            pace.take(&client("a"), now).unwrap();
            pace.put_back(&client("a"));
        }
        pace.take(&client("a"), now).unwrap();
        pace.take(&client("a"), now).unwrap();
        assert_eq!(pace.take(&client("a"), now).unwrap_err().rule, MISSES_KEPT);
        pace.put_back(&client("nobody"));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out_for_longer_than_a_bucket_takes_to_fill() {
        let pace = Pace::new(PUSHES_KEPT, PushRate::Limited { per_minute: 60, burst: 2 });
        let now = Timestamp::from_seconds(1000);
        for _ in 0..2 {
            pace.take(&client("a"), now.plus(Seconds::days(1))).unwrap();
        }
        for _ in 0..2 {
            pace.take(&client("a"), now).unwrap();
        }
        let refusal = pace.take(&client("a"), now).unwrap_err();
        assert_eq!(refusal.reason, Reason::from(RequestReason::TooOften(Seconds::new(1))));
    }

    #[test]
    fn without_a_limit_nothing_is_remembered() {
        let pace = Pace::new(PUSHES_KEPT, PushRate::Unlimited);
        for _ in 0..100 {
            pace.take(&client("a"), Timestamp::EPOCH).unwrap();
        }
        assert!(pace.full_at.lock().unwrap().is_empty());
    }
}
