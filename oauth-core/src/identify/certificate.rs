//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 section 2).

use std::net::IpAddr;
use std::sync::Arc;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{AttributeTypeAndValue, FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::keys;
use crate::jose::PublicJwk;
use crate::limits;
use crate::model::certificate::PeerCertificate;
use crate::model::client::{Client, Credential};
use crate::model::distinguished_name::DistinguishedName;
use crate::policy::Policy;
use crate::port::client_keys::KeyHint;
use crate::refusal::reason::ClientReason;
use crate::refusal::{Error, Refusal, RuleId};
use crate::rules::hold;
use crate::rules::rfc8705::{CREDENTIAL, CertificateCase, CertificateKey};
use crate::server::Context;
use crate::vocabulary::time::Timestamp;

/// RFC 5280: the certificate can be read.
const READABLE: RuleId = RuleId("RFC8705-2-read");

/// What of a certificate a registration is compared with.
pub(crate) struct Names {
    /// `None` for a subject with values that are no text, which no registration can name.
    pub(crate) subject: Option<DistinguishedName>,
    pub(crate) dns: Vec<String>,
    pub(crate) uris: Vec<String>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) emails: Vec<String>,
    /// The public key, as a JWK would describe it; `None` for a kind of key we do not register.
    pub(crate) key: Option<[u8; 32]>,
    purpose: Purpose,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

/// What the certificate's authority lets its key be used for (RFC 5280 sections 4.2.1.3 and 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Signing the handshake of a TLS client, among others.
    ClientAuthentication,
    /// Something else.
    Other,
}

/// Verifies a certificate that is the client's credential.
///
/// # Errors
/// The refusal of the first rule that does not hold, or a fault of the port of keys.
pub(crate) async fn verify(
    context: &Context<'_>,
    certificate: &PeerCertificate,
    client: &Arc<Client>,
    policy: &Policy,
) -> Result<(), Error> {
    let names = Names::read(certificate.der())
        .ok_or(Refusal { rule: READABLE, reason: ClientReason::CertificateMismatch.into() })?;
    let (thumbprint, own_key) = (certificate.thumbprint(), names.key);
    let known_key = match &client.credential {
        Credential::SelfSignedTlsClientAuth => {
            let hint = KeyHint::Certificate { certificate: thumbprint, key: own_key.as_ref() };
            hint.is_answered_by(&*keys::of(context, client, hint).await?)
        }
        Credential::PrivateKeyJwt | Credential::TlsClientAuth(_) => false,
    };
    let key = if known_key { CertificateKey::Registered } else { CertificateKey::Unknown };
    let client = Arc::clone(client);
    let case = CertificateCase { client, chain: certificate.chain(), names, key, now: context.now };
    Ok(hold(CREDENTIAL, &case, policy)?)
}

/// Whether a certificate that tokens are bound to can be read and is in its time. A connection, or a resumed session,
/// may outlive it.
pub(crate) fn is_current(certificate: &PeerCertificate, now: Timestamp) -> bool {
    Names::read(certificate.der()).is_some_and(|names| names.cover(now))
}

impl Names {
    /// Reads a certificate; `None` when it is none, or not exactly one.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        if der.len() > limits::CERTIFICATE_BYTES {
            return None;
        }
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut names = Self {
            subject: subject_of(&certificate),
            dns: Vec::new(),
            uris: Vec::new(),
            addresses: Vec::new(),
            emails: Vec::new(),
            key: key_of(&certificate).map(|key| key.thumbprint()),
            purpose: purpose_of(&certificate),
            not_before: Timestamp::from_seconds(certificate.validity().not_before.timestamp()),
            not_after: Timestamp::from_seconds(certificate.validity().not_after.timestamp()),
        };
        if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
            alternative.value.general_names.iter().for_each(|name| names.add(name));
        }
        Some(names)
    }

    fn add(&mut self, name: &GeneralName<'_>) {
        if let GeneralName::DNSName(text) = name {
            self.dns.push((*text).to_owned());
        } else if let GeneralName::URI(text) = name {
            self.uris.push((*text).to_owned());
        } else if let GeneralName::RFC822Name(text) = name {
            self.emails.push((*text).to_owned());
        } else if let GeneralName::IPAddress(octets) = name {
            let four = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            self.addresses.extend(four.or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from)));
        }
    }

    /// Whether the certificate may be a client's.
    pub(crate) fn are_of_a_client(&self) -> bool {
        self.purpose == Purpose::ClientAuthentication
    }

    /// RFC 5280 section 4.1.2.5: both ends belong to the validity.
    pub(crate) fn cover(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

fn subject_of(certificate: &X509Certificate<'_>) -> Option<DistinguishedName> {
    let attribute = |attribute: &AttributeTypeAndValue<'_>| {
        Some((attribute.attr_type().to_id_string(), attribute.as_str().ok()?.to_owned()))
    };
    let names: Option<Vec<Vec<_>>> =
        certificate.subject().iter().map(|name| name.iter().map(attribute).collect()).collect();
    names.map(DistinguishedName::from_relative_names)
}

