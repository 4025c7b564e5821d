//! What a third party says of people within version 1.2 of UAE bank service initiation: signed by it, then encrypted to the
//! bank (section 16). It is opened here and nowhere else, and there is no way to say it in the clear.

use std::sync::Arc;

use async_trait::async_trait;
use oauth_core::jose::{Alg, JoseFault, Jwe, JweFault, Jws, KeyManagement, NumericDate};
use oauth_core::{
    Approval, AuthorizationDetails, Client, ClientKeys, Clock, ConsentChange, ConsentFacts, ConsentId,
    Consents, Decrypter, Error, Fault, Grant, KeyHint, KeysFault, Opened, Policy, Reason, Refusal, Seconds,
    Standing, Subject, Timestamp, VettedRequest, json, limits,
};
use serde_json::Value;

use crate::consent::terms::UaeAccount;
use crate::detail::Place;
use crate::detail::uae::spelling;
use crate::detail::uae::v1_2::personal::{self, OpenedFact};
use crate::engine::ConsentEngine;

/// Opens what third parties sign and then encrypt to the keys of one issuer.
#[derive(Clone)]
pub struct PersonalOpener {
    decrypter: Arc<dyn Decrypter>,
    client_keys: Arc<dyn ClientKeys>,
    policy: &'static Policy,
}

/// Why it cannot be opened. Nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unopened {
    /// It is not encrypted with RSA-OAEP-256 or RSA-OAEP and A256GCM, or its header asks for what is refused.
    Encryption,
    /// It is not encrypted to a key of ours, or was damaged.
    Undecryptable,
    /// What was encrypted is not signed.
    Malformed,
    /// The signature's header is not acceptable.
    Header,
    /// The signature is not one by a key of the client.
    Signature,
    /// It says that it is another's, or its time is not now.
    Claim,
}

/// Section 2.3: how its key is managed; the last as in the samples of the drafts. The content is always in A256GCM.
const TAKEN: &[KeyManagement] = &[KeyManagement::RsaOaep256, KeyManagement::RsaOaep];
/// Section 2.2: how far clocks may differ.
const SKEW: Seconds = Seconds::new(10);

impl PersonalOpener {
    /// With the keys of an issuer, for clients under its policy.
    #[must_use]
    pub fn new(
        decrypter: Arc<dyn Decrypter>,
        client_keys: Arc<dyn ClientKeys>,
        policy: &'static Policy,
    ) -> Self {
        Self { decrypter, client_keys, policy }
    }

    /// What a client says in there. Claims of a JWT around it are judged and left out.
    ///
    /// # Errors
    /// When the device that holds the key fails, or too many key sets are being fetched.
    pub async fn open(
        &self,
        sealed: &str,
        client: &Client,
        now: Timestamp,
    ) -> Result<Result<Value, Unopened>, Fault> {
        let jwe = match Jwe::parse_among(sealed, limits::SIGNED_BODY_BYTES, TAKEN) {
            Ok(jwe) if !jwe.holds_other() => jwe,
            Ok(_) => return Ok(Err(Unopened::Encryption)),
            Err(fault) => return Ok(Err(of_guard(fault))),
        };
        let content = match self.decrypter.decrypt(&jwe).await? {
            Opened::Content(content) => content,
            Opened::Refused => return Ok(Err(Unopened::Undecryptable)),
        };
        let jws = match std::str::from_utf8(&content).map(|text| Jws::parse(text, limits::SIGNED_BODY_BYTES))
        {
            Ok(Ok(jws)) => jws,
            Ok(Err(fault)) => return Ok(Err(of_signature(fault))),
            Err(_) => return Ok(Err(Unopened::Malformed)),
        };
        let alg = client.message_alg.filter(|alg| self.policy.signing_algs.contains(alg));
        if jws.alg() != alg.unwrap_or(Alg::Ps256) {
            return Ok(Err(Unopened::Header));
        }
        let hint = KeyHint::Signature { kid: jws.kid(), alg: jws.alg() };
        let keys = match self.client_keys.of(client, hint, now).await {
            Ok(keys) => keys,
            Err(KeysFault::Busy) => return Err(Fault::new("client keys", KeysFault::Busy)),
            Err(KeysFault::Unavailable(why)) => {
                tracing::warn!(client = client.id.as_str(), why, "a client's key set cannot be had");
                return Ok(Err(Unopened::Signature));
            }
        };
        Ok(match jws.verify_by(&keys) {
            Ok(verified) => said(verified.bytes(), client, now),
            Err(fault) => Err(of_signature(fault)),
        })
    }
}

impl std::fmt::Debug for PersonalOpener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonalOpener(…)")
    }
}

