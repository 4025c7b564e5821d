//! TLS for the reference binaries, and the judgement of client certificates.
//!
//! | Demand | Where |
//! |---|---|
//! | BCP 195 section 3.1.1: 1.3 offered, 1.1 and older refused | [`server_config`] |
//! | BCP 195 section 4.2: forward secrecy and AEAD only | the provider; rustls has nothing else |
//! | FAPI 1.0 Advanced section 8.5: shorter list at 1.2 | [`fapi1_suites`] |
//! | RFC 8446 section 8: no replayable early data | [`server_config`] |
//! | RFC 8705 section 2.1: chain of a client certificate | [`ChainTrust`] |
//! | RFC 8705 section 2.2: self-signed client certificates | [`ClientCertificates::Optional`] |

use std::sync::Arc;

use oauth_core::{Timestamp, limits};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, CipherSuite, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::pki::{ServerIdentity, unix_time};

/// Whether a listener asks its clients for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// It does not: browsers would show a dialog.
    NotAsked,
    /// It asks, and serves those who have none as well, so that the application can refuse them in HTTP. Any
    /// certificate whose key signs the handshake is taken; what it is worth is for [`ChainTrust`] and for the keys
    /// that the client registered.
    Optional,
}

/// What a client certificate's chain is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// It leads to a configured authority, is in time, and is meant for client authentication.
    Trusted,
    /// It does not. The key in it is still proven, which is enough for a self-signed certificate that is known.
    Untrusted,
}

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// The certificate, its key, or the provider cannot be used.
    #[error("TLS cannot use this certificate and key: {0}")]
    Unusable(#[from] rustls::Error),
    /// The certificate of a client authority is not one.
    #[error("the client certificate authority cannot be used: {0}")]
    Authority(String),
}

