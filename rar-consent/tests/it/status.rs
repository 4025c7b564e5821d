//! The table of statuses: every move that is in it, and no other.

use ConsentStatus::{Authorized, AwaitingAuthorization, Expired, Finished, Rejected, Revoked, Suspended};
use oauth_core::{ClientId, Seconds, Standing, Timestamp};
use rar_consent::{Actor, Consent, ConsentStatus, Dialect, MoveFault, Terms};
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
    for dialect in [Dialect::Uae, Dialect::Ofxpera, Dialect::Generic] {
        for from in ConsentStatus::ALL {
            for to in ConsentStatus::ALL {
                for actor in actors() {
                    let mut consent = Consent { status: from, ..of(dialect) };
                    consent.suspended_by = (from == Suspended).then_some(rar_consent::Role::Operator);
                    let initials = match actor {
                        Actor::Tpp(_) => "tp",
                        Actor::Customer(_) => "cu",
                        Actor::Operator(_) => "op",
                        Actor::Clock => "cl",
                        Actor::Engine => "en",
                    };
                    let row = MOVES.iter().find(|row| row.0 == from && row.1 == to);
                    let who = row.map_or("", |row| match dialect {
                        Dialect::Uae => row.2,
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
    for (dialect, status) in
        [(Dialect::Uae, Rejected), (Dialect::Ofxpera, Expired), (Dialect::Generic, Expired)]
    {
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
