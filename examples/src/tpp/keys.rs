//! The keys of the client and its random values.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_core::jose::{Alg, Header, SignFault, SigningKey, compact};
use oauth_core::{Entropy, KeyId};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use uuid::Uuid;

use super::config::{Client, ConfigFault};
use super::error::Stop;

/// The registered key of the client: signs assertions, request objects and payment orders.
pub(crate) struct ClientKey {
    key: SigningKey,
    kid: KeyId,
    random: Random,
}

/// Fresh random values.
#[derive(Clone)]
pub(crate) struct Random {
    source: Arc<dyn Entropy>,
    /// ring seals the source that its keys and signatures draw from, so it cannot be the port.
    ring: SystemRandom,
}

impl ClientKey {
    /// Loads the key named in the configuration.
    pub(crate) fn load(client: &Client, random: &Random) -> Result<Self, Stop> {
        let path = &client.signing_key;
        let pem = std::fs::read_to_string(path)
            .map_err(|error| Stop::local("reading signing_key", format!("{}: {error}", path.display())))?;
        let pem = (pem.as_str(), path.as_path());
        Self::from_pem(client.signing_alg, &client.signing_kid, pem, random)
    }

    fn from_pem(alg: Alg, kid: &str, (pem, path): (&str, &Path), random: &Random) -> Result<Self, Stop> {
        let kid = KeyId::new(kid).map_err(|_| ConfigFault::Value {
            member: "signing_kid".to_owned(),
            why: "write the kid of the registered key".to_owned(),
        })?;
        let key = SigningKey::from_pkcs8_pem(alg, pem, random.ring())
            .map_err(|fault| Stop::local("loading signing_key", format!("{}: {fault}", path.display())))?;
        Ok(Self { key, kid, random: random.clone() })
    }

    /// Signs claims under this media type.
    pub(crate) fn sign(&self, typ: Option<&'static str>, claims: &impl Serialize) -> Result<String, Stop> {
        let header = Header { alg: self.key.alg(), kid: self.kid.clone(), typ }.encode();
        compact(&header, claims, |input| self.key.sign(self.random.ring(), input))
            .map_err(|fault: SignFault| Stop::local("signing", fault))
    }

    /// A bare signature in the form of RFC 7518 section 3.
    pub(crate) fn sign_bytes(&self, input: &[u8]) -> Result<Vec<u8>, Stop> {
        self.key.sign(self.random.ring(), input).map_err(|fault| Stop::local("signing", fault))
    }

    /// Its name in the registered set.
    pub(crate) const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// The algorithm it signs with.
    pub(crate) const fn alg(&self) -> Alg {
        self.key.alg()
    }
}

impl Random {
    /// From this source.
    pub(crate) fn new(source: Arc<dyn Entropy>) -> Self {
        Self { source, ring: SystemRandom::new() }
    }

    /// The source for key operations.
    pub(crate) fn ring(&self) -> &dyn SecureRandom {
        &self.ring
    }

    /// 256 bits as 43 characters: state, nonce, PKCE verifier (RFC 7636 section 4.1), identifiers of objects.
    pub(crate) fn text(&self) -> Result<String, Stop> {
        Ok(URL_SAFE_NO_PAD.encode(self.source.draw()?.as_slice()))
    }

    /// A UUID version 4 (RFC 9562 section 5.4).
    pub(crate) fn uuid(&self) -> Result<Uuid, Stop> {
        let drawn = self.source.draw()?;
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
        let random = random();
        let der = SigningKey::generate_es256(random.ring()).unwrap();
        let key = SigningKey::from_pkcs8_der(Alg::Es256, &der, random.ring()).unwrap();
        let kid = KeyId::new(kid).unwrap();
        let public = key.public(&kid);
        (ClientKey { key, kid, random }, public)
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
        let stop = ClientKey::from_pem(Alg::Es256, "k", ("nonsense", Path::new("/d/k.pem")), &random())
            .err()
            .unwrap();
        assert!(stop.to_string().contains("/d/k.pem"), "{stop}");
    }
}
