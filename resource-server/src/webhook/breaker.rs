//! Targets that fail are left alone for a while, so that a dead one costs neither time nor attempts.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use oauth_core::{Seconds, Timestamp};

/// What is known about targets that have failed lately. Of the others nothing is kept.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<String, Trouble>>);

#[derive(Debug, Clone, Copy)]
struct Trouble {
    failures: u32,
    /// Nobody calls before this instant.
    until: Timestamp,
}

/// Whether a target may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// It may.
    Free,
    /// Not before this instant.
    NotBefore(Timestamp),
}

/// Failures in a row that close the way to a target, whatever consents they were for.
const FAILURES: u32 = 5;
/// For how long; then one call looks whether it is back.
const REST: Seconds = Seconds::new(30);
/// How long that one call may take before another looks.
const LOOK: Seconds = Seconds::new(10);
/// Targets in trouble that are remembered.
const TARGETS_MAX: usize = 4096;

impl Breakers {
    /// Asks before a call.
    pub(super) fn ask(&self, target: &str, now: Timestamp) -> Passage {
        let mut targets = self.targets();
        let Some(trouble) = targets.get_mut(target).filter(|trouble| trouble.failures >= FAILURES) else {
            return Passage::Free;
        };
        if now < trouble.until {
            return Passage::NotBefore(trouble.until);
        }
        trouble.until = now.plus(LOOK);
        Passage::Free
    }

    /// It has acknowledged something.
    pub(super) fn succeeded(&self, target: &str) {
        self.targets().remove(target);
    }

    /// It has not.
    pub(super) fn failed(&self, target: &str, now: Timestamp) {
        let mut targets = self.targets();
        if targets.len() >= TARGETS_MAX && !targets.contains_key(target) {
            let oldest =
                targets.iter().min_by_key(|(_, trouble)| trouble.until).map(|(name, _)| name.clone());
            oldest.and_then(|oldest| targets.remove(&oldest));
        }
        let trouble = targets.entry(target.to_owned()).or_insert(Trouble { failures: 0, until: now });
        trouble.failures = trouble.failures.saturating_add(1);
        trouble.until = now.plus(REST);
    }

    fn targets(&self) -> MutexGuard<'_, HashMap<String, Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn broken() -> Breakers {
        let breakers = Breakers::default();
        (0..FAILURES).for_each(|_| breakers.failed("dead.example", START));
        breakers
    }

    #[test]
    fn a_target_that_fails_five_times_in_a_row_is_left_alone_for_half_a_minute() {
        let breakers = Breakers::default();
        for _ in 1..FAILURES {
            breakers.failed("dead.example", START);
            assert_eq!(breakers.ask("dead.example", START), Passage::Free);
        }
        breakers.failed("dead.example", START);
        assert_eq!(breakers.ask("dead.example", START), Passage::NotBefore(START.plus(REST)));
        assert_eq!(breakers.ask("other.example", START), Passage::Free, "others are not kept waiting");
    }

    #[test]
    fn after_the_rest_one_call_looks_and_the_others_wait_for_it() {
        let (breakers, then) = (broken(), START.plus(REST));
        assert_eq!(breakers.ask("dead.example", then), Passage::Free);
        assert_eq!(breakers.ask("dead.example", then), Passage::NotBefore(then.plus(LOOK)));
        breakers.failed("dead.example", then);
        assert_eq!(breakers.ask("dead.example", then), Passage::NotBefore(then.plus(REST)));
    }

    #[test]
    fn one_acknowledgement_opens_the_way_again() {
        let breakers = broken();
        breakers.succeeded("dead.example");
        assert_eq!(breakers.ask("dead.example", START), Passage::Free);
        breakers.failed("dead.example", START);
        assert_eq!(breakers.ask("dead.example", START), Passage::Free, "one failure is not five");
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let breakers = Breakers::default();
        for target in 0..TARGETS_MAX + 10 {
            breakers.failed(&format!("{target}.example"), START);
        }
        assert_eq!(breakers.targets().len(), TARGETS_MAX);
    }
}
