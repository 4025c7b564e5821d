//! Certificates that participants publish: a chain in PEM (RFC 7468), the leaf first.

use std::fmt;

use oauth_core::Timestamp;
use serde::{Deserialize, Serialize};
use x509_parser::oid_registry::OID_EC_P256;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

/// A chain of certificates, the leaf first, as it was handed in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateChain {
    pem: String,
    /// What the leaf says.
    leaf: Leaf,
}

/// What a certificate says of its holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// Good from here.
    pub valid_from: Timestamp,
    /// Good until here.
    pub valid_until: Timestamp,
    /// `CN` of its subject.
    pub common_name: Option<String>,
    /// `O` of its subject.
    pub organisation_name: Option<String>,
    /// `organizationIdentifier` of its subject (2.5.4.97).
    pub organisation_id: Option<String>,
}

/// Why a text is not a usable chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// A private key is in it.
    #[error("a private key does not belong here")]
    PrivateKey,
    /// Not one to five certificates in PEM and nothing else.
    #[error("not a chain of certificates in PEM")]
    Malformed,
    /// Not good at this moment.
    #[error("not valid now")]
    NotValidNow,
    /// Neither RSA of 2048 bits or more nor P-256.
    #[error("the key is too weak")]
    Key,
}

/// Certificates of one chain.
const CHAIN_MAX: usize = 5;
/// Bytes of a chain.
const PEM_BYTES: usize = 32 * 1024;
/// Least bits of an RSA key.
const RSA_BITS_MIN: usize = 2048;

impl CertificateChain {
    /// Reads a chain. Every certificate must parse and hold a usable key; the leaf must be good now.
    ///
    /// # Errors
    /// [`CertificateFault`].
    pub fn read(pem: &str, now: Timestamp) -> Result<Self, CertificateFault> {
        if holds_private_key(pem) {
            return Err(CertificateFault::PrivateKey);
        }
        if pem.len() > PEM_BYTES || !pem.is_ascii() || text_between_blocks(pem) {
            return Err(CertificateFault::Malformed);
        }
        let blocks: Result<Vec<Pem>, _> = Pem::iter_from_buffer(pem.as_bytes()).collect();
        let blocks = blocks.map_err(|_| CertificateFault::Malformed)?;
        if !(1..=CHAIN_MAX).contains(&blocks.len()) {
            return Err(CertificateFault::Malformed);
        }
        let mut leaf = None;
        for block in &blocks {
            let said = certificate(block)?;
            leaf.get_or_insert(said);
        }
        let leaf = leaf.ok_or(CertificateFault::Malformed)?;
        if now < leaf.valid_from || now > leaf.valid_until {
            return Err(CertificateFault::NotValidNow);
        }
        Ok(Self { pem: pem.to_owned(), leaf })
    }

    /// The chain in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// What the leaf says.
    #[must_use]
    pub const fn leaf(&self) -> &Leaf {
        &self.leaf
    }
}

impl fmt::Debug for CertificateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateChain").field("leaf", &self.leaf).finish_non_exhaustive()
    }
}

/// Whether a text holds the head of a private key, of whatever kind (RFC 7468 sections 10 and 11).
#[must_use]
pub fn holds_private_key(text: &str) -> bool {
    text.contains("PRIVATE KEY")
}

fn certificate(block: &Pem) -> Result<Leaf, CertificateFault> {
    if block.label != "CERTIFICATE" {
        return Err(CertificateFault::Malformed);
    }
    let (rest, read) = X509Certificate::from_der(&block.contents).map_err(|_| CertificateFault::Malformed)?;
    if !rest.is_empty() {
        return Err(CertificateFault::Malformed);
    }
    let info = read.public_key();
    let strong = match info.parsed().map_err(|_| CertificateFault::Malformed)? {
        PublicKey::RSA(key) => key.key_size() >= RSA_BITS_MIN,
        PublicKey::EC(_) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            curve.is_some_and(|curve| curve == OID_EC_P256)
        }
        PublicKey::DSA(_)
        | PublicKey::GostR3410(_)
        | PublicKey::GostR3410_2012(_)
        | PublicKey::Unknown(_) => false,
    };
    if !strong {
        return Err(CertificateFault::Key);
    }
    let subject = read.subject();
    let attribute = |wanted: &str| {
        let mut attributes = subject.iter_attributes();
        let found = attributes.find(|attribute| attribute.attr_type().to_id_string() == wanted);
        found.and_then(|attribute| attribute.as_str().ok()).map(str::to_owned)
    };
    Ok(Leaf {
        valid_from: Timestamp::from_seconds(read.validity().not_before.timestamp()),
        valid_until: Timestamp::from_seconds(read.validity().not_after.timestamp()),
        common_name: attribute("2.5.4.3"),
        organisation_name: attribute("2.5.4.10"),
        organisation_id: attribute("2.5.4.97"),
    })
}

/// A reader of PEM skips what stands around blocks; we keep nothing that was not read.
fn text_between_blocks(pem: &str) -> bool {
    let mut inside = false;
    for line in pem.lines().map(str::trim_ascii_end) {
        if line.starts_with("-----BEGIN ") && !inside {
            inside = true;
        } else if line.starts_with("-----END ") && inside {
            inside = false;
        } else if !inside && !line.is_empty() {
            return true;
        }
    }
    inside
}