/// The server side of TLS 1.3 and 1.2 with the cryptography handed in: ALPN `h2` and `http/1.1`, session resumption,
/// no early data.
///
/// # Errors
/// When the certificate and key do not fit together or the provider supports neither version.
pub fn server_config(
    identity: &ServerIdentity,
    ask: ClientCertificates,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, TlsFault> {
    let verifier: Arc<dyn ClientCertVerifier> = match ask {
        ClientCertificates::NotAsked => Arc::new(NoClientAuth),
        ClientCertificates::Optional => Arc::new(AnyProvenKey { provider: Arc::clone(&provider) }),
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.max_early_data_size = 0;
    Ok(config)
}

/// FAPI 1.0 Advanced section 8.5: at TLS 1.2 only RSA with AES-GCM, so neither ECDSA nor ChaCha20 remains. With an
/// ECDSA certificate the listener then speaks TLS 1.3 only, which that section leaves as it is.
#[must_use]
pub fn fapi1_suites(provider: &CryptoProvider) -> CryptoProvider {
    let mut narrowed = provider.clone();
    narrowed.cipher_suites.retain(|suite| {
        suite.tls13().is_some()
            || [
                CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            ]
            .contains(&suite.suite())
    });
    narrowed
}

/// Judges certificate chains against the configured client authorities.
#[derive(Debug, Clone)]
pub struct ChainTrust {
    /// Absent when no authority is configured: nothing is trusted then.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl ChainTrust {
    /// Trusts what these authorities issued; with none, nothing.
    ///
    /// # Errors
    /// [`TlsFault::Authority`], when one of them is not a certificate that can be an authority.
    pub fn new(
        authorities: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsFault> {
        if authorities.is_empty() {
            return Ok(Self { verifier: None });
        }
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority.clone()).map_err(|e| TlsFault::Authority(e.to_string()))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|e| TlsFault::Authority(e.to_string()))?;
        Ok(Self { verifier: Some(verifier) })
    }

    /// RFC 5280 section 6: path, validity at `now`, and the purpose of client authentication.
    #[must_use]
    pub fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Chain {
        let verdict = self
            .verifier
            .as_ref()
            .map(|verifier| verifier.verify_client_cert(leaf, intermediates, unix_time(now)));
        match verdict {
            Some(Ok(_)) => Chain::Trusted,
            Some(Err(_)) | None => Chain::Untrusted,
        }
    }
}

/// Takes any well-formed end-entity certificate whose key signs the handshake.
#[derive(Debug)]
struct AnyProvenKey {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyProvenKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Naming authorities would make clients keep their self-signed certificates to themselves.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let oversized = |certificate: &CertificateDer<'_>| certificate.len() > limits::CERTIFICATE_BYTES;
        if intermediates.len() >= limits::CHAIN_CERTIFICATES
            || oversized(end_entity)
            || intermediates.iter().any(oversized)
        {
            return Err(CertificateError::BadEncoding.into());
        }
        ParsedCertificate::try_from(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{
        BasicConstraints, CertificateParams, CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
        Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
    };
    use rustls::crypto::ring::default_provider;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_248_000);

    fn params(names: &[SanType]) -> CertificateParams {
        let mut params = CertificateParams::default();
        let day =
            |from: u64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(1_795_161_600 + from * 86_400);
        (params.not_before, params.not_after) = (day(0), day(2));
        params.subject_alt_names = names.to_vec();
        params
    }

    fn authority(constraints: Option<NameConstraints>) -> CertificateParams {
        let mut params = params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.name_constraints = constraints;
        params
    }

    /// How a client certificate with these names is judged below an authority that is held to these constraints.
    fn below(constraints: Option<NameConstraints>, names: &[SanType]) -> Chain {
        let [root_key, middle_key, leaf_key] = [(); 3].map(|()| KeyPair::generate().unwrap());
        let root = authority(None).self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(authority(None), root_key);
        let middle = authority(constraints.clone()).signed_by(&middle_key, &root_issuer).unwrap();
        let mut leaf = params(names);
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = leaf.signed_by(&leaf_key, &Issuer::new(authority(constraints), middle_key)).unwrap();
        let trust = ChainTrust::new(&[root.der().clone()], Arc::new(default_provider())).unwrap();
        trust.judge(leaf.der(), &[middle.der().clone()], NOW)
    }

    fn dns(name: &str) -> SanType {
        SanType::DnsName(name.try_into().unwrap())
    }

    /// T-MT-01, RFC 5280 section 4.2.1.10: what an authority may vouch for binds the certificates below it.
    #[test]
    fn an_authority_that_is_held_to_certain_names_vouches_for_no_others() {
        let subtree = |name: &str| GeneralSubtree::DnsName(name.to_owned());
        let only = |permitted: Vec<GeneralSubtree>, excluded: Vec<GeneralSubtree>| {
            Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded })
        };
        let permitted = || only(vec![subtree("tpp.example")], Vec::new());
        let excluded = || only(Vec::new(), vec![subtree("bank.example")]);
        let network = GeneralSubtree::IpAddress(CidrSubnet::V4([192, 0, 2, 0], [255, 255, 255, 0]));
        let address = |text: &str| SanType::IpAddress(text.parse().unwrap());
        for (constraints, names, judged) in [
            (None, vec![dns("any.example")], Chain::Trusted),
            (permitted(), vec![dns("tpp.example")], Chain::Trusted),
            (permitted(), vec![dns("a.tpp.example")], Chain::Trusted),
            (permitted(), vec![dns("other.example")], Chain::Untrusted),
            (permitted(), vec![dns("eviltpp.example")], Chain::Untrusted),
            (permitted(), vec![dns("tpp.example"), dns("other.example")], Chain::Untrusted),
            (excluded(), vec![dns("tpp.example")], Chain::Trusted),
            (excluded(), vec![dns("api.bank.example")], Chain::Untrusted),
            (only(vec![network.clone()], Vec::new()), vec![address("192.0.2.17")], Chain::Trusted),
            (only(vec![network], Vec::new()), vec![address("198.51.100.1")], Chain::Untrusted),
        ] {
            assert_eq!(below(constraints, &names), judged, "{names:?}");
        }
    }
}
