use super::*;
use crate::limits;
use crate::testkit::keys;

const TIMES: KeyTimes = KeyTimes {
    set_max_age: Seconds::new(10),
    published_min: Seconds::new(20),
    active_max: Some(Seconds::new(100)),
    retired_min: Seconds::new(30),
    withdrawn_kept: Seconds::new(40),
};
const ALGS: &[Alg] = &[Alg::Es256];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn kid(name: &str) -> KeyId {
    KeyId::new(name).unwrap()
}

fn key(name: &str, stage: KeyStage, since: i64) -> RingKey {
    let public = keys::es256().public(&kid(name));
    let new = NewKey { kid: kid(name), alg: Alg::Es256, public, material: KeyMaterial(vec![1]) };
    RingKey::begin(new, stage, at(since))
}

fn ring(keys: &[RingKey], now: i64) -> Ring<'_> {
    Ring { keys, algs: ALGS, times: &TIMES, now: at(now) }
}

fn way(name: &str, from: KeyStage, to: KeyStage, now: i64, ends: Option<i64>) -> KeyStep {
    KeyStep::Move(KeyMove { kid: kid(name), from, to, at: at(now), ends_at: ends.map(at) })
}

#[test]
fn every_stage_but_the_last_two_leads_on_and_nothing_leads_back() {
    use KeyStage::{Active, Published, Retired, Withdrawn};
    let order =
        |stage: KeyStage| [Published, Active, Retired, Withdrawn].iter().position(|one| *one == stage);
    for transition in TRANSITIONS {
        if let Some(to) = transition.to {
            assert!(order(transition.from) < order(to), "{transition:?}");
        }
    }
    for stage in [Published, Active, Retired, Withdrawn] {
        assert_eq!(KeyStage::parse(stage.as_str()), Some(stage));
    }
    assert_eq!(KeyStage::parse("Active"), None);
}

#[test]
fn an_issuer_without_keys_is_due_an_active_one() {
    assert_eq!(ring(&[], 0).due(), [Due::Make(Alg::Es256, KeyStage::Active)]);
}

#[test]
fn a_successor_is_due_as_long_before_the_change_as_everybody_needs_to_see_it() {
    let keys = [key("a", KeyStage::Active, 0)];
    assert_eq!(ring(&keys, 79).due(), []);
    assert_eq!(ring(&keys, 80).due(), [Due::Make(Alg::Es256, KeyStage::Published)]);
}

#[test]
fn the_change_is_due_when_the_old_key_had_its_time_and_the_new_one_was_seen() {
    let keys = [key("a", KeyStage::Active, 0), key("b", KeyStage::Published, 85)];
    assert_eq!(ring(&keys, 104).due(), []);
    assert_eq!(ring(&keys, 105).due(), [Due::Activate(kid("b"))]);
    let early = [key("a", KeyStage::Active, 0), key("b", KeyStage::Published, 1)];
    assert_eq!(ring(&early, 99).due(), []);
    assert_eq!(ring(&early, 100).due(), [Due::Activate(kid("b"))]);
}

#[test]
fn without_a_longest_time_the_schedule_changes_nothing() {
    let times = KeyTimes { active_max: None, ..TIMES };
    let keys = [key("a", KeyStage::Active, 0), key("b", KeyStage::Published, 1)];
    let ring = Ring { keys: &keys, algs: ALGS, times: &times, now: at(1_000_000) };
    assert_eq!(ring.due(), []);
}

#[test]
fn a_published_key_takes_over_at_once_where_nothing_signs() {
    let keys = [key("b", KeyStage::Published, 99)];
    assert_eq!(ring(&keys, 100).due(), [Due::Activate(kid("b"))]);
    let steps = ring(&keys, 100).activate(&kid("b"), Haste::Orderly).unwrap();
    assert_eq!(steps, [way("b", KeyStage::Published, KeyStage::Active, 100, None)]);
}

#[test]
fn a_key_does_not_sign_before_everybody_has_seen_it_unless_in_an_emergency() {
    let keys = [key("a", KeyStage::Active, 0), key("b", KeyStage::Published, 50)];
    let early = ring(&keys, 69).activate(&kid("b"), Haste::Orderly);
    assert_eq!(early, Err(KeyRefusal::TooEarly(at(70))));
    let steps = |now| {
        [
            way("a", KeyStage::Active, KeyStage::Retired, now, Some(now + 30)),
            way("b", KeyStage::Published, KeyStage::Active, now, None),
        ]
    };
    assert_eq!(ring(&keys, 69).activate(&kid("b"), Haste::Emergency).unwrap(), steps(69));
    assert_eq!(ring(&keys, 70).activate(&kid("b"), Haste::Orderly).unwrap(), steps(70));
}

