//! Calls that the bank makes itself: key sets at the `jwks_uri` of clients, and events.

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

/// What calls rest on: whom they reach, whom they trust, what time it is.
pub(super) struct Calls<'a> {
    /// Ports and authorities of the deployment.
    pub(super) plan: &'a CallsPlan,
    /// Where targets may be.
    pub(super) targets: Targets,
    /// The bank's own authority, trusted where targets may be on this machine: what listens there has its certificates.
    pub(super) local: &'a CertificateDer<'static>,
    /// For the dates in certificates.
    pub(super) clock: &'a Arc<dyn Clock>,
}

impl Calls<'_> {
    /// The key sets of clients, fetched through the guarded client.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub(super) fn client_keys(&self) -> Result<Arc<FetchedKeys>, StartFault> {
        let outbound = self.client(OutboundSettings::default())?;
        Ok(Arc::new(FetchedKeys::new(outbound, KeyCacheSettings::default())))
    }

    /// The guarded client that carries events.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub(super) fn courier(&self) -> Result<Arc<Outbound>, StartFault> {
        self.client(OutboundSettings::default().for_webhooks())
    }

    fn client(&self, settings: OutboundSettings) -> Result<Arc<Outbound>, StartFault> {
        let mut roots = authorities(self.plan)?;
        let reach = match self.targets {
            Targets::Public => Reach::Internet,
            Targets::PublicAndLoopback => {
                roots.add(self.local.clone()).map_err(|fault| StartFault::IllFormed(fault.to_string()))?;
                Reach::InternetAndLoopback
            }
        };
        let mut settings = OutboundSettings { reach, ..settings };
        settings.ports.extend(&self.plan.ports);
        let trust = (roots, Arc::new(rustls::crypto::ring::default_provider()));
        let outbound = Outbound::new(settings, trust, Arc::new(SystemResolver), Arc::clone(self.clock));
        Ok(Arc::new(outbound.map_err(|fault| StartFault::IllFormed(fault.to_string()))?))
    }
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
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let calls = Calls {
            plan: &missing,
            targets: Targets::Public,
            local: &CertificateDer::from(Vec::new()),
            clock: &clock,
        };
        let fault = calls.client_keys().unwrap_err();
        assert!(fault.to_string().contains("/no/such.pem"), "{fault}");
    }
}
