//! The three listeners: for browsers and third parties, for client certificates, for operators.

use std::sync::Arc;

use oauth_core::{Clock, CorrelationId, Entropy};
use rustls::crypto::CryptoProvider;
use tokio::net::TcpListener;

use super::assemble::StartFault;
use super::data_dir::DataDir;
use super::deployment::{Deployment, Ends};
use crate::serve::{Authorities, Edge, EdgeLimits, Listener};
use crate::tls::{ChainTrust, ClientCertificates, server_config};

/// The three listeners, bound.
pub(super) struct Listeners {
    pub(super) public: Listener,
    pub(super) mtls: Listener,
    pub(super) admin: Listener,
}

impl Listeners {
    pub(super) async fn bind(
        deployment: &Deployment,
        ends: &Ends,
        data: &DataDir,
        (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
    ) -> Result<Self, StartFault> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = ChainTrust::new(&data.client_authorities, Arc::clone(&provider))?;
        let tls =
            |ask, provider: &Arc<CryptoProvider>| server_config(data.server(), ask, Arc::clone(provider));
        let names = names(deployment, ends);
        let edge = |port: u16| edge(port, &names, (clock, entropy));
        let [public_port, mtls_port, admin_port] = ends.ports;
        let public = socket(deployment.address(public_port)).await?;
        let mtls = socket(deployment.address(mtls_port)).await?;
        let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], admin_port));
        let admin = socket(loopback).await?;
        Ok(Self {
            public: Listener::tls(
                public,
                Arc::new(tls(ClientCertificates::NotAsked, &provider)?),
                trust.clone(),
                edge(public_port),
            ),
            mtls: Listener::tls(
                mtls,
                Arc::new(tls(ClientCertificates::Optional, &provider)?),
                trust,
                edge(mtls_port),
            ),
            admin: Listener::plain(admin, edge(admin_port)),
        })
    }
}

async fn socket(address: std::net::SocketAddr) -> Result<TcpListener, StartFault> {
    TcpListener::bind(address).await.map_err(|source| StartFault::Socket { address, source })
}

/// Every `host:port` under which the deployment is reached from outside, by whichever listener.
fn names(deployment: &Deployment, ends: &Ends) -> Vec<String> {
    let issuers = deployment.issuers.iter();
    let origins = issuers.flat_map(|issuer| [issuer.issuer().origin(), issuer.mtls_origin()]);
    let authority = |origin: &str| origin.strip_prefix("https://").unwrap_or(origin).to_owned();
    let with_port = |name: String| if name.contains(':') { name } else { format!("{name}:443") };
    origins.chain([ends.origin.as_str(), ends.mtls_origin.as_str()]).map(authority).map(with_port).collect()
}

fn edge(port: u16, outside: &[String], (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>)) -> Edge {
    let names = [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
    let (clock, entropy) = (Arc::clone(clock), Arc::clone(entropy));
    Edge {
        authorities: Authorities::new(names.iter().chain(outside).map(String::as_str)),
        limits: EdgeLimits::default(),
        now: Arc::new(move || clock.now()),
        correlation: Arc::new(move || correlation(&*entropy)),
    }
}

/// A name for a request that failed without one.
fn correlation(entropy: &dyn Entropy) -> CorrelationId {
    let bytes = entropy.draw().map(|bytes| *bytes).unwrap_or_default();
    let (random, _) = bytes.split_at(16);
    let uuid = uuid::Builder::from_random_bytes(random.try_into().unwrap_or_default()).into_uuid();
    CorrelationId::new(&uuid.to_string()).unwrap_or_else(|_| unreachable_name())
}

/// A UUID is always a well-formed correlation identifier; this name stands in for the proof.
fn unreachable_name() -> CorrelationId {
    CorrelationId::new("unnamed").unwrap_or_else(|_| unreachable_name())
}
