//! Calls that the bank makes itself: key sets at the `jwks_uri` of clients.

use std::path::Path;
use std::sync::Arc;

use oauth_core::Clock;
use oauth_core::fetch::{FetchedKeys, KeyCacheSettings, Outbound, OutboundSettings, Reach, SystemResolver};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::assemble::StartFault;
use super::deployment::{CallsPlan, Outbound as Targets};

/// Where operating systems keep the authorities they trust.
const BUNDLES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The key sets of clients, fetched through the guarded client.
///
/// # Errors
/// When the authorities cannot be read.
pub(super) fn client_keys(
    plan: &CallsPlan,
    targets: Targets,
    clock: Arc<dyn Clock>,
) -> Result<Arc<FetchedKeys>, StartFault> {
    let reach = match targets {
        Targets::Public => Reach::Internet,
        Targets::PublicAndLoopback => Reach::InternetAndLoopback,
    };
    let mut settings = OutboundSettings { reach, ..OutboundSettings::default() };
    settings.ports.extend(&plan.ports);
    let trust = (authorities(plan)?, Arc::new(rustls::crypto::ring::default_provider()));
    let outbound = Outbound::new(settings, trust, Arc::new(SystemResolver), clock)
        .map_err(|fault| StartFault::IllFormed(fault.to_string()))?;
    Ok(Arc::new(FetchedKeys::new(Arc::new(outbound), KeyCacheSettings::default())))
}

fn authorities(plan: &CallsPlan) -> Result<RootCertStore, StartFault> {
    let mut roots = RootCertStore::empty();
    match &plan.authorities {
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
    use oauth_core::SystemClock;

    use super::*;

    #[test]
    fn a_file_of_authorities_that_is_not_there_is_named() {
        let missing = CallsPlan { authorities: Some("/no/such.pem".into()), ..CallsPlan::default() };
        let fault = client_keys(&missing, Targets::Public, Arc::new(SystemClock)).unwrap_err();
        assert!(fault.to_string().contains("/no/such.pem"), "{fault}");
    }
}
