//! From a URL to a verified TLS connection with the address that was judged.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::Reach;
use super::outbound::OutboundFault;
use super::resolve::Resolve;
use crate::port::clock::Clock;
use crate::vocabulary::https_url::{Host, HttpsUrl};

/// Addresses of one name that are tried.
const ATTEMPTS: usize = 4;
/// Time for one of them to answer, so that the next one has its chance.
const ATTEMPT_TIME: Duration = Duration::from_millis(1000);

/// Opens connections.
pub(crate) struct Connector {
    pub(crate) reach: Reach,
    pub(crate) ports: Vec<u16>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) tls: TlsConnector,
}

impl Connector {
    /// A connection whose other end has proven to be the host of this URL.
    pub(crate) async fn open(&self, url: &HttpsUrl) -> Result<TlsStream<TcpStream>, OutboundFault> {
        let addresses = self.judged(url).await?;
        let name = match url.host() {
            Host::Name(name) => ServerName::try_from(name.as_ref().to_owned())
                .map_err(|_| OutboundFault::Unresolved("not a server name".to_owned()))?,
            Host::V4(address) => ServerName::from(IpAddr::from(*address)),
            Host::V6(address) => ServerName::from(IpAddr::from(*address)),
        };
        let stream = reach_one_of(&addresses, url.port()).await?;
        self.tls.connect(name, stream).await.map_err(|fault| OutboundFault::Tls(fault.to_string()))
    }

    /// The addresses of a host, when every one of them may be called. A name with good and bad ones is refused as a
    /// whole: it is misconfigured or an attempt.
    async fn judged(&self, url: &HttpsUrl) -> Result<Vec<IpAddr>, OutboundFault> {
        let addresses = match url.host() {
            Host::V4(address) => vec![IpAddr::from(*address)],
            Host::V6(address) => vec![IpAddr::from(*address)],
            Host::Name(name) => {
                let found = self.resolver.addresses(name).await;
                found.map_err(|fault| OutboundFault::Unresolved(fault.to_string()))?
            }
        };
        for address in &addresses {
            self.reach.judge(*address).map_err(OutboundFault::Address)?;
        }
        // what is called on loopback in a test set-up listens on any port
        let is_public = |address: &IpAddr| Reach::Internet.judge(*address).is_ok();
        if !self.ports.contains(&url.port()) && (addresses.is_empty() || addresses.iter().any(is_public)) {
            return Err(OutboundFault::Port(url.port()));
        }
        Ok(addresses)
    }
}

async fn reach_one_of(addresses: &[IpAddr], port: u16) -> Result<TcpStream, OutboundFault> {
    let mut last = OutboundFault::Unresolved("the name has no address".to_owned());
    for address in addresses.iter().take(ATTEMPTS) {
        let attempt = TcpStream::connect(SocketAddr::new(*address, port));
        match tokio::time::timeout(ATTEMPT_TIME, attempt).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(fault)) => last = OutboundFault::Unreachable(fault.to_string()),
            Err(_) => last = OutboundFault::Unreachable("no answer".to_owned()),
        }
    }
    Err(last)
}

/// TLS 1.3 and 1.2 without client certificate. Sessions are not resumed: a resumed one would not look at the certificate
/// again.
pub(crate) fn tls(
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
    clock: Arc<dyn Clock>,
) -> Result<TlsConnector, rustls::Error> {
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Told(clock)))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The clock of the server, for the dates in certificates.
struct Told(Arc<dyn Clock>);

impl TimeProvider for Told {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told(…)")
    }
}
