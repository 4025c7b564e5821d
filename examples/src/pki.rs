//! A certificate authority for one machine, so that a first start speaks TLS without any preparation.
//!
//! A bank brings its own certificates (`ServerIdentity::read`); the local authority is for development, tests and
//! conformance runs. Whoever trusts its `ca.pem` trusts whoever can read `ca.key.pem`.

mod names;
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use oauth_core::{Seconds, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub use names::{AlternativeName, ClientNames};

use self::server::Maker;
use crate::keys::{self, Access, Existing, KeyAlgorithm, KeyFault};

/// How long the authority's own certificate is good for.
pub const AUTHORITY_LIFETIME: Seconds = Seconds::days(3650);
/// How long a certificate issued here is good for; browsers refuse more than 825 days even from a local authority.
pub const CERTIFICATE_LIFETIME: Seconds = Seconds::days(820);
/// A server certificate with less than this left is replaced at start.
pub const RENEWAL_WINDOW: Seconds = Seconds::days(30);

/// Certificates become good a little before they are made, for peers whose clock is behind.
const BACKDATED: Seconds = Seconds::minutes(60);
const SERVER_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const AUTHORITY_NAME: &str = "Mandate local certificate authority";

/// The authority, loaded, and the server identity it issued.
#[derive(Debug)]
pub struct LocalPki {
    authority_pem: String,
    authority: CertificateDer<'static>,
    authority_key: KeyPair,
    server: ServerIdentity,
}

/// A certificate chain, end entity first, and its private key.
#[derive(Debug)]
pub struct ServerIdentity {
    /// The chain as it is sent.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of its first certificate.
    pub key: PrivateKeyDer<'static>,
}

/// A client certificate and its private key, both PEM.
pub struct ClientIdentity {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key, PKCS#8. A secret.
    pub key_pem: String,
}

/// Why the local authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PkiFault {
    /// A file cannot be made, read, or trusted.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The certificate is there, its key is not. Making another would void every certificate issued so far.
    #[error("{} has no private key beside it; bring it back, or remove both to start over", certificate.display())]
    KeyMissing {
        /// The authority's certificate.
        certificate: PathBuf,
    },
    /// The authority's certificate is not an authority's, not its key's, or at its end; browsers check all three.
    #[error("{} cannot vouch for this server; remove it and its key to start over", certificate.display())]
    CannotVouch {
        /// The authority's certificate.
        certificate: PathBuf,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    NotIssued(#[from] rcgen::Error),
}

impl LocalPki {
    /// Loads the authority and server identity kept in `dir`; makes what is missing; renews the server certificate
    /// when it has less than [`RENEWAL_WINDOW`] left or no longer verifies. Blocks: files are synced.
    ///
    /// # Errors
    /// [`PkiFault`]; each says which file it is about.
    pub fn ensure(dir: &Path, now: Timestamp) -> Result<Self, PkiFault> {
        Self::ensure_for(dir, &[], now)
    }

    /// The same for a server that is reached by further host names.
    ///
    /// # Errors
    /// As of [`LocalPki::ensure`].
    pub fn ensure_for(dir: &Path, hosts: &[String], now: Timestamp) -> Result<Self, PkiFault> {
        let random = SystemRandom::new();
        let certificate_path = dir.join("ca.pem");
        let key_path = dir.join("ca.key.pem");
        let known = read_public(&certificate_path)?;
        if known.is_some() && keys::read_secret(&key_path)?.is_none() {
            return Err(PkiFault::KeyMissing { certificate: certificate_path });
        }
        let authority_key = ensure_key(&key_path, &random)?;
        let authority_pem = match known {
            Some(pem) => pem,
            None => {
                let made = authority_params(now, &random)?.self_signed(&authority_key)?;
                keys::place(&certificate_path, made.pem().as_bytes(), Access::Everyone, Existing::Keep)?;
                read_public(&certificate_path)?.unwrap_or_else(|| made.pem())
            }
        };
        let authority = one_certificate(&certificate_path, &authority_pem)?;
        if !vouches(&authority, &authority_key, now) {
            return Err(PkiFault::CannotVouch { certificate: certificate_path });
        }
        let mut names: Vec<String> = SERVER_NAMES.map(str::to_owned).to_vec();
        names.extend(hosts.iter().filter(|host| !SERVER_NAMES.contains(&host.as_str())).cloned());
        let (authority_of, key_of) = (&authority, &authority_key);
        let maker =
            Maker { dir, now, names, random: &random, authority: authority_of, authority_key: key_of };
        let server = maker.server()?;
        Ok(Self { authority_pem, authority, authority_key, server })
    }

    /// The authority's certificate: what clients put into their trust store.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// The same in DER.
    #[must_use]
    pub const fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    /// The identity for localhost, 127.0.0.1 and ::1.
    #[must_use]
    pub const fn server(&self) -> &ServerIdentity {
        &self.server
    }

    /// A client certificate of this authority (RFC 8705 section 2.1), good for TLS client authentication only.
    ///
    /// # Errors
    /// [`PkiFault`], when random bytes or names cannot be had.
    pub fn issue_client_certificate(
        &self,
        names: &ClientNames<'_>,
        now: Timestamp,
    ) -> Result<ClientIdentity, PkiFault> {
        let random = SystemRandom::new();
        let params = client_params(names, now, &random)?;
        let (key, key_pem) = new_key(&random)?;
        let certificate = params.signed_by(&key, &issuer(now, &random, &self.authority_key)?)?;
        Ok(ClientIdentity { certificate_pem: certificate.pem(), key_pem })
    }

    /// A certificate of this authority for a server on this machine: where a demo third party listens for events.
    ///
    /// # Errors
    /// [`PkiFault`], when random bytes cannot be had.
    pub fn issue_server_certificate(&self, now: Timestamp) -> Result<ClientIdentity, PkiFault> {
        let random = SystemRandom::new();
        let (key, key_pem) = new_key(&random)?;
        let names = SERVER_NAMES.map(str::to_owned);
        let certificate = server::params(&names, now, &random)?
            .signed_by(&key, &issuer(now, &random, &self.authority_key)?)?;
        Ok(ClientIdentity { certificate_pem: certificate.pem(), key_pem })
    }
}

/// A client certificate that only its own key vouches for (RFC 8705 section 2.2).
///
/// # Errors
/// [`PkiFault`], when random bytes or names cannot be had.
pub fn self_signed_client_certificate(
    names: &ClientNames<'_>,
    now: Timestamp,
) -> Result<ClientIdentity, PkiFault> {
    let random = SystemRandom::new();
    let (key, key_pem) = new_key(&random)?;
    let certificate = client_params(names, now, &random)?.self_signed(&key)?;
    Ok(ClientIdentity { certificate_pem: certificate.pem(), key_pem })
}

impl ServerIdentity {
    /// Reads a chain and its key from PEM files, as a bank supplies them.
    ///
    /// # Errors
    /// [`PkiFault::Key`], when a file is missing, malformed, or open to others.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, PkiFault> {
        let missing = |path: &Path, expected| KeyFault::Unreadable { path: path.to_owned(), expected };
        let chain_pem = read_public(chain)?.ok_or_else(|| missing(chain, "a certificate chain"))?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| missing(chain, "a certificate chain in PEM"))?;
        if certificates.is_empty() {
            return Err(missing(chain, "a certificate chain in PEM").into());
        }
        let key_pem = keys::read_secret(key)?.ok_or_else(|| missing(key, "a private key"))?;
        let key_der =
            PrivateKeyDer::from_pem_slice(&key_pem).map_err(|_| missing(key, "a private key in PEM"))?;
        Ok(Self { chain: certificates, key: key_der })
    }
}

