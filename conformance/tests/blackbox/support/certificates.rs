//! Client certificates of our own making: right in everything but what a test changes.

use std::time::Duration;

use conformance::client::Client;
use conformance::host;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};

use super::World;

/// A certificate to be made.
pub(crate) struct Wanted {
    /// Who signs it.
    pub(crate) signer: Signer,
    /// Its subject, in the order of the certificate.
    pub(crate) subject: Vec<(DnType, String)>,
    /// Its alternative names.
    pub(crate) alternative: Vec<SanType>,
    /// Seconds from now to its beginning and its end.
    pub(crate) valid: (i64, i64),
    /// What its key may do.
    pub(crate) usage: KeyUsagePurpose,
    /// What it is for.
    pub(crate) purpose: ExtendedKeyUsagePurpose,
    /// Its key in PKCS#8 PEM; a fresh one otherwise.
    pub(crate) key: Option<String>,
}

/// Who signs a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The authority that the bank trusts.
    Bank,
    /// An authority with the same name and another key.
    Stranger,
    /// The certificate's own key.
    Itself,
}

impl Wanted {
    /// An honest certificate of the bank's authority for this subject.
    pub(crate) fn new(common_name: &str, organisation: &str) -> Self {
        Self {
            signer: Signer::Bank,
            subject: vec![
                (DnType::OrganizationName, organisation.to_owned()),
                (DnType::CommonName, common_name.to_owned()),
            ],
            alternative: Vec::new(),
            valid: (-3600, 86_400),
            usage: KeyUsagePurpose::DigitalSignature,
            purpose: ExtendedKeyUsagePurpose::ClientAuth,
            key: None,
        }
    }

    /// With this subject and no other.
    pub(crate) fn subject(&mut self, subject: &[(DnType, &str)]) {
        self.subject = subject.iter().map(|(kind, value)| (kind.clone(), (*value).to_owned())).collect();
    }

    /// Certificate and key, both PEM.
    pub(crate) fn make(&self, world: &World) -> (String, String) {
        let key = self.key.as_ref().map_or_else(KeyPair::generate, |pem| KeyPair::from_pem(pem)).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in &self.subject {
            params.distinguished_name.push(kind.clone(), value.as_str());
        }
        params.subject_alt_names.clone_from(&self.alternative);
        let instant = |from_now: i64| {
            let second = u64::try_from(host::now() + from_now).unwrap();
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(second)
        };
        (params.not_before, params.not_after) = (instant(self.valid.0), instant(self.valid.1));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![self.usage];
        params.extended_key_usages = vec![self.purpose.clone()];
        let certificate = match self.signer {
            Signer::Bank => params.signed_by(&key, &authority(bank_key(world))),
            Signer::Stranger => params.signed_by(&key, &authority(KeyPair::generate().unwrap())),
            Signer::Itself => params.self_signed(&key),
        };
        (certificate.unwrap().pem(), key.serialize_pem())
    }

    /// A connection that shows it.
    pub(crate) fn shown(&self, world: &World) -> Client {
        let (certificate, key) = self.make(world);
        let client = world.bank.client().unwrap();
        client.with_certificate(certificate.as_bytes(), key.as_bytes()).unwrap()
    }
}

/// A host as an alternative name.
pub(crate) fn dns(host: &str) -> SanType {
    SanType::DnsName(text(host))
}

/// A URI as one.
pub(crate) fn uri(uri: &str) -> SanType {
    SanType::URI(text(uri))
}

/// A mailbox as one.
pub(crate) fn email(address: &str) -> SanType {
    SanType::Rfc822Name(text(address))
}

/// An address as one.
pub(crate) fn ip(address: &str) -> SanType {
    SanType::IpAddress(address.parse().unwrap())
}

fn text(text: &str) -> Ia5String {
    text.try_into().unwrap()
}

fn bank_key(world: &World) -> KeyPair {
    let pem = std::fs::read_to_string(world.bank.directory().join("ca.key.pem")).unwrap();
    KeyPair::from_pem(&pem).unwrap()
}

/// An authority by the name of the bank's.
fn authority(key: KeyPair) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Mandate");
    params.distinguished_name.push(DnType::CommonName, "Mandate local certificate authority");
    Issuer::new(params, key)
}
