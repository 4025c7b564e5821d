//! One good request of each kind, and verbs to judge changed ones.

use std::sync::Arc;

use oauth_core::testkit::{self, CountedEntropy};
use oauth_core::{
    Approval, Authentication, AuthorizationDetails, Client, ConsentFacts, DetailType, DetailTypes as _,
    DetailsCase, DetailsReason, Entropy as _, Grant, Reason, RedirectUri, Refusal, Scope, Seconds, Subject,
    Timestamp, VettedDetails, VettedRequest,
};
use rar_consent::{
    Actor, Consent, ConsentEngine, ConsentStatus, ConsentStore as _, DetailRegistry, HistoryEntry, Lodged,
    MemoryConsents, Terms, Use,
};
use serde_json::{Value, json};

/// 21 November 2026, 12:00 in Dubai.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_248_000);
pub(crate) const UAE: &str = "urn:openfinanceuae:service-initiation-consent";
pub(crate) const ID: &str = "aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01";

/// The consent of the contract's first example.
pub(crate) fn data() -> Value {
    json!({
        "ConsentId": ID,
        "AcceptedAuthorizationType": "UAEOF.Single", "AuthorizationExpirationTimeWindow": "01:00:00",
        "ExpirationDateTime": "2026-11-21T23:59:59+04:00",
        "ControlParameters": {"IsPayByAccount": false, "ConsentSchedule": {"SinglePayment": {
            "Type": "UAEOF.SingleInstantPayment", "Amount": {"Amount": "149.90", "Currency": "AED"}}}},
        "Initiation": {
            "DebtorAccount": {"IdentificationType": "UAEOF.IBAN", "Identification": "AE760330000010195511162",
                "Name": {"en": "Mariam Al Suwaidi"}},
            "CreditorAccount": {"IdentificationType": "UAEOF.IBAN", "Identification": "AE050260001015432198765",
                "Name": {"en": "Date Palm Books LLC", "ar": "\u{645}\u{643}\u{62a}\u{628}\u{629} \u{627}\u{644}\u{646}\u{62e}\u{64a}\u{644}"},
                "TradingName": {"en": "Palm Books"}}},
        "PayerReference": "order 88121", "BeneficiaryReference": "88121", "PaymentPurposeCode": "GDDS"
    })
}

/// Dialect A.
pub(crate) fn element() -> Value {
    json!({"Type": "PaymentConsent", "Data": data()})
}

/// The element with one member, named by its pointer below the container, set.
pub(crate) fn with(pointer: &str, value: Value) -> Value {
    let mut element = element();
    let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let parent = if parent.is_empty() { "/Data".to_owned() } else { format!("/Data/{parent}") };
    element.pointer_mut(&parent).unwrap()[name] = value;
    element
}

