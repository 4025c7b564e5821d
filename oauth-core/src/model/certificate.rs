//! The client certificate of a connection, as the TLS acceptor saw it.

use std::sync::Arc;

use crate::model::binding::Thumbprint;
use crate::model::client::ClientMetadata;

/// The certificate a client showed in the TLS handshake of this very connection.
#[derive(Debug, Clone)]
pub struct PeerCertificate {
    der: Arc<[u8]>,
    thumbprint: Thumbprint,
    chain: Chain,
}

/// Whether the chain of a certificate ends at an authority the bank trusts for client certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// It does, the certificate is meant for clients, and it was valid at the handshake.
    Trusted,
    /// It does not: self-signed, or of an unknown authority.
    Untrusted,
}

impl PeerCertificate {
    /// From the DER of the end-entity certificate and the acceptor's verdict on its chain.
    #[must_use]
    pub fn new(der: Arc<[u8]>, chain: Chain) -> Self {
        let thumbprint = Thumbprint::of(&der);
        Self { der, thumbprint, chain }
    }

    /// `x5t#S256` (RFC 8705 section 3.1).
    #[must_use]
    pub const fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The verdict on its chain.
    #[must_use]
    pub const fn chain(&self) -> Chain {
        self.chain
    }
}

/// The one attribute a client certificate is matched by (RFC 8705 section 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSubject {
    /// `tls_client_auth_subject_dn`, in the string form of RFC 4514.
    Dn(String),
    /// `tls_client_auth_san_dns`.
    SanDns(String),
    /// `tls_client_auth_san_uri`.
    SanUri(String),
}

/// RFC 8705 section 2.1.2: exactly one of the subject members.
pub(super) fn registered_subject(
    metadata: &ClientMetadata,
    blame: &mut impl FnMut(&'static str, &str),
) -> Option<CertificateSubject> {
    let named = [
        metadata.tls_client_auth_subject_dn.clone().map(CertificateSubject::Dn),
        metadata.tls_client_auth_san_dns.clone().map(CertificateSubject::SanDns),
        metadata.tls_client_auth_san_uri.clone().map(CertificateSubject::SanUri),
    ];
    let mut named = named.into_iter().flatten();
    match (named.next(), named.next()) {
        (Some(one), None) => Some(one),
        (None, _) | (Some(_), Some(_)) => {
            blame("tls_client_auth_subject_dn", "name exactly one subject attribute of the certificate");
            None
        }
    }
}
