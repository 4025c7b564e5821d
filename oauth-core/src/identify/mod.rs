//! Who is calling, with what proof. Assertion and proof are verified first and claimed together afterwards, so that
//! a failed signature records nothing and a recorded one is never good again.

pub(crate) mod assertion;
pub(crate) mod certificate;
pub(crate) mod credential;
pub(crate) mod keys;
pub(crate) mod nonce;
pub(crate) mod proof;

use std::sync::Arc;

use crate::model::binding::{Binding, Thumbprint};
use crate::model::certificate::PeerCertificate;
use crate::model::client::{Client, ClientStatus};
use crate::policy::{Constraint, Policy};
use crate::port::claims::{Claimed, Once};
use crate::refusal::reason::{ClientReason, ProofReason, Reason};
use crate::refusal::{Error, Fault, Refusal, RuleId};
use crate::rules::{fapi2_security, rfc8705, rfc9449};
use crate::server::Context;
use crate::vocabulary::id::ClientId;
use crate::wire::form::Form;
use credential::Shown;

/// How a request arrived, besides its parameters.
#[derive(Clone, Default)]
pub struct Presented {
    /// The HTTP method.
    pub method: String,
    /// The URI that was really called, from configuration and never from `Host`: what `htu` is compared with.
    pub uri: String,
    /// Every `DPoP` header.
    pub dpop: Vec<String>,
    /// Every `Authorization` header.
    pub authorization: Vec<String>,
    /// The client certificate of the connection.
    pub certificate: Option<PeerCertificate>,
}

// What was sent holds credentials or what customers own; none of it is for a log.
impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

/// An authenticated client and what it has proven to hold.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) client: Arc<Client>,
    pub(crate) policy: &'static Policy,
    /// Thumbprint of the DPoP key.
    pub(crate) proof: Option<Thumbprint>,
    /// Thumbprint of the client certificate.
    pub(crate) certificate: Option<Thumbprint>,
}

/// RFC 6749 section 3.2.1: the client authenticates as registered.
const AUTHENTICATED: RuleId = RuleId("RFC6749-3.2.1");
/// RFC 7523 section 3-7: an assertion is used once.
const ASSERTION_ONCE: RuleId = RuleId("RFC7523-3-7-once");

impl Caller {
    /// What tokens for this caller are bound to: what it registered, and has shown in this request.
    ///
    /// # Errors
    /// When it has not shown it.
    pub(crate) fn binding(&self) -> Result<Binding, Refusal> {
        match (self.client.constraint, self.proof, self.certificate) {
            (Constraint::Dpop, Some(key), _) => Ok(Binding::Dpop(key)),
            (Constraint::Mtls, None, Some(certificate)) => Ok(Binding::Mtls(certificate)),
            (Constraint::Mtls, Some(_), _) => Err(Refusal {
                rule: fapi2_security::SENDER_CONSTRAINED,
                reason: ProofReason::ConstraintMismatch.into(),
            }),
            (Constraint::Dpop, None, _) => {
                Err(Refusal { rule: rfc9449::ONE_HEADER, reason: ProofReason::Missing.into() })
            }
            (Constraint::Mtls, None, None) => {
                Err(Refusal { rule: rfc8705::CERTIFICATE_SHOWN, reason: rfc8705::CERTIFICATE_ABSENT.into() })
            }
        }
    }
}

/// Identifies the caller of an endpoint that authenticates clients.
///
/// # Errors
/// A refusal, or a fault of the directory or the claims.
pub(crate) async fn identify(
    context: &Context<'_>,
    form: &Form,
    presented: &Presented,
) -> Result<Caller, Error> {
    let shown = credential::read(form, presented)?;
    let remembers_since = context.ports.claims.remembers_since(context.now).await?;
    let Some(client) = context.active_client(shown.client_id()).await? else {
        shown.verify_in_vain(context.policy);
        return Err(refuse(AUTHENTICATED, ClientReason::Unknown).into());
    };
    context.note_client(&client.id);
    let policy = policy_of(context, &client)?;
    if shown.method_of(&client) != client.credential.method()
        || !policy.client_auth.contains(&client.credential.method())
    {
        shown.verify_in_vain(policy);
        return Err(refuse(AUTHENTICATED, ClientReason::MethodNotRegistered).into());
    }
    let mut once: Vec<(Once, RuleId, Reason)> = Vec::with_capacity(2);
    match shown {
        Shown::Assertion(assertion) => {
            let claim = assertion::verify(context, &assertion, &client, policy, remembers_since).await?;
            bindable(context, &client, presented)?;
            once.push((claim, ASSERTION_ONCE, ClientReason::AssertionReplayed.into()));
        }
        Shown::Certificate { certificate, .. } => {
            certificate::verify(context, &certificate, &client, policy).await?;
        }
    }
    let mut proof_key = None;
    if let Some(jwt) = proof::header(&presented.dpop)? {
        let target = proof::Target { method: &presented.method, uri: &presented.uri, token: None };
        let proven = proof::verify(context, jwt, &target, policy, remembers_since)?;
        proof_key = Some(proven.key);
        once.push((proven.once, proof::ONCE, ProofReason::Replayed.into()));
    }
    claim(context, once).await?;
    Ok(Caller {
        client,
        policy,
        proof: proof_key,
        certificate: presented.certificate.as_ref().map(PeerCertificate::thumbprint),
    })
}

impl Context<'_> {
    /// A client that is registered and active.
    pub(crate) async fn active_client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, Fault> {
        let client = self.ports.clients.client(id).await?;
        Ok(client.filter(|client| client.status == ClientStatus::Active))
    }
}

/// The policy that holds for a client: the issuer's, or one of those this issuer serves for single clients.
fn policy_of(context: &Context<'_>, client: &Client) -> Result<&'static Policy, Fault> {
    let policy = client.policy_or(context.policy);
    if policy == context.policy || context.settings.client_policies.contains(&policy) {
        Ok(policy)
    } else {
        let message =
            format!("{} is not among client_policies, and a client is registered for it", policy.name);
        Err(Fault::new("settings", message))
    }
}

/// A certificate that is no credential is looked at where tokens are to be bound to it.
fn bindable(context: &Context<'_>, client: &Client, presented: &Presented) -> Result<(), Refusal> {
    match &presented.certificate {
        Some(shown)
            if client.constraint == Constraint::Mtls && !certificate::is_current(shown, context.now) =>
        {
            Err(Refusal {
                rule: rfc8705::CERTIFICATE_CURRENT,
                reason: ProofReason::CertificateNotCurrent.into(),
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// Claims assertion and proof, both verified by now, one after the other: the answer names the one that was seen before.
async fn claim(context: &Context<'_>, once: Vec<(Once, RuleId, Reason)>) -> Result<(), Error> {
    for (key, rule, reason) in once {
        match context.ports.claims.claim(&[key], context.now).await? {
            Claimed::First => {}
            Claimed::SeenBefore => return Err(Refusal { rule, reason }.into()),
        }
    }
    Ok(())
}

fn refuse(rule: RuleId, reason: ClientReason) -> Refusal {
    Refusal { rule, reason: reason.into() }
}
