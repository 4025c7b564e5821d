//! What is used, fetched and refused, by value and without a network.

use super::*;
use crate::jose::Alg;
use crate::testkit::keys;

const SETTINGS: KeyCacheSettings = KeyCacheSettings {
    fresh_min: Seconds::new(60),
    fresh_max: Seconds::new(600),
    fresh_default: Seconds::new(300),
    stale_max: Seconds::new(900),
    again_after: Seconds::new(30),
    retry_after: Seconds::new(20),
    sets_max: 4,
};

const UNKNOWN: KeyHint<'_> = KeyHint::Signature { kid: Some("nobody's"), alg: Alg::Es256 };
const KNOWN: KeyHint<'_> = KeyHint::Signature { kid: None, alg: Alg::Es256 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

fn good(lifetime: Option<i64>) -> Result<Fetched, KeySetFault> {
    Ok(Fetched { keys: keys::public(), lifetime: lifetime.map(Seconds::new) })
}

fn bad() -> Result<Fetched, KeySetFault> {
    Err(KeySetFault::MediaType)
}

/// A state after a fetch at second 0.
fn held(lifetime: Option<i64>) -> State {
    let mut state = State::default();
    state.settle(good(lifetime), Occasion::Due, at(0), &SETTINGS).unwrap();
    state
}

#[derive(Debug, PartialEq, Eq)]
enum Does {
    Use,
    Refuse,
    Fetch,
    LookAgain,
}

fn does(state: &mut State, hint: KeyHint<'_>, second: i64) -> Does {
    match state.plan(hint, at(second), &SETTINGS) {
        Plan::Use(_) => Does::Use,
        Plan::Refuse(_) => Does::Refuse,
        Plan::Fetch(Occasion::Due) => Does::Fetch,
        Plan::Fetch(Occasion::LookAgain) => Does::LookAgain,
    }
}

#[test]
fn a_set_is_used_for_its_lifetime_and_not_a_moment_longer() {
    for (stated, kept) in [(None, 300), (Some(100), 100), (Some(0), 60), (Some(90_000), 600)] {
        let mut state = held(stated);
        assert_eq!(does(&mut state, KNOWN, kept - 1), Does::Use, "{stated:?}");
        assert_eq!(does(&mut state, KNOWN, kept), Does::Fetch, "{stated:?}");
    }
}

#[test]
fn an_unknown_key_makes_it_look_again_once_per_cool_down() {
    let mut state = held(None);
    assert_eq!(does(&mut state, UNKNOWN, 1), Does::LookAgain);
    state.settle(good(None), Occasion::LookAgain, at(1), &SETTINGS).unwrap();
    assert_eq!(does(&mut state, UNKNOWN, 30), Does::Use);
    assert_eq!(does(&mut state, UNKNOWN, 31), Does::LookAgain);
    assert_eq!(does(&mut state, KNOWN, 31), Does::Use);
}

#[test]
fn a_failure_is_remembered_and_then_tried_again() {
    let mut state = State::default();
    assert!(state.settle(bad(), Occasion::Due, at(0), &SETTINGS).is_err());
    assert_eq!(does(&mut state, KNOWN, 19), Does::Refuse);
    assert_eq!(does(&mut state, KNOWN, 20), Does::Fetch);
}

#[test]
fn a_failed_second_look_costs_nobody_the_keys_that_are_held() {
    let mut state = held(None);
    assert!(state.settle(bad(), Occasion::LookAgain, at(10), &SETTINGS).is_ok());
    assert_eq!(does(&mut state, KNOWN, 11), Does::Use);
    assert_eq!(does(&mut state, UNKNOWN, 39), Does::Use);
    assert_eq!(does(&mut state, UNKNOWN, 40), Does::LookAgain);
}

#[test]
fn an_old_set_bridges_an_outage_up_to_its_bound() {
    let mut state = held(None);
    assert!(state.settle(bad(), Occasion::Due, at(300), &SETTINGS).is_ok());
    assert_eq!(does(&mut state, KNOWN, 310), Does::Use);
    assert_eq!(does(&mut state, KNOWN, 320), Does::Fetch);
    assert!(state.settle(bad(), Occasion::Due, at(1199), &SETTINGS).is_ok());
    assert_eq!(does(&mut state, KNOWN, 1199), Does::Use);
    assert_eq!(does(&mut state, KNOWN, 1200), Does::Refuse);
    assert!(state.settle(bad(), Occasion::Due, at(1220), &SETTINGS).is_err());
}

#[test]
fn a_busy_moment_is_not_held_against_a_client() {
    let mut state = State::default();
    let busy = || Err(KeySetFault::Outbound(OutboundFault::Busy));
    assert_eq!(state.settle(busy(), Occasion::Due, at(0), &SETTINGS), Err(KeysFault::Busy));
    assert_eq!(does(&mut state, KNOWN, 0), Does::Fetch);
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_a_set_alive() {
    let mut state = held(None);
    assert_eq!(does(&mut state, KNOWN, -1), Does::Use);
    assert_eq!(does(&mut state, KNOWN, -301), Does::Fetch);
}
