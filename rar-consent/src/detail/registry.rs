//! Every kind of detail on offer. Pure: judges by value, touches nothing.

use std::sync::Arc;

use oauth_core::{
    AuthorizationDetails, ConsentId, DetailType, DetailTypes, DetailsCase, DetailsFault, Refusal, Scope,
    Standing, VettedDetail, VettedDetails,
};
use serde_json::{Map, Value};

use super::account_information::AccountInformationKind;
use super::element::{first_null, holds_null};
use super::ofxpera::OfxperaKind;
use super::payment_initiation::PaymentInitiationKind;
use super::uae::ServiceInitiationKind;
use super::{Asked, DetailKind, Lodging, Place, Reading, Recognised, Supported};
use crate::consent::subscription::Subscription;
use crate::consent::terms::Terms;
use crate::rules::hold;
use crate::rules::rfc9396::{self, ElementsCase, ScopeCase};
use crate::value::period::Alignment;
use crate::value::uuid;

/// The kinds of detail on offer. Clones share them.
#[derive(Debug, Clone)]
pub struct DetailRegistry(Arc<[Arc<dyn DetailKind>]>);

/// Scope values that stand for a consent: without details that support them they are not granted in an authorization
/// request. A name alone, or a beginning up to the asterisk.
const CONSENT_BOUND: &[&str] = &[
    "payments",
    "payments:*",
    "consent:*",
    "accounts",
    "accounts.*",
    "bank_account",
    "customer",
    "customer_details",
    "customer_onboarding",
];

impl DetailRegistry {
    /// The kinds of this crate: UAE service initiation, OFxPERA consents, and the two generic types of RFC 9396.
    #[must_use]
    pub fn standard() -> Self {
        Self::aligned(Alignment::Consent)
    }

    /// The same kinds, with the periods of new UAE consents aligned so. A consent keeps the alignment it was made with.
    #[must_use]
    pub fn aligned(alignment: Alignment) -> Self {
        Self::new(vec![
            Arc::new(ServiceInitiationKind { alignment }),
            Arc::new(OfxperaKind),
            Arc::new(PaymentInitiationKind),
            Arc::new(AccountInformationKind),
        ])
    }

    /// These kinds, asked in this order.
    #[must_use]
    pub fn new(kinds: Vec<Arc<dyn DetailKind>>) -> Self {
        Self(kinds.into())
    }

    /// What is kept for a vetted element.
    pub(crate) fn lodging(
        &self,
        detail: &VettedDetail,
        asked_at: oauth_core::Timestamp,
    ) -> Result<Lodging, Refusal> {
        let kind = self.0.iter().find(|kind| kind.types().first() == Some(&detail.kind.as_str()));
        let kind = kind.ok_or_else(|| {
            Place::element(0).refuse(
                rfc9396::TYPE_KNOWN.id,
                DetailsFault::TypeUnknown,
                "not a type of this server",
            )
        })?;
        kind.lodging(detail, asked_at)
    }

    /// What vetted details allow, when they carry it themselves, and where events are to go.
    pub(crate) fn terms(
        &self,
        details: &VettedDetails,
        asked_at: oauth_core::Timestamp,
    ) -> Option<(Terms, Option<Subscription>)> {
        match self.lodging(details.elements.first()?, asked_at).ok()? {
            Lodging::Fresh { terms, subscription, .. } => Some((*terms, subscription)),
            Lodging::Stored => None,
        }
    }

    fn kind_of(&self, element: &Map<String, Value>) -> Option<&Arc<dyn DetailKind>> {
        self.0.iter().find(|kind| kind.recognises(element) == Recognised::Mine)
    }

