//! UAE Bank Service Initiation, section 11.2: what a third party is sent when something happens.
//!
//! A signed message around the resource as it was at the event, encrypted to the third party, and a token that we sign for
//! ourselves, so that a receiver knows the sender before it opens anything. Nothing is ever sent in the clear.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use oauth_core::jose::{ContentEncryption, Encryption, KeyManagement, encrypt_jwt};
use oauth_core::{
    Client, ClientDirectory, ClientKeys, ClientStatus, Constraint, Entropy, Fault, HttpsUrl, Issuer, KeyHint,
    KeysFault, Seconds, Signer, Timestamp,
};
use rar_consent::{Consent, ConsentStore, Event, EventKind, EventResource, Terms, UaePayment, UaeVocabulary};
use serde::Serialize;
use serde_json::Value;

use super::map::{self, Base, Shown, date_time};
use super::routes::part_of;
use super::{signature, v1_2};
use crate::domain::Payment;
use crate::guard::{INTERACTION_ID, fresh_uuid};
use crate::http::Origin;
use crate::webhook::{Composed, Letter, Notices};

/// Words for the events of one issuer.
pub struct UaeNotices {
    /// The issuer.
    pub issuer: Issuer,
    /// Signs with the issuer's PS256 key.
    pub signer: Arc<dyn Signer>,
    /// Names for attempts.
    pub entropy: Arc<dyn Entropy>,
    /// Who is told.
    pub clients: Arc<dyn ClientDirectory>,
    /// With which keys.
    pub client_keys: Arc<dyn ClientKeys>,
    /// Where events are wanted now.
    pub consents: Arc<dyn ConsentStore>,
    /// Where clients find resources: those whose tokens are bound to a DPoP key, and those whose tokens are bound to a
    /// certificate.
    pub origins: (Origin, Origin),
}

impl std::fmt::Debug for UaeNotices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UaeNotices").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Section 11.2: what is encrypted to a third party, and how.
const ENCRYPTION: Encryption = Encryption { alg: KeyManagement::RsaOaep256, enc: ContentEncryption::A256Gcm };
/// Section 11.2: how long the token of an attempt lives.
const TOKEN_LIFETIME: Seconds = Seconds::new(60);

#[async_trait]
impl Notices for UaeNotices {
    /// The address is the one the consent has now: a third party that moved wants nothing at the old place.
    async fn compose(&self, event: &Event, now: Timestamp) -> Result<Composed, Fault> {
        let Some(consent) = self.consents.consent(&event.consent).await? else {
            return Ok(Composed::Never("its consent is gone"));
        };
        let (Some(url), Terms::UaePayment(terms)) = (consent.listens_at(), &consent.terms) else {
            return Ok(Composed::Never("nobody wants it any more"));
        };
        let Ok(url) = HttpsUrl::new(url) else {
            return Ok(Composed::Never("its address is not one that is called"));
        };
        let Some(client) = self.clients.client(&event.client).await? else {
            return Ok(Composed::Never("its client is not registered any more"));
        };
        if client.status != ClientStatus::Active {
            return Ok(Composed::NotNow("its client is disabled".to_owned()));
        }
        let message = self.message(event, terms, &client)?;
        let (name, issuer) = (event.id.as_str(), &self.issuer);
        let signed = signature::sign(&*self.signer, issuer, &client.id, &message, (now, name)).await?;
        let hint = KeyHint::Encryption(ENCRYPTION.alg);
        let keys = match self.client_keys.of(&client, hint, now).await {
            Ok(keys) => keys,
            Err(fault @ (KeysFault::Busy | KeysFault::Unavailable(_))) => {
                return Ok(Composed::NotNow(fault.to_string()));
            }
        };
        let Some(key) = keys.encryption_key(ENCRYPTION.alg) else {
            return Ok(Composed::Never("its client has no key to encrypt to"));
        };
        let body = encrypt_jwt(&signed, key, ENCRYPTION).map_err(|fault| Fault::new("jose", fault))?;
        let headers = self.headers(&url, now).await?;
        Ok(Composed::Letter(Letter { url, headers, body: Bytes::from(body) }))
    }
}

impl UaeNotices {
    fn message(&self, event: &Event, terms: &UaePayment, client: &Client) -> Result<Notice, Fault> {
        let origin = match client.constraint {
            Constraint::Dpop => self.origins.0.as_str(),
            Constraint::Mtls => self.origins.1.as_str(),
        };
        let base = Base::at(origin, terms.vocabulary);
        let (data, resource) = match &event.about {
            EventResource::Consent => {
                let consent = Consent::from_kept(&event.state).map_err(unreadable)?;
                let shown = map::consent_answer(&base, (&consent, terms), &[], event.at);
                (Value::Object(shown.data), base.consent(&event.consent))
            }
            EventResource::Payment(_) => {
                let payment: Payment = serde_json::from_str(&event.state).map_err(unreadable)?;
                let data = payment_data(&base, terms, &payment).map_err(unreadable)?;
                (data, base.payment(payment.id()))
            }
        };
        let meta = Meta {
            event_date_time: date_time(event.at),
            event_resource: resource,
            event_type: match event.kind {
                EventKind::Created => "Resource.Created",
                EventKind::Updated => "Resource.Updated",
            },
            consent_id: event.consent.to_string(),
        };
        Ok(Notice { data, meta })
    }

    async fn headers(&self, url: &HttpsUrl, now: Timestamp) -> Result<HeaderMap, Fault> {
        let issuer = self.issuer.as_str();
        let jti = fresh_uuid(&*self.entropy)?;
        let claims = Token {
            iss: issuer,
            sub: issuer,
            aud: url.as_str(),
            iat: now.seconds(),
            exp: now.plus(TOKEN_LIFETIME).seconds(),
            jti: &jti,
        };
        let token = signature::sign_claims(&*self.signer, &claims, now).await?;
        let value = |text: String| HeaderValue::try_from(text).map_err(|fault| Fault::new("webhook", fault));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value(format!("Bearer {token}"))?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
        headers.insert(HeaderName::from_static(INTERACTION_ID), value(fresh_uuid(&*self.entropy)?)?);
        Ok(headers)
    }
}

/// A payment as it is read, in the words of its consent.
fn payment_data(base: &Base, terms: &UaePayment, payment: &Payment) -> Result<Value, serde_json::Error> {
    match terms.vocabulary {
        UaeVocabulary::Seed => {
            let shown = map::payment_answer(base, payment, part_of(terms, payment), Shown::Current);
            serde_json::to_value(&shown.data)
        }
        UaeVocabulary::V1_2 => {
            serde_json::to_value(&v1_2::map::payment_answer(base, payment, Shown::Current).data)
        }
    }
}

fn unreadable(fault: serde_json::Error) -> Fault {
    Fault::new("events", fault)
}

/// Section 11.2: the `message` of an event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Notice {
    data: Value,
    meta: Meta,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    event_date_time: String,
    event_resource: String,
    event_type: &'static str,
    consent_id: String,
}

/// Section 11.2: who is calling, signed for this address and this attempt.
#[derive(Serialize)]
struct Token<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
}
