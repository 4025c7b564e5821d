//! How often one client may push (RFC 9126 section 2.3), and ask about tokens that are none (RFC 7662 section 4): a bucket
//! per client, counted after the client has authenticated, so that nobody can empty another's.

use crate::limits;
use crate::policy::buckets::ClientBuckets;
use crate::policy::settings::PushRate;
use crate::refusal::reason::RequestReason;
use crate::refusal::{Refusal, RuleId};
use crate::vocabulary::id::ClientId;
use crate::vocabulary::time::Timestamp;

/// RFC 9126 section 2.3: a client that pushes more often than it may is told when to come again.
pub(crate) const PUSHES_KEPT: RuleId = RuleId("RFC9126-2.3-rate");
/// RFC 7662 section 4: nobody finds tokens by asking about many.
pub(crate) const MISSES_KEPT: RuleId = RuleId("RFC7662-4-scan");

/// What a third party may ask about in vain.
pub(crate) const MISSES: PushRate =
    PushRate::Limited { per_minute: limits::MISSES_PER_MINUTE, burst: limits::MISSES_AT_ONCE };

/// Buckets, and the rule they keep.
pub(crate) struct Pace {
    rule: RuleId,
    buckets: ClientBuckets,
}

impl Pace {
    pub(crate) fn new(rule: RuleId, rate: PushRate) -> Self {
        Self { rule, buckets: ClientBuckets::new(rate) }
    }

    /// Takes one out of a client's bucket.
    ///
    /// # Errors
    /// When it is empty; nothing is taken then.
    pub(crate) fn take(&self, client: &ClientId, now: Timestamp) -> Result<(), Refusal> {
        let refused = |wait| Refusal { rule: self.rule, reason: RequestReason::TooOften(wait).into() };
        self.buckets.take(client, now).map_err(refused)
    }

    /// Puts one back that has turned out not to count.
    pub(crate) fn put_back(&self, client: &ClientId) {
        self.buckets.put_back(client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::reason::Reason;
    use crate::vocabulary::time::Seconds;

    #[test]
    fn an_empty_bucket_is_a_refusal_by_its_own_rule() {
        let pace = Pace::new(MISSES_KEPT, PushRate::Limited { per_minute: 60, burst: 1 });
        let (client, now) = (ClientId::new("a").unwrap(), Timestamp::from_seconds(1000));
        pace.take(&client, now).unwrap();
        let refusal = pace.take(&client, now).unwrap_err();
        assert_eq!(refusal.rule, MISSES_KEPT);
        assert_eq!(refusal.reason, Reason::from(RequestReason::TooOften(Seconds::new(1))));
        pace.put_back(&client);
        pace.take(&client, now).unwrap();
    }
}
