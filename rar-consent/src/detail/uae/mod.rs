//! UAE bank service initiation: `urn:openfinanceuae:service-initiation-consent` in the spellings of the early drafts and in that
//! of version 1.2.

mod schedule;
pub(crate) mod spelling;
pub(crate) mod v1_2;
mod wire;

use oauth_core::{Confidential, ConsentId, DetailsFault, Refusal, Scope, Standing, Timestamp, VettedDetail};
use serde_json::{Map, Value};

use super::{Asked, DetailKind, Lodging, Place, Reading, Recognised, Supported};
use crate::consent::status::ConsentStatus;
use crate::consent::terms::{Terms, UaePayment};
use crate::consent::vocabulary::UaeVocabulary;
use crate::rules::uae_consent::{self, Subscribed, UaeCase};
use crate::rules::{hold, rfc9396};
use crate::value::period::Alignment;
use spelling::{CANONICAL, Spelling};
use v1_2::personal::{MEMBER, OpenedFact};

/// Service initiation consents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceInitiationKind {
    /// Where the periods of new consents begin.
    pub(crate) alignment: Alignment,
}

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
        let opened = match spelling.vocabulary {
            UaeVocabulary::Seed => None,
            UaeVocabulary::V1_2 => Some(opened(asked, &spelling)?),
        };
        let (consent, terms) = self.terms(&spelling, &asked.place, opened.as_ref())?;
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
        let granted = spelling.granted(asked.element);
        let terms = Terms::UaePayment(case.terms);
        Ok(Reading { consent, terms, granted, confidential: opened.map(Confidential) })
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

    fn lodging(&self, detail: &VettedDetail, _asked_at: Timestamp) -> Result<Lodging, Refusal> {
        let place = Place::element(0);
        let received = spelling::received(&detail.value);
        let empty = Map::new();
        let spelling = Spelling::read(received.as_object().unwrap_or(&empty), &place)?;
        let opened = detail.confidential.as_ref().map(|Confidential(opened)| opened);
        let (_, terms) = self.terms(&spelling, &place, opened)?;
        let subscription = wire::subscription(&spelling, &place)?;
        Ok(Lodging::Fresh { terms: Box::new(Terms::UaePayment(terms)), element: received, subscription })
    }

    fn narrow(&self, granted: &Value, asked: &Value, place: &Place) -> Result<Value, Refusal> {
        if spelling::received(asked) == spelling::received(granted) {
            return Ok(granted.clone());
        }
        Err(place.refuse(rfc9396::WITHIN, DetailsFault::Widened, "a payment consent cannot be changed"))
    }

    /// Section 3.3: the status is that of the consent, which may still wait for others when its first tokens are issued.
    fn told(&self, granted: &Value, standing: Standing) -> Value {
        let status = match standing {
            Standing::Waiting => ConsentStatus::AwaitingAuthorization,
            Standing::Good => ConsentStatus::Authorized,
            Standing::Suspended => ConsentStatus::Suspended,
            Standing::Finished => ConsentStatus::Finished,
            Standing::Ended => return granted.clone(),
        };
        spelling::with_status(granted, status)
    }
}

impl ServiceInitiationKind {
    /// What an element asks for, in the words it uses.
    fn terms(
        &self,
        spelling: &Spelling,
        element: &Place,
        opened: Option<&Value>,
    ) -> Result<(String, UaePayment), Refusal> {
        match spelling.vocabulary {
            UaeVocabulary::Seed => wire::read(spelling, element, self.alignment),
            UaeVocabulary::V1_2 => {
                v1_2::read(spelling, element, self.alignment, opened.unwrap_or(&Value::Null))
            }
        }
    }
}

/// What stands encrypted in an element. Why it could not be opened is told to nobody: section 2.3.
fn opened(asked: &Asked<'_>, spelling: &Spelling) -> Result<Value, Refusal> {
    let sealed = v1_2::sealed(spelling, &asked.place)?;
    let facts = asked.facts.0.iter().filter_map(|fact| serde_json::from_value(fact.clone()).ok());
    let mut own = facts.filter(|fact: &OpenedFact| fact.sealed == sealed);
    own.next().and_then(|fact| fact.content).ok_or_else(|| {
        let hint = "must be signed as this client signs messages, and encrypted to a key of this server with use enc: \
                    RSA-OAEP-256 and A256GCM";
        let place = asked.place.member(spelling.container).member(MEMBER);
        place.refuse(uae_consent::PERSONAL_SEALED, DetailsFault::Value, hint)
    })
}
