//! What is sent to one client as a JWT: signed always, and encrypted around the signature where the client registered
//! so (RFC 7519 section 11.2). There is no way from a registered encryption to clear text.

use serde::Serialize;

use super::token::mint;
use crate::identify::keys;
use crate::jose::{Alg, Encryption, encrypt_jwt};
use crate::model::client::Client;
use crate::port::client_keys::KeyHint;
use crate::refusal::reason::RequestReason;
use crate::refusal::{Error, Fault, Refusal, RuleId};
use crate::server::Context;

/// OpenID Connect Core section 10.2: a key of the client to encrypt to.
const KEY_PUBLISHED: RuleId = RuleId("OIDCC-10.2");

/// How a message is sealed.
pub(crate) struct Seal {
    /// What the client registered; the issuer's own algorithm otherwise.
    pub(crate) alg: Option<Alg>,
    /// What it is, in its header.
    pub(crate) typ: Option<&'static str>,
    /// What the client registered.
    pub(crate) encryption: Option<Encryption>,
}

/// Signs claims for a client and encrypts them where it registered so.
///
/// # Errors
/// A refusal when the client has no key to encrypt to, or a fault of the signer.
pub(crate) async fn seal(
    context: &Context<'_>,
    client: &Client,
    seal: &Seal,
    claims: &(impl Serialize + Sync),
) -> Result<String, Error> {
    let alg = seal.alg.unwrap_or_else(|| context.signing_alg(client));
    let Some(encryption) = seal.encryption else {
        return mint::sign(context, alg, seal.typ, claims).await;
    };
    let keys = keys::of(context, client, KeyHint::Encryption).await?;
    let key = keys
        .encryption_key(encryption.alg)
        .ok_or(Refusal { rule: KEY_PUBLISHED, reason: RequestReason::EncryptionKeyMissing.into() })?;
    let signed = mint::sign(context, alg, seal.typ, claims).await?;
    Ok(encrypt_jwt(&signed, key, encryption).map_err(|fault| Fault::new("jose", fault))?)
}