    fn vet_element(
        &self,
        case: &DetailsCase<'_>,
        element: &Map<String, Value>,
    ) -> Result<VettedDetails, Refusal> {
        let kind = self.kind_of(element);
        let canonical = kind.and_then(|kind| canonical(&**kind));
        let elements = ElementsCase {
            count: case.asked.elements().len(),
            kind: canonical.clone(),
            registered: case.client.detail_types.clone(),
        };
        hold(rfc9396::ELEMENTS, &elements)?;
        let (Some(kind), Some(canonical)) = (kind, canonical) else {
            return Ok(VettedDetails::default());
        };
        let place = Place::element(0);
        let mut holding = element.iter().filter(|(_, value)| holds_null(value));
        let nulls = holding.find_map(|(name, value)| first_null(value, &place.member(name)));
        if let Some(null) = nulls {
            let hint = "no member may be null; leave it out";
            return Err(null.refuse(rfc9396::VALUES_TYPED, DetailsFault::Value, hint));
        }
        let fresh = fresh_id(case)?;
        let (client, facts, now) = (case.client, case.facts, case.now);
        let reading = kind.read(&Asked { element, place, client, facts, now, fresh })?;
        let supported = |value: &str| kind.supports(&reading, value) == Supported::Yes;
        let scope = kind.scope(&reading, case.scope)?;
        hold(&[&rfc9396::SCOPE_SUPPORTED], &ScopeCase { unsupported: unsupported(case.scope, supported) })?;
        let until = reading.terms.until();
        let Reading { consent, granted, confidential, .. } = reading;
        let detail = VettedDetail { kind: canonical, value: granted, confidential };
        Ok(VettedDetails { elements: vec![detail], scope, consent: Some(consent), until, shown: None })
    }
}

impl DetailTypes for DetailRegistry {
    fn supported(&self) -> Vec<DetailType> {
        self.0.iter().filter_map(|kind| canonical(&**kind)).collect()
    }

    fn vet(&self, case: &DetailsCase<'_>) -> Result<VettedDetails, Refusal> {
        if let Some(element) = case.asked.elements().first().and_then(Value::as_object) {
            return self.vet_element(case, element);
        }
        let unsupported = unsupported(case.scope, |_| false);
        hold(&[&rfc9396::SCOPE_SUPPORTED], &ScopeCase { unsupported })?;
        Ok(VettedDetails { scope: case.scope.clone(), ..VettedDetails::default() })
    }

    fn narrow(
        &self,
        granted: &VettedDetails,
        asked: &AuthorizationDetails,
    ) -> Result<VettedDetails, Refusal> {
        let mut narrowed = Vec::with_capacity(asked.elements().len());
        for (index, element) in asked.elements().iter().enumerate() {
            let place = Place::element(index);
            let beyond =
                || place.refuse(rfc9396::WITHIN, DetailsFault::Widened, "not within what was granted");
            let members = element.as_object().ok_or_else(beyond)?;
            let kind = self.kind_of(members).ok_or_else(beyond)?;
            let canonical = canonical(&**kind).ok_or_else(beyond)?;
            let given =
                granted.elements.get(index).filter(|detail| detail.kind == canonical).ok_or_else(beyond)?;
            let value = kind.narrow(&given.value, element, &place)?;
            narrowed.push(VettedDetail { kind: canonical, value, confidential: None });
        }
        Ok(VettedDetails { elements: narrowed, ..granted.clone() })
    }

    fn told(&self, granted: &VettedDetails, standing: Standing) -> VettedDetails {
        let told = |detail: &VettedDetail| {
            let kind = self.0.iter().find(|kind| kind.types().first() == Some(&detail.kind.as_str()));
            let value = kind.map_or_else(|| detail.value.clone(), |kind| kind.told(&detail.value, standing));
            VettedDetail { value, ..detail.clone() }
        };
        VettedDetails { elements: granted.elements.iter().map(told).collect(), ..granted.clone() }
    }
}

fn canonical(kind: &dyn DetailKind) -> Option<DetailType> {
    kind.types().first().and_then(|name| DetailType::new(name).ok())
}

fn fresh_id(case: &DetailsCase<'_>) -> Result<ConsentId, Refusal> {
    ConsentId::new(&uuid::made_at(case.now, case.fresh)).map_err(|_| {
        Place::element(0).refuse(rfc9396::VALUES_TYPED, DetailsFault::Consent, "no identifier could be made")
    })
}

/// The values of a scope that need a consent and have none.
fn unsupported(scope: &Scope, supported: impl Fn(&str) -> bool) -> Scope {
    let bound = scope.iter().filter(|value| is_consent_bound(value) && !supported(value));
    Scope::new(&bound.collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn is_consent_bound(value: &str) -> bool {
    CONSENT_BOUND.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => value.starts_with(beginning),
        None => value == *pattern,
    })
}
