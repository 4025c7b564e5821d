//! The client certificate of a connection, as the TLS acceptor saw it.

use std::sync::Arc;

use crate::model::binding::Thumbprint;

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
