//! How long a signing key stays in each stage of its life: one place, checked against what the keys sign.

use super::settings::OutOfBounds;
use crate::vocabulary::time::Seconds;

/// The lengths of the stages of a signing key (see [`KeyStage`](crate::KeyStage)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTimes {
    /// How long a relying party may keep our key set: `max-age` of its `Cache-Control` (RFC 9111 section 5.2.2.1).
    pub set_max_age: Seconds,
    /// At least so long a key is in the set before it signs, so that every relying party has seen it.
    pub published_min: Seconds,
    /// So long a key signs before the schedule replaces it; `None` leaves that to the operator.
    pub active_max: Option<Seconds>,
    /// So long a key stays in the set after its last signature.
    pub retired_min: Seconds,
    /// So long a withdrawn key is remembered, for the operator's list.
    pub withdrawn_kept: Seconds,
}

/// A process may work with a key set that was read this long ago, and signs with a key that another process has just
/// retired.
pub(crate) const SEEN_WITHIN: Seconds = Seconds::new(1);

/// The longest life of a signed answer that is no token: an authorization response (JARM section 2.1), a signed message.
const SIGNED_ANSWER_MAX: Seconds = Seconds::minutes(10);

impl KeyTimes {
    /// A set that is kept for five minutes, an hour in it before the first signature, a new key every 90 days, and
    /// a day in the set after the last signature.
    #[must_use]
    pub const fn recommended() -> Self {
        Self {
            set_max_age: Seconds::minutes(5),
            published_min: Seconds::minutes(60),
            active_max: Some(Seconds::days(90)),
            retired_min: Seconds::days(1),
            withdrawn_kept: Seconds::days(90),
        }
    }

    /// Every length that is out of bounds. `signed_max` is the longest life of a token that the keys sign, and `skew` how
    /// far the clock of its reader may be behind.
    #[must_use]
    pub fn out_of_bounds(&self, signed_max: Seconds, skew: Seconds) -> Vec<OutOfBounds> {
        let mut found = Vec::new();
        let mut at_least = |setting, length: Seconds, min: Seconds, bound_by, why: &str| {
            if length < min {
                let message = format!("{length} must be at least {min}, {why}");
                found.push(OutOfBounds { setting, bound_by, message });
            }
        };
        at_least("keys.set_max_age", self.set_max_age, Seconds::new(0), "RFC 9111 1.2.2", "or it is no age");
        at_least(
            "keys.published_min",
            self.published_min,
            self.set_max_age.plus(SEEN_WITHIN),
            "OpenID Connect Core 10.1.1",
            "or relying parties with a cached key set refuse the first tokens of a new key",
        );
        at_least(
            "keys.retired_min",
            self.retired_min,
            signed_max.max(SIGNED_ANSWER_MAX).plus(skew).plus(SEEN_WITHIN),
            "OpenID Connect Core 10.1.1",
            "or tokens outlive the key that signed them",
        );
        if let Some(active) = self.active_max {
            let min = self.published_min.plus(Seconds::new(1));
            let why = "or a key is replaced before its successor may sign";
            at_least("keys.active_max", active, min, "OpenID Connect Core 10.1.1", why);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recommended_times_fit_tokens_of_an_hour() {
        let times = KeyTimes::recommended();
        assert_eq!(times.out_of_bounds(Seconds::minutes(60), Seconds::new(10)), []);
    }

    #[test]
    fn a_stage_shorter_than_what_it_protects_is_out_of_bounds() {
        let fits = KeyTimes {
            set_max_age: Seconds::new(300),
            published_min: Seconds::new(301),
            active_max: Some(Seconds::new(302)),
            retired_min: Seconds::new(3600 + 10 + 1),
            withdrawn_kept: Seconds::new(0),
        };
        let judge = |times: KeyTimes| -> Vec<&'static str> {
            let found = times.out_of_bounds(Seconds::minutes(60), Seconds::new(10));
            found.into_iter().map(|wrong| wrong.setting).collect()
        };
        assert!(judge(fits).is_empty());
        let short = |length: Seconds| Seconds::new(length.get() - 1);
        let cases: [(&str, KeyTimes); 3] = [
            ("keys.published_min", KeyTimes { published_min: short(fits.published_min), ..fits }),
            ("keys.retired_min", KeyTimes { retired_min: short(fits.retired_min), ..fits }),
            ("keys.active_max", KeyTimes { active_max: fits.active_max.map(short), ..fits }),
        ];
        for (setting, times) in cases {
            assert_eq!(judge(times), [setting]);
        }
    }
}
