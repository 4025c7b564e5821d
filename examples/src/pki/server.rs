//! The certificate of the server: issued by the local authority for every name it is reached by, kept while it will do.

use std::path::Path;
use std::sync::Arc;

use oauth_core::Timestamp;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use ring::rand::SystemRandom;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls_pki_types::{CertificateDer, ServerName};

use super::{
    CERTIFICATE_LIFETIME, PkiFault, RENEWAL_WINDOW, ServerIdentity, dress, issuer, named, new_key,
    read_public, unix_time,
};
use crate::keys::{self, Access, Existing};

/// What it takes to issue the server certificate.
pub(super) struct Maker<'a> {
    pub(super) dir: &'a Path,
    pub(super) now: Timestamp,
    pub(super) names: Vec<String>,
    pub(super) random: &'a SystemRandom,
    pub(super) authority: &'a CertificateDer<'static>,
    pub(super) authority_key: &'a KeyPair,
}

impl Maker<'_> {
    /// The identity on disk if it will do; otherwise a new one in its place.
    pub(super) fn server(&self) -> Result<ServerIdentity, PkiFault> {
        let (chain, key) = (self.dir.join("server.pem"), self.dir.join("server.key.pem"));
        if keys::read_secret(&key)?.is_some() && read_public(&chain)?.is_some() {
            let known = ServerIdentity::read(&chain, &key);
            if let Ok(identity) = known
                && self.will_do(&identity)
            {
                return Ok(identity);
            }
        }
        let (pair, key_pem) = new_key(self.random)?;
        let certificate = params(&self.names, self.now, self.random)?
            .signed_by(&pair, &issuer(self.now, self.random, self.authority_key)?)?;
        keys::place(&key, key_pem.as_bytes(), Access::Owner, Existing::Replace)?;
        keys::place(&chain, certificate.pem().as_bytes(), Access::Everyone, Existing::Replace)?;
        let identity = ServerIdentity::read(&chain, &key)?;
        match self.will_do(&identity) {
            true => Ok(identity),
            false => Err(PkiFault::CannotVouch { certificate: self.dir.join("ca.pem") }),
        }
    }

    /// Chain, name, purpose and time as a client checks them, now and at the end of the renewal window; and the key
    /// is the certificate's. A crash between the two writes of a renewal is healed here.
    fn will_do(&self, identity: &ServerIdentity) -> bool {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        let Some((leaf, others)) = identity.chain.split_first() else { return false };
        if roots.add(self.authority.clone()).is_err() {
            return false;
        }
        let Ok(verifier) =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()
        else {
            return false;
        };
        let verifies = |at: Timestamp| {
            self.names.iter().all(|name| {
                ServerName::try_from(name.as_str()).is_ok_and(|name| {
                    verifier.verify_server_cert(leaf, others, &name, &[], unix_time(at)).is_ok()
                })
            })
        };
        let matches = provider
            .key_provider
            .load_private_key(identity.key.clone_key())
            .and_then(|key| rustls::sign::CertifiedKey::new(identity.chain.clone(), key).keys_match());
        matches.is_ok() && verifies(self.now) && verifies(self.now.plus(RENEWAL_WINDOW))
    }
}

/// The server certificate of these names.
pub(super) fn params(
    names: &[String],
    now: Timestamp,
    random: &SystemRandom,
) -> Result<CertificateParams, PkiFault> {
    let mut params = CertificateParams::new(names)?;
    dress(&mut params, now, CERTIFICATE_LIFETIME, random)?;
    params.distinguished_name = named("localhost", "Mandate");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}
