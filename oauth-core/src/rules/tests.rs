//! Laws that the rules keep for all instants and all texts, not only for those an example thought of.

use proptest::prelude::*;

use super::rfc7523::{self, AssertionCase};
use super::rfc9449::{self, NonceVerdict, ProofCase};
use super::*;
use crate::jose::{Alg, Audience};
use crate::policy::profiles::{FAPI2_MESSAGE_SIGNING, FAPI2_SECURITY, PLAIN_OAUTH, UAE_OPEN_FINANCE};
use crate::policy::settings::ProofNonce;
use crate::vocabulary::id::ClientId;
use crate::vocabulary::scope::Scope;
use crate::vocabulary::time::Timestamp;
use crate::vocabulary::uri::{Issuer, RedirectUri};

const ISSUER: &str = "https://as.example";

fn policies() -> impl Strategy<Value = &'static Policy> {
    prop::sample::select(vec![&FAPI2_SECURITY, &FAPI2_MESSAGE_SIGNING, &UAE_OPEN_FINANCE, &PLAIN_OAUTH])
}

/// An instant around a thousand seconds after the epoch, to the millisecond.
fn around() -> impl Strategy<Value = Timestamp> {
    (0_i64..2_000_000).prop_map(Timestamp::from_millis)
}

fn assertion(
    (iat, nbf, exp): (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>),
    now: Timestamp,
) -> AssertionCase {
    AssertionCase {
        issuer: Issuer::new(ISSUER).unwrap(),
        endpoints: [format!("{ISSUER}/token"), format!("{ISSUER}/par")],
        client: ClientId::new("tpp").unwrap(),
        client_id: None,
        alg: Alg::Ps256,
        typ: None,
        iss: Some("tpp".to_owned()),
        sub: Some("tpp".to_owned()),
        aud: Some(Audience::One(ISSUER.into())),
        exp,
        iat,
        nbf,
        jti: Some("j".to_owned()),
        now,
        remembers_since: Timestamp::EPOCH,
    }
}

fn proof(iat: Timestamp, now: Timestamp) -> ProofCase {
    ProofCase {
        alg: Alg::Es256,
        typ: Some("dpop+jwt".to_owned()),
        jti: Some("j".to_owned()),
        htm: Some("POST".to_owned()),
        htu: Some(format!("{ISSUER}/token")),
        iat: Some(iat),
        ath: None,
        nonce: NonceVerdict::Absent,
        method: "POST".to_owned(),
        uri: format!("{ISSUER}/token"),
        token_hash: None,
        now,
        remembers_since: Timestamp::EPOCH,
        nonce_policy: ProofNonce::Off,
    }
}

/// What was issued before the memory of what was used begins is refused, to the millisecond.
#[test]
fn nothing_of_before_the_memory_is_accepted() {
    let begun = Timestamp::from_millis(1_000_000);
    for (iat, taken) in [(begun.millis() - 1, false), (begun.millis(), true)] {
        let iat = Timestamp::from_millis(iat);
        let now = begun.plus(crate::vocabulary::time::Seconds::new(5));
        let exp = Some(now.plus(crate::vocabulary::time::Seconds::new(30)));
        let mut asserted = assertion((Some(iat), None, exp), now);
        asserted.remembers_since = begun;
        let proven = ProofCase { remembers_since: begun, ..proof(iat, now) };
        let asserted = hold(rfc7523::AFTER_SIGNATURE, &asserted, &FAPI2_SECURITY);
        let proven = hold(rfc9449::AFTER_SIGNATURE, &proven, &FAPI2_SECURITY);
        let rules = [asserted.err(), proven.err()].map(|refusal| refusal.map(|refusal| refusal.rule.0));
        let refused = [Some("RFC7523-3-7-epoch"), Some("RFC9449-11.1-epoch")];
        assert_eq!(rules, if taken { [None, None] } else { refused });
    }
}

/// RFC 9449 section 4.3-5: an algorithm that we read and the policy does not permit.
#[test]
fn a_proof_is_signed_by_an_algorithm_of_the_policy() {
    let now = Timestamp::from_seconds(1_000);
    let signed = |alg| ProofCase { alg, ..proof(now, now) };
    let judge =
        |alg, policy| hold(rfc9449::BEFORE_SIGNATURE, &signed(alg), policy).map_err(|refusal| refusal.rule.0);
    assert_eq!(judge(Alg::Es256, &FAPI2_SECURITY), Ok(()));
    assert_eq!(judge(Alg::Rs256, &FAPI2_SECURITY), Err("RFC9449-4.3-5"));
    assert_eq!(judge(Alg::Es256, &UAE_OPEN_FINANCE), Err("RFC9449-4.3-5"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn an_assertion_is_remembered_for_as_long_as_it_is_accepted(
        policy in policies(),
        times in (prop::option::of(around()), prop::option::of(around()), prop::option::of(around())),
        (first, second) in (around(), around()),
    ) {
        let accepted = |now| hold(rfc7523::AFTER_SIGNATURE, &assertion(times, now), policy).is_ok();
        if first <= second && accepted(first) && accepted(second) {
            let until = assertion(times, first).remembered_until(policy);
            prop_assert!(second < until, "used at {first:?}, accepted again at {second:?}, forgotten at {until:?}");
        }
    }

    #[test]
    fn a_proof_is_remembered_for_as_long_as_it_is_accepted(
        policy in policies(),
        iat in around(),
        (early, late) in (-20_000_i64..80_000, -20_000_i64..80_000),
    ) {
        let at = |millis: i64| Timestamp::from_millis(iat.millis() + millis.max(-iat.millis()));
        let accepted = |now| hold(rfc9449::AFTER_SIGNATURE, &proof(iat, now), policy).is_ok();
        if early <= late && accepted(at(early)) && accepted(at(late)) {
            prop_assert!(at(late) <= proof(iat, at(early)).remembered_until(policy));
        }
    }

    #[test]
    fn the_skew_is_accepted_to_the_millisecond_and_not_one_further(
        policy in policies(), now in around(), ahead in -30_000_i64..30_000,
    ) {
        let iat = Timestamp::from_millis(now.millis() + ahead);
        let times = (Some(iat), None, Some(now.plus(crate::vocabulary::time::Seconds::new(30))));
        let early = (rfc7523::NOT_EARLY.check)(&assertion(times, now), policy).is_err();
        prop_assert_eq!(early, ahead > policy.skew.get() * 1000);
    }

    #[test]
    fn two_redirect_uris_are_the_same_exactly_when_their_bytes_are(
        one in "https://[a-c]{1,2}\\.example(:443)?/[a-b%2F/.]{0,4}(\\?x=[a-b]?)?",
        other in "https://[a-c]{1,2}\\.example(:443)?/[a-b%2F/.]{0,4}(\\?x=[a-b]?)?",
    ) {
        if let (Ok(first), Ok(second)) = (RedirectUri::new(&one), RedirectUri::new(&other)) {
            prop_assert_eq!(first.as_str(), one.as_str(), "kept as written");
            prop_assert_eq!(first == second, one == other);
        }
    }

    #[test]
    fn scopes_are_ordered_by_inclusion(
        a in "[abc]( [abc]){0,2}", b in "[abc]( [abc]){0,2}", c in "[abc]( [abc]){0,2}",
    ) {
        let [a, b, c] = [a, b, c].map(|text| Scope::new(&text).unwrap());
        prop_assert!(a.is_within(&a));
        prop_assert!(!(a.is_within(&b) && b.is_within(&c)) || a.is_within(&c), "narrowing is transitive");
        prop_assert!(!(a.is_within(&b) && b.is_within(&a)) || a == b);
    }
}
