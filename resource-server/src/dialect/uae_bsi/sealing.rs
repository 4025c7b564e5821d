//! UAE Bank Service Initiation, sections 2.3 and 8.1: encryption around signed bodies, both ways. What is encrypted is signed
//! first, and what must be encrypted never travels in the clear.

use std::borrow::Cow;

use oauth_core::jose::{Encryption, Jwe, JweFault, KeyManagement, PublicJwk, encrypt_jwt};
use oauth_core::{
    Client, ClientKeys, Decrypter, Fault, KeyHint, KeysFault, Opened, RuleId, Timestamp, limits,
};

use super::error::{Reason, Refused};
use super::routes::Stop;

/// The signed body: as it was sent, or from within its encryption.
///
/// # Errors
/// A refusal that does not tell which layer of the encryption failed, or a fault of the device that holds the key.
pub(super) async fn open<'a>(
    decrypter: &dyn Decrypter,
    client: &Client,
    body: &'a [u8],
) -> Result<Cow<'a, [u8]>, Stop> {
    let registered = client.messages.resource_body;
    if body.iter().filter(|byte| **byte == b'.').count() != JWE_DOTS {
        return match registered {
            Some(_) => Err(refuse(ENCRYPTED, Reason::JweHeader)),
            None => Ok(Cow::Borrowed(body)),
        };
    }
    let undecryptable = || refuse(DECRYPTED, Reason::Undecryptable);
    let text = std::str::from_utf8(body).map_err(|_| undecryptable())?;
    let jwe = Jwe::parse_among(text, limits::SIGNED_BODY_BYTES, TAKEN).map_err(of_guard)?;
    let as_registered = registered.is_none_or(|registered| registered == jwe.encryption());
    if !as_registered || jwe.holds_other() {
        return Err(refuse(HEADER, Reason::JweHeader));
    }
    match decrypter.decrypt(&jwe).await? {
        Opened::Content(content) => Ok(Cow::Owned(content.to_vec())),
        Opened::Refused => Err(undecryptable()),
    }
}

/// Encrypts a signed answer, where the client registered for it.
///
/// # Errors
/// [`Reason::Unsealable`] when the client has no key to encrypt to, or a fault.
pub(super) async fn seal(
    client_keys: &dyn ClientKeys,
    client: &Client,
    signed: String,
    now: Timestamp,
) -> Result<String, Stop> {
    let Some(encryption) = client.messages.resource_answer else { return Ok(signed) };
    let key = key(client_keys, client, encryption, now).await?;
    Ok(encrypt_jwt(&signed, &key, encryption).map_err(|fault| Fault::new("jose", fault))?)
}

/// The key that answers are encrypted to.
///
/// # Errors
/// As of [`seal`].
pub(super) async fn key(
    client_keys: &dyn ClientKeys,
    client: &Client,
    encryption: Encryption,
    now: Timestamp,
) -> Result<PublicJwk, Stop> {
    let keys = match client_keys.of(client, KeyHint::Encryption(encryption.alg), now).await {
        Ok(keys) => keys,
        Err(KeysFault::Busy) => return Err(Fault::new("client keys", KeysFault::Busy).into()),
        Err(KeysFault::Unavailable(why)) => {
            tracing::warn!(client = client.id.as_str(), why, "a client's key set cannot be had");
            return Err(refuse(KEY, Reason::Unsealable));
        }
    };
    keys.encryption_key(encryption.alg).cloned().ok_or_else(|| refuse(KEY, Reason::Unsealable))
}

/// Section 2.3: how the key is managed; the last as in the samples of the drafts.
const TAKEN: &[KeyManagement] = &[KeyManagement::RsaOaep256, KeyManagement::EcdhEs, KeyManagement::RsaOaep];
/// Dots of an encrypted object in compact form (RFC 7516 section 7.1).
const JWE_DOTS: usize = 4;

/// Section 8.1, step 5: a client that registered for it encrypts.
const ENCRYPTED: RuleId = RuleId("UAEBSI-8.1-5-encrypted");
/// Section 8.1, step 5: header of the encryption.
const HEADER: RuleId = RuleId("UAEBSI-8.1-5-header");
/// Section 8.1, step 5: encrypted to a key of ours, and whole.
const DECRYPTED: RuleId = RuleId("UAEBSI-8.1-5-jwe");
/// Section 8.1: a key to encrypt the answer to.
const KEY: RuleId = RuleId("UAEBSI-8.1-seal");

/// What the guard refuses without a key: by its header, or as no encrypted object at all.
fn of_guard(fault: JweFault) -> Stop {
    match fault {
        JweFault::Header
        | JweFault::Algorithm
        | JweFault::Critical
        | JweFault::Compressed
        | JweFault::EphemeralKey => refuse(HEADER, Reason::JweHeader),
        JweFault::TooLong
        | JweFault::Parts
        | JweFault::Encoding
        | JweFault::Length
        | JweFault::KeyMismatch
        | JweFault::Operation
        | JweFault::NotBuilt
        | _ => refuse(DECRYPTED, Reason::Undecryptable),
    }
}

const fn refuse(rule: RuleId, reason: Reason) -> Stop {
    Stop::Refused(Refused::new(rule, reason))
}
