//! RFC 8705 section 2.1.2: what a certificate of `tls_client_auth` is recognised by.

use std::net::IpAddr;

use super::client::ClientMetadata;
use super::distinguished_name::DistinguishedName;

/// The one attribute a client certificate is matched by (RFC 8705 section 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSubject {
    /// `tls_client_auth_subject_dn`.
    Dn(DistinguishedName),
    /// `tls_client_auth_san_dns`.
    SanDns(String),
    /// `tls_client_auth_san_uri`.
    SanUri(String),
    /// `tls_client_auth_san_ip`.
    SanIp(IpAddr),
    /// `tls_client_auth_san_email`.
    SanEmail(String),
}

/// RFC 8705 section 2.1.2: exactly one of the subject members.
pub(super) fn read(
    metadata: &ClientMetadata,
    blame: &mut impl FnMut(&'static str, &str),
) -> Option<CertificateSubject> {
    type Read = fn(&str) -> Result<CertificateSubject, String>;
    let members: [(&'static str, &Option<String>, Read); 5] = [
        ("tls_client_auth_subject_dn", &metadata.tls_client_auth_subject_dn, |text| {
            DistinguishedName::parse(text).map(CertificateSubject::Dn).map_err(|fault| fault.to_string())
        }),
        ("tls_client_auth_san_dns", &metadata.tls_client_auth_san_dns, |text| match text.contains('*') {
            true => Err("names one host: a wildcard would let in every host below it".to_owned()),
            false => Ok(CertificateSubject::SanDns(text.to_owned())),
        }),
        ("tls_client_auth_san_uri", &metadata.tls_client_auth_san_uri, |text| {
            Ok(CertificateSubject::SanUri(text.to_owned()))
        }),
        ("tls_client_auth_san_ip", &metadata.tls_client_auth_san_ip, |text| {
            let address = text.parse().map(CertificateSubject::SanIp);
            address.map_err(|_| "an IP address, like 192.0.2.7 or 2001:db8::7".to_owned())
        }),
        ("tls_client_auth_san_email", &metadata.tls_client_auth_san_email, |text| match text.contains('@') {
            true => Ok(CertificateSubject::SanEmail(text.to_owned())),
            false => Err("an email address".to_owned()),
        }),
    ];
    let mut named =
        members.iter().filter_map(|(name, text, read)| text.as_deref().map(|it| (*name, it, read)));
    match (named.next(), named.next()) {
        (Some((name, text, read)), None) => match read(text) {
            Ok(subject) => Some(subject),
            Err(message) => {
                blame(name, &message);
                None
            }
        },
        (None, _) | (Some(_), Some(_)) => {
            blame("tls_client_auth_subject_dn", "name exactly one subject attribute of the certificate");
            None
        }
    }
}