/// Path validation takes a trust anchor as given (RFC 5280 section 6.1.1), so its own state is looked at here.
fn vouches(authority: &CertificateDer<'_>, key: &KeyPair, now: Timestamp) -> bool {
    X509Certificate::from_der(authority).is_ok_and(|(_, certificate)| {
        certificate.is_ca()
            && certificate.public_key().subject_public_key.data == key.public_key_raw()
            && certificate.validity().not_before.timestamp() <= now.seconds()
            && certificate.validity().not_after.timestamp() > now.plus(RENEWAL_WINDOW).seconds()
    })
}

fn authority_params(now: Timestamp, random: &SystemRandom) -> Result<CertificateParams, PkiFault> {
    let mut params = CertificateParams::default();
    dress(&mut params, now, AUTHORITY_LIFETIME, random)?;
    params.distinguished_name = named(AUTHORITY_NAME, "Mandate");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = false;
    Ok(params)
}

fn client_params(
    names: &ClientNames<'_>,
    now: Timestamp,
    random: &SystemRandom,
) -> Result<CertificateParams, PkiFault> {
    let mut params = CertificateParams::default();
    dress(&mut params, now, CERTIFICATE_LIFETIME, random)?;
    params.distinguished_name = named(names.common_name, names.organisation);
    params.subject_alt_names =
        names.alternative.map(AlternativeName::entry).transpose()?.into_iter().collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// What all certificates share: a random serial number (RFC 5280 section 4.1.2.2), validity, key usage.
fn dress(
    params: &mut CertificateParams,
    now: Timestamp,
    lifetime: Seconds,
    random: &SystemRandom,
) -> Result<(), PkiFault> {
    let mut serial = [0_u8; 16];
    random.fill(&mut serial).map_err(|_| KeyFault::NotGenerated)?;
    if let Some(first) = serial.first_mut() {
        // A positive number whose length never varies.
        *first = *first & 0x7f | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let start = now.minus(BACKDATED);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_epoch(start);
    params.not_after = epoch + since_epoch(start.plus(lifetime));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(())
}

fn named(common_name: &str, organisation: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organisation);
    name.push(DnType::CommonName, common_name);
    name
}

fn issuer<'a>(
    now: Timestamp,
    random: &SystemRandom,
    key: &'a KeyPair,
) -> Result<Issuer<'static, &'a KeyPair>, PkiFault> {
    Ok(Issuer::new(authority_params(now, random)?, key))
}

