//! The keys of the client and its random values.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_core::jose::{Alg, Header, SignFault, SigningKey, compact};
use oauth_core::{Entropy, KeyId};
use ring::rand::SystemRandom;
use serde::Serialize;
use uuid::Uuid;

use super::config::{Client, ConfigFault};
use super::error::Stop;

/// The registered key of the client: signs assertions, request objects and payment orders.
#[derive(Debug)]
pub(crate) struct ClientKey {
    key: SigningKey,
    kid: KeyId,
}

/// Fresh random values.
#[derive(Clone)]
pub(crate) struct Random(Arc<dyn Entropy>);

impl ClientKey {
    /// Loads the key named in the configuration.
    pub(crate) fn load(client: &Client) -> Result<Self, Stop> {
        let path = &client.signing_key;
        let pem = std::fs::read_to_string(path)
            .map_err(|error| Stop::local("reading signing_key", format!("{}: {error}", path.display())))?;
        Self::from_pem(client.signing_alg, &client.signing_kid, &pem, path)
    }

    fn from_pem(alg: Alg, kid: &str, pem: &str, path: &Path) -> Result<Self, Stop> {
        let kid = KeyId::new(kid).map_err(|_| ConfigFault::Value {
            member: "signing_kid".to_owned(),
            why: "write the kid of the registered key".to_owned(),
        })?;
        let key = SigningKey::from_pkcs8_pem(alg, pem, &SystemRandom::new())
            .map_err(|fault| Stop::local("loading signing_key", format!("{}: {fault}", path.display())))?;
        Ok(Self { key, kid })
    }

    /// Signs claims under this media type.
    pub(crate) fn sign(&self, typ: Option<&'static str>, claims: &impl Serialize) -> Result<String, Stop> {
        let header = Header { alg: self.key.alg(), kid: self.kid.clone(), typ }.encode();
        compact(&header, claims, |input| self.key.sign(&SystemRandom::new(), input))
            .map_err(|fault: SignFault| Stop::local("signing", fault))
    }

    /// The algorithm it signs with.
    pub(crate) const fn alg(&self) -> Alg {
        self.key.alg()
    }
}

impl Random {
    /// From this source.
    pub(crate) const fn new(source: Arc<dyn Entropy>) -> Self {
        Self(source)
    }

    /// 256 bits as 43 characters: state, nonce, PKCE verifier (RFC 7636 section 4.1), identifiers of objects.
    pub(crate) fn text(&self) -> Result<String, Stop> {
        Ok(URL_SAFE_NO_PAD.encode(self.0.draw()?.as_slice()))
    }

    /// A UUID version 4 (RFC 9562 section 5.4).
    pub(crate) fn uuid(&self) -> Result<Uuid, Stop> {
        let drawn = self.0.draw()?;
        let mut bytes = [0; 16];
        for (byte, random) in bytes.iter_mut().zip(drawn.iter()) {
            *byte = *random;
        }
        Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use oauth_core::SystemEntropy;
    use oauth_core::jose::PublicJwk;

    use super::*;

    pub(in crate::tpp) fn random() -> Random {
        Random::new(Arc::new(SystemEntropy::default()))
    }

    /// A key as a client or a bank has one, with its public half.
    pub(in crate::tpp) fn fresh(kid: &str) -> (ClientKey, PublicJwk) {
        let rng = SystemRandom::new();
        let der = SigningKey::generate_es256(&rng).unwrap();
        let key = SigningKey::from_pkcs8_der(Alg::Es256, &der, &rng).unwrap();
        let kid = KeyId::new(kid).unwrap();
        let public = key.public(&kid);
        (ClientKey { key, kid }, public)
    }

    #[test]
    fn random_values_are_fresh_and_long_enough() {
        let (one, two) = (random().text().unwrap(), random().text().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
        let id = random().uuid().unwrap();
        assert_eq!(id.get_version_num(), 4);
        assert_ne!(id, random().uuid().unwrap());
    }

    #[test]
    fn a_key_that_is_not_one_is_refused_with_its_path() {
        let stop = ClientKey::from_pem(Alg::Es256, "k", "nonsense", Path::new("/d/k.pem")).unwrap_err();
        assert!(stop.to_string().contains("/d/k.pem"), "{stop}");
    }
}
