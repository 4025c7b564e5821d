//! UAE bank service initiation: `urn:openfinanceuae:service-initiation-consent` in the spellings of the early drafts.

mod schedule;
pub(crate) mod spelling;
mod wire;

use oauth_core::{ConsentId, DetailsFault, Refusal, Scope, Timestamp};
use serde_json::{Map, Value};

use super::{Asked, DetailKind, Lodging, Place, Reading, Recognised, Supported};
use crate::consent::terms::Terms;
use crate::rules::uae_consent::{self, Subscribed, UaeCase};
use crate::rules::{hold, rfc9396};
use crate::value::period::Alignment;
use spelling::{CANONICAL, Spelling};

/// Service initiation consents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceInitiationKind {
    /// Where the periods of new consents begin.
    pub(crate) alignment: Alignment,
}

/// `Status` of what a token carries: a grant exists only for a consent that was authorised.
const GRANTED_STATUS: &str = "Authorized";

impl DetailKind for ServiceInitiationKind {
    fn types(&self) -> &'static [&'static str] {
        &[CANONICAL]
    }

    fn recognises(&self, element: &Map<String, Value>) -> Recognised {
        if spelling::names_this_type(element) { Recognised::Mine } else { Recognised::NotMine }
    }

    fn read(&self, asked: &Asked<'_>) -> Result<Reading, Refusal> {
        let spelling = Spelling::read(asked.element, &asked.place)?;
        let place = asked.place.member(spelling.container);
        let (consent, terms) = wire::read(&spelling, &asked.place, self.alignment)?;
        let subscribed = wire::subscription(&spelling, &asked.place)?;
        let case = UaeCase {
            place: place.clone(),
            consent,
            terms,
            subscription: asked.place.member(spelling.subscription_name()),
            subscribed: match subscribed {
                None => Subscribed::Nothing,
                Some(to) if to.is_at_home(asked.client) => Subscribed::AtHome,
                Some(_) => Subscribed::Elsewhere,
            },
            now: asked.now,
        };
        hold(uae_consent::CONSENT, &case)?;
        let id = place.member("ConsentId");
        let consent = ConsentId::new(&case.consent)
            .map_err(|_| id.refuse(uae_consent::CONSENT_ID.id, DetailsFault::Value, "not an identifier"))?;
        let granted = spelling.granted(asked.element, GRANTED_STATUS);
        Ok(Reading { consent, terms: Terms::UaePayment(case.terms), granted })
    }

    fn scope(&self, reading: &Reading, asked: &Scope) -> Result<Scope, Refusal> {
        let own = format!("payments:{}", reading.consent);
        let refuse = |hint| Place::element(0).refuse(uae_consent::SCOPE, DetailsFault::ScopeMismatch, hint);
        if !asked.contains("payments") && !asked.contains(&own) {
            return Err(refuse("scope must hold payments, or payments: and this ConsentId"));
        }
        asked.replacing("payments", &own).map_err(|_| refuse("scope is too long"))
    }

    fn supports(&self, reading: &Reading, value: &str) -> Supported {
        let own = value.strip_prefix("payments:").is_some_and(|id| id == reading.consent.as_str());
        if own || value == "payments" { Supported::Yes } else { Supported::No }
    }

    fn lodging(&self, granted: &Value, _asked_at: Timestamp) -> Result<Lodging, Refusal> {
        let place = Place::element(0);
        let received = spelling::received(granted);
        let empty = Map::new();
        let spelling = Spelling::read(received.as_object().unwrap_or(&empty), &place)?;
        let (_, terms) = wire::read(&spelling, &place, self.alignment)?;
        let subscription = wire::subscription(&spelling, &place)?;
        Ok(Lodging::Fresh { terms: Box::new(Terms::UaePayment(terms)), element: received, subscription })
    }

    fn narrow(&self, granted: &Value, asked: &Value, place: &Place) -> Result<Value, Refusal> {
        if asked == granted || *asked == spelling::received(granted) {
            return Ok(granted.clone());
        }
        Err(place.refuse(rfc9396::WITHIN, DetailsFault::Widened, "a payment consent cannot be changed"))
    }
}