/// The message without the claims of a JWT around it, which a third party may add (RFC 7519 section 4.1).
fn said(payload: &[u8], client: &Client, now: Timestamp) -> Result<Value, Unopened> {
    let mut said = json::read_value(payload).map_err(|_| Unopened::Malformed)?;
    let members = said.as_object_mut().ok_or(Unopened::Malformed)?;
    let mut claim = |name: &str| members.remove(name);
    let own = |name: Value| name.as_str() == Some(client.id.as_str());
    let at = |value: Value| serde_json::from_value(value).ok().map(NumericDate::timestamp);
    let (iss, sub, exp, nbf) = (claim("iss"), claim("sub"), claim("exp"), claim("nbf"));
    for name in ["aud", "iat", "jti"] {
        drop(claim(name));
    }
    let lives = exp.is_none_or(|exp| at(exp).is_some_and(|exp| now < exp.plus(SKEW)));
    let begun = nbf.is_none_or(|nbf| at(nbf).is_some_and(|nbf| nbf <= now.plus(SKEW)));
    let of_client = iss.is_none_or(own) && sub.is_none_or(own);
    if of_client && lives && begun { Ok(said) } else { Err(Unopened::Claim) }
}

/// What the guard refuses without a key.
fn of_guard(fault: JweFault) -> Unopened {
    match fault {
        JweFault::Header
        | JweFault::Algorithm
        | JweFault::Critical
        | JweFault::Compressed
        | JweFault::EphemeralKey => Unopened::Encryption,
        JweFault::TooLong
        | JweFault::Parts
        | JweFault::Encoding
        | JweFault::Length
        | JweFault::KeyMismatch
        | JweFault::Operation
        | JweFault::NotBuilt
        | _ => Unopened::Undecryptable,
    }
}

fn of_signature(fault: JoseFault) -> Unopened {
    match fault {
        JoseFault::TooLong | JoseFault::Parts | JoseFault::Encoding => Unopened::Malformed,
        JoseFault::Header(_)
        | JoseFault::Algorithm
        | JoseFault::KeyId
        | JoseFault::Critical
        | JoseFault::Unencoded
        | JoseFault::Compressed
        | JoseFault::EmbeddedKeyMissing
        | JoseFault::EmbeddedKey(_) => Unopened::Header,
        JoseFault::Claims(_) | JoseFault::KeyMismatch | JoseFault::NoKey | JoseFault::Signature | _ => {
            Unopened::Signature
        }
    }
}

/// Whom the opened `PersonalIdentifiableInformation` of a payment pays; `None` where it leaves that to its consent.
///
/// # Errors
/// The member that does not fit, as a path from `Data` on.
pub fn ordered_creditor(opened: &Value) -> Result<Option<UaeAccount>, String> {
    let place = Place::named("Data").member(personal::MEMBER);
    let path = |refusal: Refusal| {
        let Reason::Details(reason) = refusal.reason else { return place.as_str().to_owned() };
        reason.path
    };
    personal::creditor_of_payment(opened, &place).map_err(path)
}

/// The consents of an issuer that has keys to encrypt to: what an element holds encrypted is among the facts it is judged by.
pub struct OpeningConsents {
    engine: Arc<ConsentEngine>,
    opener: PersonalOpener,
    clock: Arc<dyn Clock>,
}

impl OpeningConsents {
    /// The consents of this engine, with what is encrypted to the opener's keys opened.
    #[must_use]
    pub fn new(engine: Arc<ConsentEngine>, opener: PersonalOpener, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { engine, opener, clock })
    }
}

impl std::fmt::Debug for OpeningConsents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpeningConsents(…)")
    }
}

#[async_trait]
impl Consents for OpeningConsents {
    async fn facts(&self, asked: &AuthorizationDetails, client: &Client) -> Result<ConsentFacts, Fault> {
        let mut facts = self.engine.facts(asked, client).await?;
        if let Some(sealed) = asked.elements().first().and_then(spelling::sealed_in) {
            let opened = self.opener.open(sealed, client, self.clock.now()).await?;
            if let Err(why) = &opened {
                tracing::debug!(
                    client = client.id.as_str(),
                    ?why,
                    "what is encrypted in details is not opened"
                );
            }
            let fact = OpenedFact { sealed: sealed.to_owned(), content: opened.ok() };
            facts.0.push(serde_json::to_value(fact).map_err(|fault| Fault::new("consents", fault))?);
        }
        Ok(facts)
    }

    async fn lodging(&self, request: &VettedRequest, now: Timestamp) -> Result<Option<ConsentChange>, Error> {
        self.engine.lodging(request, now).await
    }

    async fn opened(&self, request: &VettedRequest, now: Timestamp) -> Result<(), Fault> {
        self.engine.opened(request, now).await
    }

    async fn authorisation(
        &self,
        grant: &Grant,
        approval: &Approval,
        now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error> {
        self.engine.authorisation(grant, approval, now).await
    }

    async fn rejection(
        &self,
        request: &VettedRequest,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Result<Option<ConsentChange>, Error> {
        self.engine.rejection(request, subject, now).await
    }

    async fn standing(&self, consent: &ConsentId, now: Timestamp) -> Result<Standing, Fault> {
        self.engine.standing(consent, now).await
    }
}
