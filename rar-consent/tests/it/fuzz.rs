//! Mutated details of each type, narrowed details, kept consents and terms: whatever arrives, what is taken keeps its
//! properties. The mechanism is that of `oauth-core/tests/fuzz`, with seeds of its own below `tests/seeds`.

#[path = "../../../oauth-core/tests/fuzz/drive.rs"]
mod drive;

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use oauth_core::testkit::fuzz::{Received, Target};
use oauth_core::{AuthorizationDetails, ConsentFacts, DetailTypes as _, Timestamp, VettedDetails};
use rar_consent::{Consent, DetailRegistry, Language, OfxperaConsent, describe, describe_in};
use serde_json::{Value, json};

use crate::fixture::{NOW, Push, authorised, client, scope, use_of};

const TARGETS: &[Target] = &[
    Target { name: "service_initiation", run: |bytes| details(bytes, "openid payments") },
    Target { name: "payment_initiation", run: |bytes| details(bytes, "openid payments") },
    Target { name: "account_information", run: |bytes| details(bytes, "openid accounts") },
    Target { name: "ofxpera_reference", run: |bytes| details(bytes, "openid accounts.basic") },
    Target { name: "narrowing", run: narrowing },
    Target { name: "kept_consent", run: kept_consent },
    Target { name: "ofxpera_terms", run: ofxpera_terms },
];

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds")
}

#[test]
fn readers_of_details_and_consents_keep_their_properties() {
    drive::keep_their_properties(TARGETS, &seeds());
}

#[test]
fn every_target_of_details_has_seeds_and_every_seed_a_target() {
    drive::have_seeds(TARGETS, &seeds());
}

fn refused(fault: &impl Debug) -> Received {
    let said = format!("{fault:?}");
    Received::Refused(said.chars().filter(|letter| !letter.is_ascii_digit()).take(60).collect())
}

/// What is wrong, without the names that were sent.
fn malformed(fault: &serde_json::Error) -> Received {
    Received::Refused(fault.to_string().split(['`', '"']).next().unwrap_or_default().to_owned())
}

fn push(asked: AuthorizationDetails, wanted: &str) -> Push {
    Push {
        asked,
        scope: scope(wanted),
        client: client(),
        facts: ConsentFacts(vec![serde_json::to_value(crate::ofxpera::consent()).unwrap()]),
        now: NOW,
        registry: DetailRegistry::standard(),
    }
}

fn asked(bytes: &[u8]) -> Result<AuthorizationDetails, Received> {
    let text = std::str::from_utf8(bytes).map_err(|fault| refused(&fault.error_len()))?;
    AuthorizationDetails::read(text).map_err(|reason| refused(&reason))
}

/// The rule that refused, or what was granted.
fn vetted(push: &Push) -> Result<VettedDetails, Received> {
    let vetted = push.vet().map_err(|refusal| Received::Refused(refusal.rule.0.to_owned()))?;
    if vetted.elements.is_empty() { Err(Received::Refused("nothing".to_owned())) } else { Ok(vetted) }
}

/// What is granted holds what was sent, is within itself, is kept and described, and is never used beyond any limit.
fn details(bytes: &[u8], wanted: &str) -> Received {
    let push = match asked(bytes) {
        Ok(asked) => push(asked, wanted),
        Err(received) => return received,
    };
    let granted = match vetted(&push) {
        Ok(granted) => granted,
        Err(received) => return received,
    };
    assert_eq!(push.vet().unwrap(), granted, "the same question, the same answer");
    let (sent, element) = (&push.asked.elements()[0], &granted.elements[0].value);
    assert!(holds(element, sent), "what was sent is in what is granted");
    let again = AuthorizationDetails::from_value(json!([element])).unwrap();
    assert_eq!(push.registry.narrow(&granted, &again).unwrap(), granted, "within itself");
    if granted.consent.as_ref().is_some_and(|id| id.as_str() == crate::ofxpera::ID) {
        return Received::Taken;
    }
    let consent = push.lodged();
    judge(&consent);
    let (given, _) = authorised(&consent);
    for amount in [i64::MIN, -1, 0, i64::MAX] {
        assert!(given.exercise(&use_of(amount, NOW)).is_err(), "{amount} is paid");
    }
    Received::Taken
}

/// Whether every member of one value stands in the other; lists are equal.
fn holds(granted: &Value, sent: &Value) -> bool {
    match (granted, sent) {
        (Value::Object(granted), Value::Object(sent)) => {
            sent.iter().all(|(name, value)| granted.get(name).is_some_and(|own| holds(own, value)))
        }
        (granted, sent) => granted == sent,
    }
}

/// A consent is read as it was written, described in every language, and looked at on any day.
fn judge(consent: &Consent) {
    let written = serde_json::to_value(consent).unwrap();
    assert_eq!(serde_json::from_value::<Consent>(written).unwrap(), *consent, "as it was written");
    assert!(!describe(consent).sections.is_empty(), "there are words");
    let _arabic = describe_in(consent, Language::Arabic);
    for day in [Timestamp::EPOCH, NOW, Timestamp::FAR_FUTURE] {
        let _moved = consent.at(day);
    }
    let _used = consent.exercise(&use_of(1, NOW));
}

/// Two lines: what was granted, and what a token request asks of it.
fn narrowing(bytes: &[u8]) -> Received {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let granted = lines.next().map_or_else(|| asked(b"[]"), asked);
    let wanted = lines.next().map_or_else(|| asked(b"[]"), asked);
    let (granted, wanted) = match (granted, wanted) {
        (Ok(granted), Ok(wanted)) => (granted, wanted),
        (Err(received), _) | (Ok(_), Err(received)) => return received,
    };
    let push = push(granted, "openid");
    let granted = match vetted(&push) {
        Ok(granted) => granted,
        Err(received) => return received,
    };
    match push.registry.narrow(&granted, &wanted) {
        Err(refusal) => Received::Refused(format!("narrow {}", refusal.rule.0)),
        Ok(narrowed) => {
            assert!(narrowed.elements.len() <= granted.elements.len(), "no more than was granted");
            assert_eq!(push.registry.narrow(&narrowed, &wanted).unwrap(), narrowed, "narrow enough");
            Received::Taken
        }
    }
}

fn kept_consent(bytes: &[u8]) -> Received {
    match serde_json::from_slice::<Consent>(bytes) {
        Ok(consent) => {
            judge(&consent);
            Received::Taken
        }
        Err(fault) => malformed(&fault),
    }
}

fn ofxpera_terms(bytes: &[u8]) -> Received {
    match serde_json::from_slice::<OfxperaConsent>(bytes) {
        Ok(terms) => match terms.check(NOW) {
            Ok(()) => {
                assert!(terms.is_within(&terms) && terms.end > NOW, "within itself, and not over");
                Received::Taken
            }
            Err(fault) => refused(&fault),
        },
        Err(fault) => malformed(&fault),
    }
}
