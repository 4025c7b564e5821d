//! The customer's part in a real browser: open the URL, wait on the loopback address for exactly one response
//! (RFC 8252 section 7.3).

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::Tpp;
use super::config::ConfigFault;
use super::error::Stop;
use super::flow::Pending;

/// How long the customer may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long one connection may take to say what it wants.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a request head.
const REQUEST_BYTES: usize = 16 * 1024;

/// Opens the browser and returns the URL that it came back with.
pub(crate) async fn approve(tpp: &Tpp, pending: &Pending) -> Result<String, Stop> {
    tpp.narrator.step("Sign in and approve at the bank, in the browser", "RFC 6749 section 4.1.1, RFC 8252");
    let (address, path) = loopback(&pending.redirect_uri)?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Stop::local("waiting for the browser", format!("{address}: {error}")))?;
    tpp.narrator.say("open this address if no browser appears:");
    tpp.narrator.say(&pending.url);
    open(&pending.url);
    let target = tokio::time::timeout(PATIENCE, first_response(&listener, &path)).await;
    let target = target
        .map_err(|_| Stop::Declined(format!("no answer from the browser within {} s", PATIENCE.as_secs())))?
        .map_err(|error| Stop::local("waiting for the browser", error))?;
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let before_query = pending.redirect_uri.split('?').next().unwrap_or_default();
    Ok(format!("{before_query}?{query}"))
}

/// The address to listen on. Only loopback: the code in the response is not for others on the network.
pub(crate) fn loopback(redirect_uri: &str) -> Result<(SocketAddr, String), ConfigFault> {
    let fault = || ConfigFault::Value {
        member: "redirect_uri".to_owned(),
        why: "a browser can only come back to http://127.0.0.1:PORT/...; use such a one, or --headless"
            .to_owned(),
    };
    let url = Url::parse(redirect_uri).map_err(|_| fault())?;
    let port = url.port().ok_or_else(fault)?;
    let address = match url.host() {
        Some(url::Host::Ipv4(ip)) if ip.is_loopback() => SocketAddr::from((ip, port)),
        Some(url::Host::Ipv6(ip)) if ip.is_loopback() => SocketAddr::from((ip, port)),
        Some(url::Host::Domain("localhost")) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        Some(url::Host::Ipv4(_) | url::Host::Ipv6(_) | url::Host::Domain(_)) | None => return Err(fault()),
    };
    if url.scheme() == "http" { Ok((address, url.path().to_owned())) } else { Err(fault()) }
}

/// A browser that cannot be started is no fault: the address has been printed.
fn open(url: &str) {
    for program in ["xdg-open", "open"] {
        let started = std::process::Command::new(program)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if started.is_ok() {
            return;
        }
    }
}

/// Answers connections one by one until one asks for the redirect URI's path; its target is the response.
async fn first_response(listener: &TcpListener, path: &str) -> std::io::Result<String> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let asked = tokio::time::timeout(REQUEST_PATIENCE, read_target(&mut stream)).await;
        let Ok(Some(target)) = asked else {
            continue;
        };
        let is_response = target.split('?').next() == Some(path);
        let answer = if is_response { page("200 OK", RECEIVED) } else { page("404 Not Found", NOTHING) };
        // The browser may have gone; the response has arrived all the same.
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        if is_response {
            return Ok(target);
        }
    }
}

/// The target of a GET, from a request head within the limits.
async fn read_target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).await.ok()?;
        head.extend_from_slice(chunk.get(..count)?);
        if count == 0 || head.len() > REQUEST_BYTES {
            return None;
        }
    }
    let line = head.split(|byte| *byte == b'\r').next()?;
    let target = std::str::from_utf8(line).ok()?.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
    let is_plain = target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| target.to_owned())
}

const RECEIVED: &str = "The bank's answer has arrived. You can close this page.";
const NOTHING: &str = "Nothing here.";

fn page(status: &str, text: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>TPP</title><p>{text}</p></html>"
    );
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_address_is_listened_on() {
        let (address, path) = loopback("http://127.0.0.1:9473/callback").unwrap();
        assert_eq!((address.to_string().as_str(), path.as_str()), ("127.0.0.1:9473", "/callback"));
        assert!(loopback("http://[::1]:9473/callback").is_ok());
        for bad in [
            "http://192.0.2.1:9473/cb",
            "https://tpp.example/cb",
            "http://0.0.0.0:9473/cb",
            "http://127.0.0.1/cb",
        ] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn the_first_request_for_the_path_is_the_response_and_others_are_turned_away() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let ask = |target: &'static str| async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let browser = async {
            assert!(ask("/favicon.ico").await.starts_with("HTTP/1.1 404"));
            let answer = ask("/callback?code=a&state=b").await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("close this page"), "{answer}");
        };
        let (response, ()) = tokio::join!(first_response(&listener, "/callback"), browser);
        assert_eq!(response.unwrap(), "/callback?code=a&state=b");
    }
}
