//! RFC 8705, OAuth 2.0 Mutual-TLS Client Authentication and Certificate-Bound Access Tokens.
//!
//! | Section | Met by |
//! |---|---|
//! | 2.1 | [`SUBJECT_REGISTERED`] with [`Chain`](crate::Chain) |
//! | 2.2 | [`KEY_REGISTERED`] |
//! | 3 | [`CERTIFICATE_SHOWN`] |

use std::sync::Arc;

use super::{Rule, demand};
use crate::identify::certificate::Names;
use crate::model::certificate::Chain;
use crate::model::client::{CertificateSubject, Client, Credential};
use crate::refusal::RuleId;
use crate::refusal::reason::{ClientReason, ProofReason};
use crate::vocabulary::time::Timestamp;

/// A client certificate, read.
pub(crate) struct CertificateCase {
    pub(crate) client: Arc<Client>,
    pub(crate) chain: Chain,
    pub(crate) names: Names,
    pub(crate) key: CertificateKey,
    pub(crate) now: Timestamp,
}

/// Whether the key of a certificate is one that the client registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateKey {
    /// It is.
    Registered,
    /// It is not, or the credential does not ask for it.
    Unknown,
}

/// The rules for a certificate that is the client's credential.
pub(crate) const CREDENTIAL: &[&Rule<CertificateCase>] = &[&VALID_NOW, &SUBJECT_REGISTERED, &KEY_REGISTERED];

/// Section 7.3: a resumed session may outlive the certificate, so its dates are judged at every request.
pub(crate) const VALID_NOW: Rule<CertificateCase> = Rule {
    id: RuleId("RFC8705-7.3"),
    check: |case, _| {
        let valid = case.names.not_before <= case.now && case.now <= case.names.not_after;
        demand(valid, ClientReason::CertificateUntrusted)
    },
};

/// Section 2.1: the chain is trusted and the one registered attribute is in the certificate.
pub(crate) const SUBJECT_REGISTERED: Rule<CertificateCase> = Rule {
    id: RuleId("RFC8705-2.1"),
    check: |case, _| {
        let Credential::TlsClientAuth(subject) = &case.client.credential else { return Ok(()) };
        if case.chain != Chain::Trusted {
            return Err(ClientReason::CertificateUntrusted.into());
        }
        let named = match subject {
            CertificateSubject::Dn(dn) => case.names.subject_is(dn),
            CertificateSubject::SanDns(name) => {
                case.names.dns.iter().any(|known| known.eq_ignore_ascii_case(name))
            }
            CertificateSubject::SanUri(uri) => case.names.uris.contains(uri),
        };
        demand(named, ClientReason::CertificateMismatch)
    },
};

/// Section 2.2: the key of a self-signed certificate is one of the client's registered keys.
pub(crate) const KEY_REGISTERED: Rule<CertificateCase> = Rule {
    id: RuleId("RFC8705-2.2"),
    check: |case, _| {
        if case.client.credential != Credential::SelfSignedTlsClientAuth {
            return Ok(());
        }
        demand(case.key == CertificateKey::Registered, ClientReason::CertificateMismatch)
    },
};

/// Section 3: a client whose tokens are bound to its certificate shows that certificate.
pub(crate) const CERTIFICATE_SHOWN: RuleId = RuleId("RFC8705-3");

/// The refusal of [`CERTIFICATE_SHOWN`].
pub(crate) const CERTIFICATE_ABSENT: ProofReason = ProofReason::CertificateMissing;