/// The element without one member.
pub(crate) fn without(pointer: &str) -> Value {
    let mut element = element();
    let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let parent = if parent.is_empty() { "/Data".to_owned() } else { format!("/Data/{parent}") };
    element.pointer_mut(&parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    element
}

pub(crate) fn client() -> Client {
    let types = [UAE, "urn:ofxpera:consent:v1", "payment_initiation", "account_information"];
    Client {
        redirect_uris: vec![RedirectUri::new("https://tpp.example/cb").unwrap()],
        detail_types: types.iter().map(|name| DetailType::new(name).unwrap()).collect(),
        ..testkit::client("tpp")
    }
}

pub(crate) fn scope(text: &str) -> Scope {
    Scope::new(text).unwrap()
}

pub(crate) fn details(elements: Value) -> AuthorizationDetails {
    AuthorizationDetails::from_value(elements).unwrap()
}

pub(crate) struct Push {
    pub(crate) asked: AuthorizationDetails,
    pub(crate) scope: Scope,
    pub(crate) client: Client,
    pub(crate) facts: ConsentFacts,
    pub(crate) now: Timestamp,
    pub(crate) registry: DetailRegistry,
}

impl Push {
    pub(crate) fn of(element: Value) -> Self {
        Self {
            asked: details(json!([element])),
            scope: scope("openid payments"),
            client: client(),
            facts: ConsentFacts::default(),
            now: NOW,
            registry: DetailRegistry::standard(),
        }
    }

    pub(crate) fn scope(mut self, text: &str) -> Self {
        self.scope = scope(text);
        self
    }

    pub(crate) fn vet(&self) -> Result<VettedDetails, Refusal> {
        self.registry.vet(&DetailsCase {
            asked: &self.asked,
            scope: &self.scope,
            client: &self.client,
            facts: &self.facts,
            now: self.now,
            fresh: &CountedEntropy::default().draw().unwrap(),
        })
    }

    /// The consent that is kept for what was pushed.
    pub(crate) fn lodged(&self) -> Consent {
        let store = Arc::new(MemoryConsents::new());
        let clock = Arc::new(testkit::FixedClock::at(self.now));
        let engine = ConsentEngine::new(self.registry.clone(), store.clone(), clock);
        let details = self.taken();
        let id = details.consent.clone().unwrap();
        now_or_never(async move {
            engine.lodge(&request(details), self.now).await.unwrap();
            store.consent(&id).await.unwrap().unwrap()
        })
    }

    #[track_caller]
    pub(crate) fn taken(&self) -> VettedDetails {
        self.vet().unwrap()
    }

    #[track_caller]
    pub(crate) fn refused(&self) -> (&'static str, DetailsReason) {
        let refusal = self.vet().expect_err("refused");
        let Reason::Details(reason) = refusal.reason else { panic!("{:?}", refusal.reason) };
        (refusal.rule.0, reason)
    }

    /// The rule and the path of the refusal.
    #[track_caller]
    pub(crate) fn because(&self, rule: &str, path: &str) {
        let (found, reason) = self.refused();
        assert_eq!((found, reason.path.as_str()), (rule, path), "{reason:?}");
    }
}

/// The consent of the first example without a named debtor, waiting.
pub(crate) fn uae_consent() -> (Consent, HistoryEntry) {
    let lodged = Lodged {
        id: oauth_core::ConsentId::new(ID).unwrap(),
        issuer: testkit::issuer(),
        client: client().id,
        element: element(),
    };
    Consent::awaiting(lodged, uae_terms(), NOW)
}

/// The consent that is kept for this element.
pub(crate) fn lodged(element: Value) -> Consent {
    Push::of(element).lodged()
}

/// What is in memory waits for nobody.
fn now_or_never<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match work.as_mut().poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => panic!("memory does not wait"),
    }
}

/// A vetted request for these details.
pub(crate) fn request(details: VettedDetails) -> VettedRequest {
    VettedRequest {
        client: client().id,
        scope: details.scope.clone(),
        details,
        ..testkit::vetted_request(NOW)
    }
}

/// The grant that an approval of the request opens.
pub(crate) fn grant(request: &VettedRequest) -> Grant {
    let (scope, details) = (request.scope.clone(), request.details.clone());
    Grant { client: request.client.clone(), subject: customer(), scope, details, ..testkit::grant("g", NOW) }
}

fn uae_terms() -> Terms {
    serde_json::from_value(json!({"uae_payment_1": {
        "base_consent": null, "authorization": "Single", "window": "01:00:00", "authorise_within": 3600,
        "expires_at": 1_795_291_199_000_i64, "pay_by_account": false,
        "schedule": {"SingleInstant": {"amount": {"minor": 14990, "currency": "AED"}}}, "debtor": null,
        "creditor": {"iban": "AE050260001015432198765", "name": {"en": "Date Palm Books LLC", "ar": null}, "trading_name": null},
        "payer_reference": "order 88121", "beneficiary_reference": "88121", "purpose_code": "GDDS", "sponsor": null,
        "risk": null
    }}))
    .unwrap()
}

pub(crate) fn customer() -> Subject {
    Subject::new("mariam").unwrap()
}

pub(crate) fn authorised(waiting: &Consent) -> (Consent, HistoryEntry) {
    let actor = Actor::Customer(customer());
    let (moved, entry) =
        waiting.moved(ConsentStatus::Authorized, &actor, "approved", NOW.plus(Seconds::new(30))).unwrap();
    (Consent { subject: Some(customer()), ..moved }, entry)
}

pub(crate) fn use_of(amount_minor: i64, at: Timestamp) -> Use {
    Use::new(amount_minor, "AED", at)
}

pub(crate) fn approval(accounts: &[&str]) -> Approval {
    Approval {
        subject: customer(),
        authentication: Authentication { at: NOW, acr: "urn:sca".to_owned(), amr: vec!["pwd".to_owned()] },
        scope: scope("openid"),
        accounts: accounts.iter().map(|&account| account.to_owned()).collect(),
        shown: None,
    }
}
