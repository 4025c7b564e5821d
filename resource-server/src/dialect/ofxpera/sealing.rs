//! Section 7.2: answers with a customer's data are encrypted to clients that registered for it (`resource_encrypted_response_alg`),
//! signed first. What must be encrypted never travels in the clear.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use oauth_core::jose::{Alg, Encryption, Header, PublicJwk, encrypt_jwt};
use oauth_core::{Client, ClientKeys, Fault, KeyHint, Signer, Timestamp};
use serde_json::Value;

use super::Ofxpera;
use super::error::{Code, Problem};
use crate::dialect::{Answer, Call};
use crate::guard::Needs;

/// The media type of what is encrypted (RFC 7515 section 9.2.1).
pub(super) const JOSE: &str = "application/jose";

/// What encryption needs.
#[derive(Clone)]
pub(super) struct Sealing {
    pub(super) client_keys: Arc<dyn ClientKeys>,
    pub(super) signer: Arc<dyn Signer>,
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealing(…)")
    }
}

/// What one answer is encrypted to.
pub(super) struct Key {
    sealing: Sealing,
    key: PublicJwk,
    encryption: Encryption,
}

/// What the answer to a call is to be encrypted to; `None` where the client gets it in the clear.
///
/// # Errors
/// When the client registered for encryption and it cannot be had. Asked before anything is done.
pub(super) async fn key(dialect: &Ofxpera, call: &Call, needs: &Needs) -> Result<Option<Key>, Problem> {
    let client: &Client = &call.authority.client;
    let Some(encryption) = client.messages.resource_answer.filter(|_| needs.permission.is_some()) else {
        return Ok(None);
    };
    let unsealable = || Problem::new(Code::InternalError);
    let sealing = dialect.sealing.as_ref().ok_or_else(unsealable)?;
    let keys = sealing.client_keys.of(client, KeyHint::Encryption(encryption.alg), call.arrived.now).await;
    let keys = keys.map_err(|fault| {
        tracing::warn!(client = client.id.as_str(), %fault, "a client's key set cannot be had");
        unsealable()
    })?;
    let key = keys.encryption_key(encryption.alg).cloned().ok_or_else(unsealable)?;
    Ok(Some(Key { sealing: sealing.clone(), key, encryption }))
}

/// The answer, its body signed with our PS256 key and encrypted, where there is a key for it. A problem holds nothing of a
/// customer and stays as it is.
///
/// # Errors
/// The problem, or that signing or encrypting failed.
pub(super) async fn seal(
    call: &Call,
    (key, answered): (Option<Key>, Result<Answer, Problem>),
) -> Result<Answer, Problem> {
    let answer = answered?;
    let Some(Key { sealing, key, encryption }) = key else { return Ok(answer) };
    let (mut head, body) = answer.into_parts();
    let document: Value =
        serde_json::from_slice(&body).map_err(|fault| Problem::from(Fault::new("json", fault)))?;
    let signed = sign(&*sealing.signer, &document, call.arrived.now).await?;
    let sealed =
        encrypt_jwt(&signed, &key, encryption).map_err(|fault| Problem::from(Fault::new("jose", fault)))?;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(JOSE));
    Ok(Answer::from_parts(head, Bytes::from(sealed)))
}

async fn sign(signer: &dyn Signer, document: &Value, now: Timestamp) -> Result<String, Fault> {
    signer.settle(now).await?;
    let kid = signer.active(Alg::Ps256).ok_or_else(|| Fault::new("signer", "no signing key for PS256"))?;
    let header = Header { alg: Alg::Ps256, kid: kid.clone(), typ: None };
    let input = header.encode().signing_input(document).map_err(|fault| Fault::new("signer", fault))?;
    let signature = signer.sign(&kid, input.as_bytes()).await?;
    Ok(input.complete(&signature))
}
