//! Signed and encrypted JSON (RFC 7515 to 7519, 7638, 8037, 9864): one verifier, one signer and one guard in front of
//! decryption for the whole server.
//!
//! The order of the checks is the order of their cost: size, shape, algorithm, key, signature, claims. Claims can be
//! read only from [`Verified`], which only a successful verification makes; the one way around it is [`danger`].

mod alg;
mod claims;
pub mod danger;
mod decoy;
mod encryption;
mod jwe;
mod jwk;
mod jwk_set;
mod jws;
mod p256;
mod sign;
#[cfg(test)]
mod test_keys;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use alg::Alg;
pub use claims::{Audience, NumericDate, present};
pub(crate) use decoy::verify_in_vain;
pub use encryption::{ContentEncryption, Encryption, KeyManagement};
#[cfg(feature = "jwe")]
pub use jwe::DecryptionKey;
pub use jwe::{Jwe, JweFault, encrypt_jwt};
pub use jwk::{JwkFault, KeyType, KeyUse, PublicJwk};
pub use jwk_set::JwkSet;
pub use jws::{JoseFault, Jws, Verified};
pub use sign::{EncodedHeader, Header, KeyFault, SignFault, SigningInput, SigningKey, compact};

/// RFC 7515 section 2: base64url without padding; one text for one value, so spare bits must be zero.
fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn encode_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