#[test]
fn only_a_published_key_becomes_active() {
    for stage in [KeyStage::Active, KeyStage::Retired, KeyStage::Withdrawn] {
        let keys = [key("a", stage, 0)];
        let refused = ring(&keys, 1000).activate(&kid("a"), Haste::Emergency);
        assert_eq!(refused, Err(KeyRefusal::NoSuchWay { from: stage, to: KeyStage::Active }));
    }
    assert_eq!(ring(&[], 0).activate(&kid("a"), Haste::Orderly), Err(KeyRefusal::Unknown));
}

#[test]
fn the_only_active_key_retires_only_for_a_successor_that_may_sign() {
    let alone = [key("a", KeyStage::Active, 0)];
    assert_eq!(ring(&alone, 50).retire(&kid("a")), Err(KeyRefusal::OnlyActive(Alg::Es256)));
    let two = [key("a", KeyStage::Active, 0), key("b", KeyStage::Published, 0)];
    assert_eq!(ring(&two, 19).retire(&kid("a")), Err(KeyRefusal::TooEarly(at(20))));
    assert_eq!(ring(&two, 20).retire(&kid("a")), ring(&two, 20).activate(&kid("b"), Haste::Orderly));
    let unneeded = Ring { algs: &[], ..ring(&alone, 50) };
    assert_eq!(
        unneeded.retire(&kid("a")).unwrap(),
        [way("a", KeyStage::Active, KeyStage::Retired, 50, Some(80))]
    );
}

#[test]
fn withdrawing_the_active_key_leaves_one_to_sign_with() {
    let two = [key("a", KeyStage::Active, 0), key("b", KeyStage::Published, 49)];
    let withdrawal = ring(&two, 50).withdraw(&kid("a")).unwrap();
    let steps = vec![
        way("a", KeyStage::Active, KeyStage::Withdrawn, 50, Some(90)),
        way("b", KeyStage::Published, KeyStage::Active, 50, None),
    ];
    assert_eq!(withdrawal, Withdrawal { steps, successor: None });
    let alone = [key("a", KeyStage::Active, 0)];
    assert_eq!(ring(&alone, 50).withdraw(&kid("a")).unwrap().successor, Some(Alg::Es256));
    let retired = [key("a", KeyStage::Retired, 0), key("b", KeyStage::Active, 0)];
    let withdrawal = ring(&retired, 50).withdraw(&kid("a")).unwrap();
    assert_eq!((withdrawal.steps.len(), withdrawal.successor), (1, None));
    let gone = [key("a", KeyStage::Withdrawn, 0)];
    assert!(matches!(ring(&gone, 50).withdraw(&kid("a")), Err(KeyRefusal::NoSuchWay { .. })));
}

#[test]
fn a_key_is_forgotten_when_its_time_is_over_and_not_before() {
    let retired = RingKey { ends_at: Some(at(30)), ..key("a", KeyStage::Retired, 0) };
    let keys = [key("b", KeyStage::Active, 0), retired];
    assert_eq!(ring(&keys, 29).due(), []);
    assert_eq!(ring(&keys, 29).forget(&kid("a")), Err(KeyRefusal::TooEarly(at(30))));
    assert_eq!(ring(&keys, 30).due(), [Due::Forget(kid("a"))]);
    let forget = KeyStep::Forget { kid: kid("a"), from: KeyStage::Retired };
    assert_eq!(ring(&keys, 30).forget(&kid("a")).unwrap(), [forget]);
    assert!(ring(&keys, 30).forget(&kid("b")).is_err());
}

#[test]
fn a_place_that_is_taken_and_a_full_set_take_no_further_key() {
    let two = [key("a", KeyStage::Active, 0), key("b", KeyStage::Published, 0)];
    assert_eq!(
        ring(&two, 0).room(Alg::Es256, KeyStage::Published),
        Err(KeyRefusal::SuccessorWaits(kid("b")))
    );
    assert_eq!(ring(&two, 0).room(Alg::Es256, KeyStage::Active), Err(KeyRefusal::SignsAlready(kid("a"))));
    assert_eq!(ring(&two, 0).room(Alg::EdDsa, KeyStage::Active), Ok(()));
    let mut many = vec![key("a", KeyStage::Active, 0)];
    many.extend((1..limits::KEYS_PER_SET).map(|n| key(&format!("r{n}"), KeyStage::Retired, 0)));
    assert_eq!(ring(&many, 0).room(Alg::Es256, KeyStage::Published), Err(KeyRefusal::Full));
    assert_eq!(ring(&many, 90).due(), []);
    many.pop();
    assert_eq!(ring(&many, 0).room(Alg::Es256, KeyStage::Published), Ok(()));
}

#[test]
fn a_key_list_says_until_when() {
    assert_eq!(key("a", KeyStage::Published, 5).until(&TIMES), Some(at(25)));
    assert_eq!(key("a", KeyStage::Active, 5).until(&TIMES), Some(at(105)));
    assert_eq!(key("a", KeyStage::Active, 5).until(&KeyTimes { active_max: None, ..TIMES }), None);
}
