//! RFC 8705, OAuth 2.0 Mutual-TLS Client Authentication and Certificate-Bound Access Tokens.
//!
//! | Section | Met by |
//! |---|---|
//! | 2.1 | [`SUBJECT_REGISTERED`] with [`Chain`](crate::Chain), [`FOR_CLIENTS`] |
//! | 2.1.2 | [`CertificateSubject`](crate::CertificateSubject) |
//! | 2.2 | [`KEY_REGISTERED`] |
//! | 3 | [`CERTIFICATE_SHOWN`], [`CERTIFICATE_CURRENT`] |
//! | 7.3 | [`VALID_NOW`] |

use std::sync::Arc;

use super::{Rule, demand};
use crate::identify::certificate::Names;
use crate::model::certificate::Chain;
use crate::model::certificate_subject::CertificateSubject;
use crate::model::client::{Client, Credential};
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
pub(crate) const CREDENTIAL: &[&Rule<CertificateCase>] =
    &[&VALID_NOW, &FOR_CLIENTS, &SUBJECT_REGISTERED, &KEY_REGISTERED];

/// Section 7.3: a resumed session may outlive the certificate, so its dates are judged at every request.
pub(crate) const VALID_NOW: Rule<CertificateCase> = Rule {
    id: RuleId("RFC8705-7.3"),
    check: |case, _| demand(case.names.cover(case.now), ClientReason::CertificateUntrusted),
};

/// Section 2.1, path validation of RFC 5280: an authority that issued the certificate for something else, for instance
/// for encryption only or for a server, has not vouched for a client. What a client signed itself needs no permission.
pub(crate) const FOR_CLIENTS: Rule<CertificateCase> = Rule {
    id: RuleId("RFC8705-2.1-purpose"),
    check: |case, _| match case.client.credential {
        Credential::TlsClientAuth(_) => {
            demand(case.names.are_of_a_client(), ClientReason::CertificateUntrusted)
        }
        Credential::SelfSignedTlsClientAuth | Credential::PrivateKeyJwt => Ok(()),
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
        let names = &case.names;
        let named = match subject {
            CertificateSubject::Dn(name) => names.subject.as_ref() == Some(name),
            CertificateSubject::SanDns(name) => names.dns.iter().any(|own| own.eq_ignore_ascii_case(name)),
            CertificateSubject::SanUri(uri) => names.uris.contains(uri),
            CertificateSubject::SanIp(address) => names.addresses.contains(address),
            CertificateSubject::SanEmail(address) => {
                names.emails.iter().any(|own| same_mailbox(own, address))
            }
        };
        demand(named, ClientReason::CertificateMismatch)
    },
};

/// RFC 5280 section 7.5: the part before the `@` as it stands, the host in any case.
fn same_mailbox(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((name, host)), Some((other_name, other_host))) => {
            name == other_name && host.eq_ignore_ascii_case(other_host)
        }
        (Some(_) | None, Some(_) | None) => false,
    }
}

/// Section 2.2: the self-signed certificate is one that the client registered. Where its JWK carries the certificate
/// (`x5c`), it is that certificate and no other; where it does not, any with that key.
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

/// Section 3: proof of possession with a certificate out of its time is none.
pub(crate) const CERTIFICATE_CURRENT: RuleId = RuleId("RFC8705-3-time");
