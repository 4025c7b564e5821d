//! What the shop knows of its visitors: one cookie each, in memory, bounded in number and in time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use oauth_core::{Seconds, Timestamp};

use super::super::error::Stop;
use super::super::flow::Pending;
use super::super::keys::Random;
use super::pages::Outcome;

/// Name of the cookie.
pub(super) const COOKIE: &str = "shop";
/// Visitors at one time; the one who was away longest makes room.
const VISITORS_MAX: usize = 1000;
/// How long an idle visitor is remembered.
const IDLE_MAX: Seconds = Seconds::minutes(30);

/// What a visitor was sent to the bank for.
pub(super) struct Errand {
    /// What the answer is compared with.
    pub(super) pending: Pending,
    /// The consent it is about.
    pub(super) consent_id: String,
    /// What happens when it is given.
    pub(super) goal: Goal,
}

/// What happens with a consent that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Pay,
    ReadAccounts,
}

struct Visitor {
    csrf: String,
    errand: Option<Errand>,
    outcome: Option<Outcome>,
    seen: Timestamp,
}

/// The visitors.
#[derive(Default)]
pub(super) struct Visitors(Mutex<HashMap<String, Visitor>>);

impl Visitors {
    /// The visitor of a cookie, or a new one: cookie and form token.
    pub(super) fn greet(
        &self,
        cookie: Option<&str>,
        now: Timestamp,
        random: &Random,
    ) -> Result<(String, String), Stop> {
        let mut visitors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((cookie, visitor)) = cookie.and_then(|cookie| Some((cookie, visitors.get_mut(cookie)?)))
            && now < visitor.seen.plus(IDLE_MAX)
        {
            visitor.seen = now;
            return Ok((cookie.to_owned(), visitor.csrf.clone()));
        }
        visitors.retain(|_, visitor| now < visitor.seen.plus(IDLE_MAX));
        if visitors.len() >= VISITORS_MAX {
            let oldest = visitors.iter().min_by_key(|(_, visitor)| visitor.seen);
            let oldest = oldest.map(|(cookie, _)| cookie.clone()).unwrap_or_default();
            visitors.remove(&oldest);
        }
        let (cookie, csrf) = (random.text()?, random.text()?);
        let visitor = Visitor { csrf: csrf.clone(), errand: None, outcome: None, seen: now };
        visitors.insert(cookie.clone(), visitor);
        Ok((cookie, csrf))
    }

    /// Whether a posted token is the one of this visitor's forms.
    pub(super) fn fits(&self, cookie: Option<&str>, token: Option<&str>) -> bool {
        let visitors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cookie.and_then(|cookie| visitors.get(cookie));
        match (known, token) {
            (Some(visitor), Some(token)) => {
                bool::from(subtle::ConstantTimeEq::ct_eq(visitor.csrf.as_bytes(), token.as_bytes()))
            }
            (None, _) | (Some(_), None) => false,
        }
    }

    /// Sends a visitor on an errand; an earlier one is forgotten, and its answer will not be taken.
    pub(super) fn send(&self, cookie: &str, errand: Errand) {
        self.change(cookie, |visitor| visitor.errand = Some(errand));
    }

    /// Takes the errand of a visitor, so that its answer counts once, and only in the browser that was sent.
    pub(super) fn returned(&self, cookie: Option<&str>) -> Option<Errand> {
        let mut visitors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        visitors.get_mut(cookie?)?.errand.take()
    }

    /// Keeps how it ended.
    pub(super) fn tell(&self, cookie: &str, outcome: Outcome) {
        self.change(cookie, |visitor| visitor.outcome = Some(outcome));
    }

    /// How it ended.
    pub(super) fn outcome(&self, cookie: Option<&str>) -> Option<Outcome> {
        let visitors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        visitors.get(cookie?)?.outcome.clone()
    }

    fn change(&self, cookie: &str, change: impl FnOnce(&mut Visitor)) {
        let mut visitors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(visitor) = visitors.get_mut(cookie) {
            change(visitor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tpp::keys::tests::random;

    #[test]
    fn a_form_token_fits_its_own_visitor_only_and_the_idle_are_forgotten() {
        let (visitors, random, now) = (Visitors::default(), random(), Timestamp::from_seconds(1000));
        let (one, csrf) = visitors.greet(None, now, &random).unwrap();
        let (two, _) = visitors.greet(Some("made up"), now, &random).unwrap();
        assert!(two != "made up" && one != two, "nobody chooses their own cookie");
        assert!(visitors.fits(Some(&one), Some(&csrf)));
        assert!(!visitors.fits(Some(&two), Some(&csrf)) && !visitors.fits(None, Some(&csrf)));
        assert_eq!(visitors.greet(Some(&one), now.plus(Seconds::minutes(29)), &random).unwrap().0, one);
        assert_ne!(visitors.greet(Some(&two), now.plus(IDLE_MAX), &random).unwrap().0, two);
    }

    #[test]
    fn the_number_of_visitors_has_a_bound() {
        let (visitors, random) = (Visitors::default(), random());
        for second in 0..1100 {
            visitors.greet(None, Timestamp::from_seconds(1000 + second), &random).unwrap();
        }
        assert_eq!(visitors.0.lock().unwrap().len(), VISITORS_MAX);
    }
}
