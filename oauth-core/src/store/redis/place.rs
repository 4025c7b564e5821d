//! Where Redis is, and that the way to it is protected.

use redis::{Client, ConnectionAddr, IntoConnectionInfo as _, TlsCertificates};

use super::RedisTrouble;
use crate::store::{PLAINTEXT, stays_here, take_parameters};

/// A client for the server of this URL. Reads the authority's file, if one is named; opens no connection.
pub(super) fn client(text: &str) -> Result<Client, RedisTrouble> {
    let settings = |_| RedisTrouble::Settings;
    let mut url = ::url::Url::parse(text).map_err(|_| RedisTrouble::Settings)?;
    let (name, accepted) = PLAINTEXT;
    let taken = take_parameters(&mut url, [name, AUTHORITY]).ok_or(RedisTrouble::Settings)?;
    let [plaintext, authority] = taken;
    if plaintext.as_ref().is_some_and(|value| value != accepted) {
        return Err(RedisTrouble::Settings);
    }
    let server = url.as_str().into_connection_info().map_err(settings)?;
    if let ConnectionAddr::TcpTls { insecure, .. } = server.addr() {
        if *insecure {
            return Err(RedisTrouble::Settings);
        }
        provide();
        return match authority {
            None => Client::open(server).map_err(settings),
            Some(file) => {
                let root_cert = Some(std::fs::read(file).map_err(|_| RedisTrouble::Authority)?);
                let certificates = TlsCertificates { client_tls: None, root_cert };
                Client::build_with_tls(server, certificates).map_err(|_| RedisTrouble::Authority)
            }
        };
    }
    let here = match server.addr() {
        ConnectionAddr::Tcp(host, _) => stays_here(host),
        ConnectionAddr::TcpTls { .. } | ConnectionAddr::Unix(_) => true,
        _ => false,
    };
    if authority.is_some() {
        return Err(RedisTrouble::Settings);
    }
    if !here && plaintext.is_none() {
        return Err(RedisTrouble::Plaintext);
    }
    Client::open(server).map_err(settings)
}

/// Named as in the URLs of PostgreSQL.
const AUTHORITY: &str = "sslrootcert";

/// The driver takes the cryptography of its TLS from the process; where nobody has chosen one, it is ring.
fn provide() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may choose at this very moment; then theirs it is.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redis_on_another_machine_is_reached_over_tls_unless_the_url_accepts_otherwise() {
        for good in [
            "redis://127.0.0.1:6379",
            "redis://:secret@localhost/1",
            "redis://[::1]",
            "unix:///run/redis.sock",
            "rediss://redis.example",
            "redis://10.0.0.5/?plaintext=allowed",
        ] {
            assert!(client(good).is_ok(), "{good}");
        }
        for bad in ["redis://redis.example", "redis://10.0.0.5:6379/2", "valkey://redis.example"] {
            assert_eq!(client(bad).err(), Some(RedisTrouble::Plaintext), "{bad}");
        }
        for bad in [
            "rediss://redis.example/#insecure",
            "redis://localhost/?sslrootcert=ca.pem",
            "redis://10.0.0.5/?plaintext=yes",
            "http://redis.example",
            "redis.example:6379",
            "",
        ] {
            assert_eq!(client(bad).err(), Some(RedisTrouble::Settings), "{bad}");
        }
        let missing = client("rediss://redis.example/?sslrootcert=/nowhere/ca.pem");
        assert_eq!(missing.err(), Some(RedisTrouble::Authority));
    }
}
