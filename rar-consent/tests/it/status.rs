//! The table of statuses: every move that is in it, and no other.

use ConsentStatus::{Authorized, AwaitingAuthorization, Expired, Finished, Rejected, Revoked, Suspended};
use std::sync::Arc;

use oauth_core::testkit::FixedClock;
use oauth_core::{ClientId, Seconds, Standing, Timestamp};
use rar_consent::{
    Actor, BankOrder, Channel, Consent, ConsentEngine, ConsentStatus, ConsentStore as _, DetailRegistry,
    Dialect, MemoryConsents, MoveFault, Terms, UaePayment, UaeVocabulary,
};
use serde_json::json;

use crate::fixture::{NOW, customer, uae_consent};

fn actors() -> [Actor; 5] {
    let tpp = Actor::Tpp(ClientId::new("tpp").unwrap());
    [tpp, Actor::Customer(customer()), Actor::Operator("ops".to_owned()), Actor::Clock, Actor::Engine]
}

fn of(dialect: Dialect) -> Consent {
    let waiting = uae_consent().0;
    let end = NOW.plus(Seconds::days(30)).millis();
    let terms: Terms = match dialect {
        Dialect::Uae => return waiting,
        Dialect::UaeV1_2 => {
            let Terms::UaePayment(own) = waiting.terms else { unreachable!() };
            let terms = Terms::UaePayment(UaePayment { vocabulary: UaeVocabulary::V1_2, ..own });
            return Consent { terms, ..waiting };
        }
        Dialect::Ofxpera => serde_json::from_value(
            json!({"ofxpera_1": {"data_holder": "h", "permissions": ["PERA_BASIC_INFO"],
            "start": NOW.millis(), "end": end, "purpose": "p", "additional_terms": [], "limits": null}}),
        ),
        Dialect::Generic => {
            serde_json::from_value(json!({"accounts_1": {"permissions": ["balances"], "recurring": true,
            "valid_until": end}}))
        }
    }
    .unwrap();
    Consent { until: terms.until(), terms, ..waiting }
}

/// The moves, written down a second time: from, to, and for each dialect the initials of who may make them.
const MOVES: &[(ConsentStatus, ConsentStatus, &str, &str, &str)] = &[
    (AwaitingAuthorization, Authorized, "cu op", "cu op", "cu op"),
    (AwaitingAuthorization, Rejected, "cu op cl en", "cu op en", "cu op en"),
    (AwaitingAuthorization, Expired, "", "cl", "cl"),
    (AwaitingAuthorization, Revoked, "", "tp", "tp"),
    (Authorized, Suspended, "op", "tp op", "tp op"),
    (Authorized, Revoked, "tp cu op", "tp cu op", "tp cu op"),
    (Authorized, Expired, "cl", "cl", "cl"),
    (Authorized, Finished, "en", "", "en"),
    (Suspended, Authorized, "op", "op", "op"),
    (Suspended, Revoked, "tp cu op", "tp cu op", "tp cu op"),
    (Suspended, Expired, "cl", "cl", "cl"),
];

