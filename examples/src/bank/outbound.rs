//! Calls that the bank makes itself: key sets at the `jwks_uri` of clients.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oauth_core::Clock;
use oauth_core::fetch::{FetchedKeys, KeyCacheSettings, Outbound, OutboundSettings, Reach, SystemResolver};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::assemble::StartFault;

/// `[outbound]` of the deployment file.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundChoice {
    /// Authorities (PEM) that vouch for the servers of clients, instead of those of the operating system.
    pub authorities: Option<PathBuf>,
    /// Ports that may be called besides 443.
    pub ports: Vec<u16>,
    /// Whether servers on this machine may be called.
    pub loopback: Loopback,
}

/// Whether servers on this machine may be called.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loopback {
    /// They may not.
    #[default]
    Refused,
    /// They may, at any port: for test set-ups, which must listen on loopback only themselves.
    Allowed,
}

/// Where operating systems keep the authorities they trust.
const BUNDLES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The key sets of clients, fetched through the guarded client.
///
/// # Errors
/// When the authorities cannot be read, or loopback is to be called by a bank that others can reach.
pub(crate) fn client_keys(
    choice: &OutboundChoice,
    bind: IpAddr,
    clock: Arc<dyn Clock>,
) -> Result<Arc<FetchedKeys>, StartFault> {
    let reach = match choice.loopback {
        Loopback::Refused => Reach::Internet,
        Loopback::Allowed if bind.is_loopback() => Reach::InternetAndLoopback,
        Loopback::Allowed => {
            let why = "outbound.loopback = \"allowed\" is for banks that listen on a loopback address only";
            return Err(StartFault::IllFormed(why.to_owned()));
        }
    };
    let mut settings = OutboundSettings { reach, ..OutboundSettings::default() };
    settings.ports.extend(&choice.ports);
    let trust = (authorities(choice)?, Arc::new(rustls::crypto::ring::default_provider()));
    let outbound = Outbound::new(settings, trust, Arc::new(SystemResolver), clock)
        .map_err(|fault| StartFault::IllFormed(fault.to_string()))?;
    Ok(Arc::new(FetchedKeys::new(Arc::new(outbound), KeyCacheSettings::default())))
}

fn authorities(choice: &OutboundChoice) -> Result<RootCertStore, StartFault> {
    let mut roots = RootCertStore::empty();
    match &choice.authorities {
        Some(path) => {
            for authority in read(path)? {
                roots.add(authority).map_err(|fault| unusable(path, &fault))?;
            }
        }
        None => match BUNDLES.iter().map(Path::new).find(|path| path.exists()) {
            Some(bundle) => {
                let (_, left_out) = roots.add_parsable_certificates(read(bundle)?);
                tracing::debug!(known = roots.len(), left_out, "authorities of the operating system");
            }
            None => {
                tracing::warn!("no authorities found: set outbound.authorities to reach clients' key sets")
            }
        },
    }
    Ok(roots)
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, StartFault> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.map_err(|fault| unusable(path, &fault))
}

fn unusable(path: &Path, fault: &dyn std::fmt::Display) -> StartFault {
    StartFault::IllFormed(format!("outbound.authorities: {}: {fault}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use oauth_core::SystemClock;

    use super::*;

    fn start(choice: &OutboundChoice, bind: Ipv4Addr) -> Result<(), String> {
        client_keys(choice, bind.into(), Arc::new(SystemClock)).map(drop).map_err(|fault| fault.to_string())
    }

    #[test]
    fn only_a_bank_on_loopback_may_call_loopback() {
        let allowed = OutboundChoice { loopback: Loopback::Allowed, ..OutboundChoice::default() };
        assert_eq!(start(&allowed, Ipv4Addr::LOCALHOST), Ok(()));
        assert!(start(&allowed, Ipv4Addr::UNSPECIFIED).unwrap_err().contains("loopback"));
        assert_eq!(start(&OutboundChoice::default(), Ipv4Addr::UNSPECIFIED), Ok(()));
    }

    #[test]
    fn a_file_of_authorities_that_is_not_there_is_named() {
        let missing =
            OutboundChoice { authorities: Some("/no/such.pem".into()), ..OutboundChoice::default() };
        assert!(start(&missing, Ipv4Addr::LOCALHOST).unwrap_err().contains("/no/such.pem"));
    }
}
