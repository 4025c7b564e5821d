//! Exactly one credential, or a refusal (RFC 6749 section 2.3).

use super::Presented;
use crate::jose::danger::UnverifiedClaims as _;
use crate::jose::{self, Jws};
use crate::limits;
use crate::model::certificate::PeerCertificate;
use crate::model::client::{Client, Credential};
use crate::policy::{ClientAuth, Policy};
use crate::refusal::reason::{ClientReason, RequestReason};
use crate::refusal::{Refusal, RuleId};
use crate::rules::rfc7523;
use crate::vocabulary::id::ClientId;
use crate::wire::form::Form;

/// RFC 7523 section 2.2.
const TYPE_URN: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// RFC 6749 section 2.3: one method per request.
const ONE_METHOD: RuleId = RuleId("RFC6749-2.3-one");
/// RFC 6749 section 2.3: a confidential client authenticates.
const PRESENT: RuleId = RuleId("RFC6749-2.3-present");
/// RFC 7523 section 2.2: the assertion type is the JWT bearer URN.
const ASSERTION_TYPE: RuleId = RuleId("RFC7523-2.2");

/// A credential as shown, with the client it claims to be.
pub(crate) enum Shown {
    Assertion(Box<Assertion>),
    Certificate { client_id: ClientId, certificate: PeerCertificate },
}

/// A client assertion, parsed; only used to look up the client until its signature holds.
pub(crate) struct Assertion {
    pub(crate) jws: Jws,
    pub(crate) client_id: ClientId,
    /// The `client_id` parameter, when one was sent.
    pub(crate) sent_client_id: Option<String>,
}

impl Shown {
    pub(crate) const fn client_id(&self) -> &ClientId {
        match self {
            Self::Assertion(assertion) => &assertion.client_id,
            Self::Certificate { client_id, .. } => client_id,
        }
    }

    /// Costs what a registered client with another key costs: who is registered cannot be told from the time of a
    /// refusal.
    pub(crate) fn verify_in_vain(&self, policy: &Policy) {
        match self {
            Self::Assertion(assertion) if rfc7523::is_worth_verifying(&assertion.jws, policy) => {
                jose::verify_in_vain(&assertion.jws);
            }
            Self::Assertion(_) | Self::Certificate { .. } => {}
        }
    }

    /// The registered method this credential belongs to. A certificate alone does not say which of the two
    /// certificate methods it is; the registration does.
    pub(crate) const fn method_of(&self, client: &Client) -> ClientAuth {
        match (self, &client.credential) {
            (Self::Assertion(_), _) => ClientAuth::PrivateKeyJwt,
            (Self::Certificate { .. }, Credential::TlsClientAuth(_)) => ClientAuth::TlsClientAuth,
            (Self::Certificate { .. }, Credential::SelfSignedTlsClientAuth | Credential::PrivateKeyJwt) => {
                ClientAuth::SelfSignedTlsClientAuth
            }
        }
    }
}

/// Reads the credential of a request.
///
/// # Errors
/// When there is none, more than one, or one that cannot be read.
pub(crate) fn read(form: &Form, presented: &Presented) -> Result<Shown, Refusal> {
    let assertion = form.get("client_assertion");
    let assertion_type = form.get("client_assertion_type");
    let basic = presented.authorization.iter().any(|value| !value.is_empty());
    let several = usize::from(assertion.is_some() || assertion_type.is_some())
        + usize::from(basic)
        + usize::from(form.get("client_secret").is_some());
    if several > 1 {
        return Err(Refusal { rule: ONE_METHOD, reason: RequestReason::SeveralCredentials.into() });
    }
    if basic || form.get("client_secret").is_some() {
        return Err(refuse(PRESENT, ClientReason::MethodNotRegistered));
    }
    match (assertion, assertion_type) {
        (Some(text), Some(TYPE_URN)) => {
            read_assertion(text, form).map(|read| Shown::Assertion(Box::new(read)))
        }
        (Some(_), _) | (None, Some(_)) => Err(refuse(ASSERTION_TYPE, ClientReason::AssertionTypeUnknown)),
        (None, None) => read_certificate(form, presented),
    }
}

fn read_assertion(text: &str, form: &Form) -> Result<Assertion, Refusal> {
    /// The only claim that is looked at before the signature, and only to find the client.
    #[derive(serde::Deserialize)]
    struct Hint {
        sub: String,
    }
    let malformed = || refuse(PRESENT, ClientReason::AssertionMalformed);
    let jws = Jws::parse(text, limits::JWT_BYTES).map_err(|_| malformed())?;
    let hint: Hint = jws.danger_unverified_claims().map_err(|_| malformed())?;
    let client_id = ClientId::new(&hint.sub).map_err(|_| malformed())?;
    Ok(Assertion { jws, client_id, sent_client_id: form.owned("client_id") })
}

fn read_certificate(form: &Form, presented: &Presented) -> Result<Shown, Refusal> {
    let certificate = presented.certificate.clone();
    let client_id = form.get("client_id").and_then(|text| ClientId::new(text).ok());
    match (client_id, certificate) {
        (Some(client_id), Some(certificate)) => Ok(Shown::Certificate { client_id, certificate }),
        (Some(_), None) | (None, Some(_) | None) => Err(refuse(PRESENT, ClientReason::CredentialMissing)),
    }
}

fn refuse(rule: RuleId, reason: ClientReason) -> Refusal {
    Refusal { rule, reason: reason.into() }
}