/// Certificates can say the years 1970 to 9999; other instants are moved to the nearer end.
fn since_epoch(at: Timestamp) -> Duration {
    const LAST_SECOND_OF_9999: i64 = 253_402_300_799;
    Duration::from_secs(at.seconds().clamp(0, LAST_SECOND_OF_9999).unsigned_abs())
}

/// The same instant, as rustls counts.
pub(crate) fn unix_time(at: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(since_epoch(at))
}

fn new_key(random: &SystemRandom) -> Result<(KeyPair, String), PkiFault> {
    let pem = keys::generate(KeyAlgorithm::Es256, random)?;
    Ok((KeyPair::from_pem(&pem)?, pem))
}

fn ensure_key(path: &Path, random: &SystemRandom) -> Result<KeyPair, PkiFault> {
    let key = keys::ensure_es256(path, random)?;
    Ok(KeyPair::try_from(&key.pkcs8)?)
}

fn read_public(path: &Path) -> Result<Option<String>, KeyFault> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyFault::File { action: "read", path: path.to_owned(), source }),
    }
}

fn one_certificate(path: &Path, pem: &str) -> Result<CertificateDer<'static>, KeyFault> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| KeyFault::Unreadable { path: path.to_owned(), expected: "a certificate in PEM" })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::keys::tests::Scratch;

    /// The real time: peers in these tests check certificates by it.
    pub(crate) fn real_now() -> Timestamp {
        Timestamp::from_seconds(i64::try_from(UnixTime::now().as_secs()).unwrap())
    }

    fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
        entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
    }

    #[test]
    fn a_second_start_reuses_the_same_files_byte_for_byte() {
        let dir = Scratch::new();
        LocalPki::ensure(&dir.0, real_now()).unwrap();
        let before = files(&dir.0);
        assert_eq!(
            before.keys().collect::<Vec<_>>(),
            ["ca.key.pem", "ca.pem", "server.key.pem", "server.pem"]
        );
        LocalPki::ensure(&dir.0, real_now().plus(Seconds::days(1))).unwrap();
        assert_eq!(files(&dir.0), before);
    }

    #[test]
    fn private_keys_are_written_for_their_owner_alone() {
        let dir = Scratch::new();
        LocalPki::ensure(&dir.0, real_now()).unwrap();
        for name in ["ca.key.pem", "server.key.pem"] {
            assert_eq!(fs::metadata(dir.0.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
            fs::set_permissions(dir.0.join(name), fs::Permissions::from_mode(0o644)).unwrap();
            let fault = LocalPki::ensure(&dir.0, real_now()).unwrap_err();
            assert!(matches!(fault, PkiFault::Key(KeyFault::OpenToOthers { .. })), "{name}: {fault}");
            fs::set_permissions(dir.0.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    #[test]
    fn the_server_certificate_is_renewed_thirty_days_before_its_end_and_not_earlier() {
        let dir = Scratch::new();
        let start = real_now();
        LocalPki::ensure(&dir.0, start).unwrap();
        let before = files(&dir.0);
        LocalPki::ensure(&dir.0, start.plus(Seconds::days(789))).unwrap();
        assert_eq!(files(&dir.0), before);
        LocalPki::ensure(&dir.0, start.plus(Seconds::days(791))).unwrap();
        let after = files(&dir.0);
        assert_eq!(after["ca.pem"], before["ca.pem"]);
        assert_ne!(after["server.pem"], before["server.pem"]);
    }

    #[test]
    fn a_renewal_that_was_cut_short_between_its_two_files_is_healed() {
        let dir = Scratch::new();
        LocalPki::ensure(&dir.0, real_now()).unwrap();
        let (_, stray) = new_key(&SystemRandom::new()).unwrap();
        keys::place(&dir.0.join("server.key.pem"), stray.as_bytes(), Access::Owner, Existing::Replace)
            .unwrap();
        LocalPki::ensure(&dir.0, real_now()).unwrap();
        assert_ne!(files(&dir.0)["server.key.pem"], stray.into_bytes());
    }

    #[test]
    fn an_authority_without_its_key_is_never_replaced() {
        let dir = Scratch::new();
        LocalPki::ensure(&dir.0, real_now()).unwrap();
        fs::remove_file(dir.0.join("ca.key.pem")).unwrap();
        let before = files(&dir.0);
        assert!(matches!(LocalPki::ensure(&dir.0, real_now()), Err(PkiFault::KeyMissing { .. })));
        assert_eq!(files(&dir.0), before);
    }

    #[test]
    fn an_authority_with_a_key_of_another_pair_or_past_its_end_is_reported() {
        let dir = Scratch::new();
        let start = real_now();
        LocalPki::ensure(&dir.0, start).unwrap();
        let late = LocalPki::ensure(&dir.0, start.plus(Seconds::days(3640)));
        assert!(matches!(late, Err(PkiFault::CannotVouch { .. })));
        let (_, stray) = new_key(&SystemRandom::new()).unwrap();
        keys::place(&dir.0.join("ca.key.pem"), stray.as_bytes(), Access::Owner, Existing::Replace).unwrap();
        let before = files(&dir.0);
        assert!(matches!(LocalPki::ensure(&dir.0, start), Err(PkiFault::CannotVouch { .. })));
        assert_eq!(files(&dir.0), before);
    }

    #[test]
    fn certificates_say_what_they_are_for_and_nothing_more() {
        let dir = Scratch::new();
        let pki = LocalPki::ensure(&dir.0, real_now()).unwrap();
        let (_, ca) = X509Certificate::from_der(pki.authority()).unwrap();
        assert!(ca.is_ca());
        let (_, server) = X509Certificate::from_der(&pki.server().chain[0]).unwrap();
        assert!(!server.is_ca());
        let days =
            (server.validity().not_after.timestamp() - server.validity().not_before.timestamp()) / 86_400;
        assert!(days <= 825, "{days}");
        let usage = server.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.server_auth && !usage.client_auth);
        assert_eq!(server.subject_alternative_name().unwrap().unwrap().value.general_names.len(), 3);

        let client =
            pki.issue_client_certificate(&ClientNames::new("tpp-1", "A Third Party"), real_now()).unwrap();
        let der = CertificateDer::from_pem_slice(client.certificate_pem.as_bytes()).unwrap();
        let (_, client) = X509Certificate::from_der(&der).unwrap();
        let usage = client.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth);
        assert_eq!(client.subject().to_string(), "O=A Third Party, CN=tpp-1");
        assert_eq!(client.issuer(), ca.subject());
    }

    #[test]
    fn instants_that_certificates_cannot_say_do_not_panic() {
        let dir = Scratch::new();
        for at in [Timestamp::FAR_FUTURE, Timestamp::from_millis(i64::MIN), Timestamp::EPOCH] {
            let _ = self_signed_client_certificate(&ClientNames::new("tpp", "TPP"), at);
            let _ = LocalPki::ensure(&dir.0, at);
            let _ = fs::remove_dir_all(&dir.0);
        }
    }
}