#[test]
fn every_move_of_the_table_is_made_and_every_other_is_refused() {
    for dialect in [Dialect::Uae, Dialect::UaeV1_2, Dialect::Ofxpera, Dialect::Generic] {
        for from in ConsentStatus::ALL {
            for to in ConsentStatus::ALL {
                for actor in actors() {
                    let mut consent = Consent { status: from, ..of(dialect) };
                    consent.suspended_by = (from == Suspended).then_some(rar_consent::Role::Operator);
                    let initials = initials(&actor);
                    let row = MOVES.iter().find(|row| row.0 == from && row.1 == to);
                    let who = row.map_or("", |row| match dialect {
                        Dialect::UaeV1_2 if (from, to) == (Authorized, Suspended) => "tp op",
                        Dialect::Uae | Dialect::UaeV1_2 => row.2,
                        Dialect::Ofxpera => row.3,
                        Dialect::Generic => row.4,
                    });
                    let moved = consent.moved(to, &actor, "why", NOW);
                    let what = format!("{dialect:?}: {from:?} to {to:?} by {actor:?}");
                    assert_eq!(moved.is_ok(), who.contains(initials), "{what}");
                    if let Ok((after, entry)) = moved {
                        assert_eq!(
                            (after.status, after.status_at, after.revision),
                            (to, NOW, consent.revision),
                            "{what}"
                        );
                        assert_eq!((entry.from, entry.to, entry.actor), (Some(from), to, actor), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_suspension_is_lifted_by_the_side_that_made_it() {
    let [tpp, _, operator, ..] = actors();
    let consent = Consent { status: Authorized, ..of(Dialect::Ofxpera) };
    for (one, other) in [(&tpp, &operator), (&operator, &tpp)] {
        let (held, _) = consent.moved(Suspended, one, "hold", NOW).unwrap();
        let refused = held.moved(Authorized, other, "go on", NOW).unwrap_err();
        assert_eq!((refused.why, refused.from), (MoveFault::OtherSide, Suspended));
        let (back, _) = held.moved(Authorized, one, "go on", NOW).unwrap();
        assert_eq!((back.status, back.suspended_by), (Authorized, None));
        assert_eq!(back.authorised_at, consent.authorised_at, "authorised once only");
    }
}

#[test]
fn a_waiting_uae_consent_is_rejected_by_time_and_others_expire() {
    for (dialect, status) in [
        (Dialect::Uae, Rejected),
        (Dialect::UaeV1_2, Rejected),
        (Dialect::Ofxpera, Expired),
        (Dialect::Generic, Expired),
    ] {
        let consent = of(dialect);
        let deadline = NOW.plus(Seconds::minutes(60));
        assert_eq!(consent.authorise_until, deadline);
        assert!(consent.at(Timestamp::from_millis(deadline.millis() - 1)).is_none());
        for late in [deadline, deadline.plus(Seconds::days(9))] {
            let (moved, entry) = consent.at(late).unwrap();
            assert_eq!(
                (moved.status, moved.status_at, entry.at),
                (status, deadline, deadline),
                "dated when it was due"
            );
            assert!(moved.at(late).is_none());
        }
    }
}

#[test]
fn a_consent_in_force_expires_at_its_very_end() {
    for status in [Authorized, Suspended] {
        let consent = Consent { status, ..of(Dialect::Uae) };
        let end = consent.until.unwrap();
        assert!(consent.at(Timestamp::from_millis(end.millis() - 1)).is_none());
        assert_eq!(consent.at(end).unwrap().0.status, Expired);
        assert_eq!(consent.standing(end), Standing::Ended);
    }
}

#[test]
fn each_status_has_its_standing() {
    for (status, standing) in [
        (AwaitingAuthorization, Standing::Waiting),
        (Authorized, Standing::Good),
        (Suspended, Standing::Suspended),
        (Finished, Standing::Finished),
        (Rejected, Standing::Ended),
        (Revoked, Standing::Ended),
        (Expired, Standing::Ended),
    ] {
        assert_eq!(Consent { status, ..of(Dialect::Uae) }.standing(NOW), standing);
        assert_eq!(
            status.is_terminal(),
            !matches!(standing, Standing::Waiting | Standing::Good | Standing::Suspended)
        );
    }
}

#[test]
fn revoking_says_by_whom_and_why() {
    let consent = Consent { status: Authorized, ..of(Dialect::Uae) };
    let (revoked, _) = consent.moved(Revoked, &Actor::Customer(customer()), "changed my mind", NOW).unwrap();
    let revocation = revoked.revocation.unwrap();
    assert_eq!(
        (revocation.at, revocation.by, &*revocation.reason),
        (NOW, Actor::Customer(customer()), "changed my mind")
    );
}

/// What sides ask of the engine, one after the other.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Revoke,
    Suspend,
    Resume,
    Order(ConsentStatus),
}

#[tokio::test]
async fn a_wish_outside_the_table_changes_neither_consent_nor_history() {
    let wishes = [Wish::Revoke, Wish::Suspend, Wish::Resume].into_iter();
    let wishes: Vec<Wish> = wishes.chain(ConsentStatus::ALL.map(Wish::Order)).collect();
    for from in ConsentStatus::ALL {
        for actor in actors() {
            for wish in &wishes {
                let (engine, store, before) = kept(from).await;
                let history = store.history(&before.id).await.unwrap();
                let (id, at) = (&before.id, NOW.plus(Seconds::new(9)));
                match *wish {
                    Wish::Revoke => {
                        engine.revoke(id, &actor, "w", at).await.unwrap();
                    }
                    Wish::Suspend => {
                        engine.suspend(id, &actor, "w", at).await.unwrap();
                    }
                    Wish::Resume => {
                        engine.resume(id, &actor, "w", at).await.unwrap();
                    }
                    Wish::Order(status) => {
                        let order = BankOrder {
                            by: actor.clone(),
                            channel: Channel::BankApi,
                            customer: None,
                            accounts: None,
                            approvals: None,
                            status: Some(status),
                        };
                        engine.order(id, &order, at).await.unwrap();
                    }
                }
                let after = store.consent(id).await.unwrap().unwrap();
                let what = format!("{from:?}, {actor:?}, {wish:?}");
                if after.status == from {
                    assert_eq!(after, before, "{what}");
                    assert_eq!(store.history(id).await.unwrap(), history, "{what}");
                    continue;
                }
                let row = MOVES.iter().find(|row| row.0 == from && row.1 == after.status);
                assert!(
                    row.is_some_and(|row| row.2.contains(initials(&actor))),
                    "{what}: {:?}",
                    after.status
                );
                assert_eq!(store.history(id).await.unwrap().len(), history.len() + 1, "{what}");
            }
        }
    }
}

/// A store with one UAE consent of this status, held by the bank where it is held, and an engine over it.
async fn kept(status: ConsentStatus) -> (Arc<ConsentEngine>, Arc<MemoryConsents>, Consent) {
    let store = Arc::new(MemoryConsents::new());
    let clock = Arc::new(FixedClock::at(NOW));
    let engine = ConsentEngine::new(DetailRegistry::standard(), store.clone(), clock);
    let (waiting, entry) = uae_consent();
    store.insert(&waiting, &entry).await.unwrap();
    let suspended_by = (status == Suspended).then_some(rar_consent::Role::Operator);
    let (subject, accounts) = (Some(customer()), vec!["acc-1".to_owned()]);
    let moved = Consent { status, suspended_by, subject, accounts, ..waiting };
    store.replace(&moved, &entry).await.unwrap();
    let kept = store.consent(&moved.id).await.unwrap().unwrap();
    (engine, store, kept)
}

fn initials(actor: &Actor) -> &'static str {
    match actor {
        Actor::Tpp(_) => "tp",
        Actor::Customer(_) => "cu",
        Actor::Operator(_) => "op",
        Actor::Clock => "cl",
        Actor::Engine => "en",
    }
}