/// An extension that is absent restricts nothing; one that cannot be read permits nothing.
fn purpose_of(certificate: &X509Certificate<'_>) -> Purpose {
    let signs =
        certificate.key_usage().map(|usage| usage.is_none_or(|usage| usage.value.digital_signature()));
    let client = certificate
        .extended_key_usage()
        .map(|usage| usage.is_none_or(|usage| usage.value.client_auth || usage.value.any));
    match (signs, client) {
        (Ok(true), Ok(true)) => Purpose::ClientAuthentication,
        (Ok(_) | Err(_), Ok(_) | Err(_)) => Purpose::Other,
    }
}

/// The public key of a certificate, when it is of a kind we register.
fn key_of(certificate: &X509Certificate<'_>) -> Option<PublicJwk> {
    let spki = certificate.public_key();
    let bits = spki.subject_public_key.data.as_ref();
    match spki.parsed().ok()? {
        PublicKey::RSA(key) => PublicJwk::from_rsa(unpadded(key.modulus), unpadded(key.exponent)).ok(),
        PublicKey::EC(_) => PublicJwk::from_p256(bits).ok(),
        PublicKey::Unknown(_) => PublicJwk::from_ed25519(bits).ok(),
        PublicKey::DSA(_) | PublicKey::GostR3410(_) | PublicKey::GostR3410_2012(_) => None,
    }
}

/// A DER integer without its sign byte.
fn unpadded(integer: &[u8]) -> &[u8] {
    match integer {
        [0, rest @ ..] => rest,
        all => all,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType};

    use super::*;

    fn names(change: impl FnOnce(&mut CertificateParams)) -> Names {
        let mut parameters = CertificateParams::new(vec!["tpp.example".to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CountryName, "AE");
        parameters.distinguished_name.push(DnType::OrganizationName, "Palm, Books");
        parameters.distinguished_name.push(DnType::CommonName, "tpp");
        change(&mut parameters);
        let key = KeyPair::generate().unwrap();
        Names::read(parameters.self_signed(&key).unwrap().der()).unwrap()
    }

    #[test]
    fn the_subject_is_read_as_its_string_form_is() {
        let names = names(|_| ());
        let registered = DistinguishedName::parse(r"CN=tpp,O=Palm\, Books,C=AE").unwrap();
        assert_eq!(names.subject, Some(registered));
        assert_ne!(names.subject, DistinguishedName::parse(r"CN=tpp,C=AE,O=Palm\, Books").ok());
        assert_eq!(names.dns, ["tpp.example"]);
        assert!(names.key.is_some());
    }

    #[test]
    fn every_kind_of_alternative_name_is_read_apart_from_the_others() {
        let names = names(|parameters| {
            parameters.subject_alt_names.extend([
                SanType::URI("urn:tpp:1".try_into().unwrap()),
                SanType::IpAddress([192, 0, 2, 7].into()),
                SanType::IpAddress("2001:db8::7".parse().unwrap()),
                SanType::Rfc822Name("tpp@tpp.example".try_into().unwrap()),
            ]);
        });
        assert_eq!((names.dns, names.uris), (vec!["tpp.example".to_owned()], vec!["urn:tpp:1".to_owned()]));
        assert_eq!(names.emails, ["tpp@tpp.example"]);
        let addresses: Vec<IpAddr> = ["192.0.2.7", "2001:db8::7"].map(|text| text.parse().unwrap()).into();
        assert_eq!(names.addresses, addresses);
    }

    #[test]
    fn a_certificate_is_for_clients_unless_its_usages_say_otherwise() {
        type Change = fn(&mut CertificateParams);
        let cases: [(Change, Purpose); 5] = [
            (|_| (), Purpose::ClientAuthentication),
            (
                |it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
                Purpose::ClientAuthentication,
            ),
            (|it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth], Purpose::Other),
            (|it| it.key_usages = vec![KeyUsagePurpose::DigitalSignature], Purpose::ClientAuthentication),
            (|it| it.key_usages = vec![KeyUsagePurpose::KeyEncipherment], Purpose::Other),
        ];
        for (change, purpose) in cases {
            assert_eq!(names(change).purpose, purpose);
        }
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        for der in [&b""[..], b"\x30\x03\x02\x01\x01", &[0xff; 64]] {
            assert!(Names::read(der).is_none());
        }
    }
}
