//! `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 section 2).

use std::sync::Arc;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::keys;
use crate::jose::PublicJwk;
use crate::limits;
use crate::model::certificate::PeerCertificate;
use crate::model::client::{Client, Credential};
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
    /// Subject attributes in the order of the certificate: type OID and value, one per RDN.
    subject: Vec<(String, String)>,
    pub(crate) dns: Vec<String>,
    pub(crate) uris: Vec<String>,
    /// The public key, as a JWK would describe it; `None` for a kind of key we do not register.
    pub(crate) key: Option<[u8; 32]>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
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
    let known_key = match (&client.credential, &names.key) {
        (Credential::SelfSignedTlsClientAuth, Some(thumbprint)) => {
            let hint = KeyHint::Certificate(thumbprint);
            hint.is_answered_by(&*keys::of(context, client, hint).await?)
        }
        (_, _) => false,
    };
    let key = if known_key { CertificateKey::Registered } else { CertificateKey::Unknown };
    let client = Arc::clone(client);
    let case = CertificateCase { client, chain: certificate.chain(), names, key, now: context.now };
    Ok(hold(CREDENTIAL, &case, policy)?)
}

impl Names {
    fn read(der: &[u8]) -> Option<Self> {
        if der.len() > limits::CERTIFICATE_BYTES {
            return None;
        }
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut subject = Vec::new();
        for rdn in certificate.subject().iter() {
            let mut attributes = rdn.iter();
            let only = attributes.next()?;
            if attributes.next().is_some() {
                return None;
            }
            subject.push((only.attr_type().to_id_string(), only.as_str().ok()?.to_owned()));
        }
        let (mut dns, mut uris) = (Vec::new(), Vec::new());
        if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
            for name in &alternative.value.general_names {
                if let GeneralName::DNSName(text) = name {
                    dns.push((*text).to_owned());
                } else if let GeneralName::URI(text) = name {
                    uris.push((*text).to_owned());
                }
            }
        }
        Some(Self {
            subject,
            dns,
            uris,
            key: key_of(&certificate).map(|key| key.thumbprint()),
            not_before: Timestamp::from_seconds(certificate.validity().not_before.timestamp()),
            not_after: Timestamp::from_seconds(certificate.validity().not_after.timestamp()),
        })
    }

    /// RFC 4514: whether the registered string names exactly this subject. Attribute values are compared as they
    /// stand after unescaping; the string form lists the attributes in reverse order.
    pub(crate) fn subject_is(&self, registered: &str) -> bool {
        parse_dn(registered).is_some_and(|mut expected| {
            expected.reverse();
            expected == self.subject
        })
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

/// Reads the string form of RFC 4514 into attribute OIDs and values. Multi-valued RDNs and `#hex` values are not taken.
fn parse_dn(text: &str) -> Option<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once('=')?;
        let oid = oid_of(name.trim_matches(' '))?;
        let (value, next) = read_value(after)?;
        attributes.push((oid.to_owned(), value));
        match next {
            Some(more) => rest = more,
            None => return Some(attributes),
        }
    }
}

/// One attribute value up to an unescaped comma; `None` when an escape is broken or the value is empty.
fn read_value(text: &str) -> Option<(String, Option<&str>)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => value.push(chars.next()?.1),
            '+' | '#' if value.is_empty() => return None,
            '+' => return None,
            ',' => return (!value.is_empty()).then(|| (value, text.get(at + 1..))),
            other => value.push(other),
        }
    }
    (!value.is_empty()).then_some((value, None))
}

/// RFC 4514 section 3 and RFC 4519, plus the attributes open-banking certificates carry.
fn oid_of(name: &str) -> Option<&str> {
    let known = [
        ("CN", "2.5.4.3"),
        ("SERIALNUMBER", "2.5.4.5"),
        ("C", "2.5.4.6"),
        ("L", "2.5.4.7"),
        ("ST", "2.5.4.8"),
        ("STREET", "2.5.4.9"),
        ("O", "2.5.4.10"),
        ("OU", "2.5.4.11"),
        ("organizationIdentifier", "2.5.4.97"),
        ("DC", "0.9.2342.19200300.100.1.25"),
        ("UID", "0.9.2342.19200300.100.1.1"),
    ];
    if name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !name.is_empty() {
        return Some(name);
    }
    known.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map(|(_, oid)| *oid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut parameters = rcgen::CertificateParams::new(vec!["tpp.example".to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CountryName, "AE");
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "Palm, Books");
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "tpp");
        let key = rcgen::KeyPair::generate().unwrap();
        Names::read(parameters.self_signed(&key).unwrap().der()).unwrap()
    }

    #[test]
    fn the_registered_name_is_compared_attribute_by_attribute() {
        let names = names();
        assert!(names.subject_is(r"CN=tpp,O=Palm\, Books,C=AE"));
        for other in [
            r"CN=tpp,O=Palm\, Books",
            "CN=tpp",
            r"C=AE,O=Palm\, Books,CN=tpp",
            r"CN=tpp2,O=Palm\, Books,C=AE",
            "",
            "CN",
        ] {
            assert!(!names.subject_is(other), "{other}");
        }
        assert_eq!(names.dns, ["tpp.example"]);
        assert!(names.key.is_some());
    }

    #[test]
    fn bytes_that_are_no_certificate_are_refused() {
        for der in [&b""[..], b"\x30\x03\x02\x01\x01", &[0xff; 64]] {
            assert!(Names::read(der).is_none());
        }
    }
}
