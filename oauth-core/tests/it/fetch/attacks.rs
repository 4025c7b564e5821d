//! What a server that somebody else named may try.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use oauth_core::HttpsUrl;
use oauth_core::fetch::{Answered, Outbound, OutboundFault, OutboundSettings, Outgoing, Reach};

use super::server::{Certificate, Names, Say, Server, answer, json, published, trap};

async fn get(outbound: &Outbound, url: &HttpsUrl) -> Result<Answered, OutboundFault> {
    let (headers, body) = (HeaderMap::new(), Bytes::new());
    outbound.call(Outgoing { method: Method::GET, url, headers, body, answer_bytes: 64 * 1024 }).await
}

#[tokio::test]
async fn an_honest_server_is_asked_without_credentials_cookies_or_compression() {
    let server = Server::start(json("{}")).await;
    let answered = get(&server.outbound(), &server.url("/jwks?v=1")).await.unwrap();
    assert_eq!((answered.status, &answered.body[..]), (StatusCode::OK, &b"{}"[..]));
    let head = server.heads.lock().unwrap().remove(0).to_lowercase();
    assert!(head.starts_with("get /jwks?v=1 http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nhost: keys.tpp.example:{}\r\n", server.port)), "{head}");
    assert!(head.contains("\r\naccept-encoding: identity\r\n"), "{head}");
    for absent in ["cookie", "authorization", "gzip", "br", "proxy", "referer"] {
        assert!(!head.contains(&format!("\r\n{absent}")), "{head}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let (inside, knocks) = trap().await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("Location: https://{inside}/latest/meta-data\r\n");
        let server = Server::start(answer(status, &location, "")).await;
        let answered = get(&server.outbound(), &server.url("/")).await.unwrap();
        assert!(answered.status.is_redirection());
    }
    assert_eq!(knocks.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn every_internal_address_is_refused_before_anybody_connects() {
    let server = Server::start(json("{}")).await;
    for address in [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "::ffff:127.0.0.1",
        "fd00:ec2::254",
        "fe80::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
        "255.255.255.255",
        "168.63.129.16",
    ] {
        let outbound = server.outbound_with(Reach::Internet, Names::always(&[address]));
        let fault = get(&outbound, &server.url("/")).await.unwrap_err();
        assert!(matches!(fault, OutboundFault::Address(_)), "{address}: {fault}");
    }
    for literal in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::]", "10.0.0.1", "169.254.169.254"] {
        let url = HttpsUrl::new(&format!("https://{literal}:{}/", server.port)).unwrap();
        let fault = get(&server.outbound_with(Reach::Internet, Names::default()), &url).await.unwrap_err();
        assert!(matches!(fault, OutboundFault::Address(_)), "{literal}: {fault}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_with_one_internal_address_among_public_ones_is_refused() {
    let server = Server::start(json("{}")).await;
    let outbound = server.outbound_with(Reach::Internet, Names::always(&["8.8.8.8", "127.0.0.1"]));
    let fault = get(&outbound, &server.url("/")).await.unwrap_err();
    assert!(matches!(fault, OutboundFault::Address(_)), "{fault}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_turns_internal_is_asked_once_per_call_and_judged_each_time() {
    let server = Server::start(json("{}")).await;
    let names = Names::in_turn(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let asked = Arc::clone(&names.asked);
    let outbound = server.outbound_with(Reach::InternetAndLoopback, names);
    assert!(get(&outbound, &server.url("/")).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let turned = get(&outbound, &server.url("/")).await.unwrap_err();
    assert!(matches!(turned, OutboundFault::Address(_)), "{turned}");
    assert_eq!((asked.load(Ordering::SeqCst), server.connections()), (2, 1));
}

#[tokio::test]
async fn other_ports_than_the_configured_ones_are_not_called() {
    let server = Server::start(json("{}")).await;
    let outbound = server.outbound_as(OutboundSettings::default(), Names::always(&["8.8.8.8"]));
    assert_eq!(get(&outbound, &server.url("/")).await.unwrap_err(), OutboundFault::Port(server.port));
}

#[tokio::test]
async fn the_allowance_for_loopback_opens_nothing_else() {
    let server = Server::start(json("{}")).await;
    for address in ["10.0.0.1", "0.0.0.0", "169.254.169.254", "192.168.0.1"] {
        let outbound = server.outbound_with(Reach::InternetAndLoopback, Names::always(&[address]));
        let fault = get(&outbound, &server.url("/")).await.unwrap_err();
        assert!(matches!(fault, OutboundFault::Address(_)), "{address}: {fault}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let other = Certificate { name: "other.example", ..Certificate::default() };
    let server = Server::with(other, json("{}")).await;
    let fault = get(&server.outbound(), &server.url("/")).await.unwrap_err();
    assert!(
        matches!(&fault, OutboundFault::Tls(why) if why.contains("NotValidForName") || why.contains("not valid for name")),
        "{fault}"
    );
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn an_expired_certificate_and_an_unknown_authority_are_refused() {
    let expired = Server::with(Certificate { until_year: 2026, ..Certificate::default() }, json("{}")).await;
    let fault = get(&expired.outbound(), &expired.url("/")).await.unwrap_err();
    assert!(matches!(&fault, OutboundFault::Tls(why) if why.to_lowercase().contains("expired")), "{fault}");
    let (server, stranger) = (Server::start(json("{}")).await, Server::start(json("{}")).await);
    let fault = get(&stranger.outbound(), &server.url("/")).await.unwrap_err();
    assert!(matches!(&fault, OutboundFault::Tls(why) if why.contains("UnknownIssuer")), "{fault}");
    assert_eq!((expired.requests(), server.requests()), (0, 0));
}

#[tokio::test]
async fn a_server_that_drips_is_left_after_the_time_for_the_whole_exchange() {
    let drip = |before: &str| {
        vec![Say::Bytes(before.as_bytes().to_vec()), Say::Forever(b" ".to_vec(), Duration::from_millis(20))]
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n";
    for script in [drip(head), drip("HTTP/1.1 200 OK\r\nX: "), vec![Say::Wait(Duration::from_secs(30))]] {
        let server = Server::start(script).await;
        let waited =
            tokio::time::timeout(Duration::from_secs(3), get(&server.outbound(), &server.url("/"))).await;
        assert_eq!(waited.expect("it ends by itself").unwrap_err(), OutboundFault::Slow);
    }
    // a port that takes the connection and never speaks TLS
    let (silent, _) = trap().await;
    let server = Server::start(json("{}")).await;
    let url = HttpsUrl::new(&format!("https://{silent}/")).unwrap();
    assert_eq!(get(&server.outbound(), &url).await.unwrap_err(), OutboundFault::Slow);
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_refused_whether_or_not_its_length_is_told() {
    let told = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n".to_owned();
    let untold = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    let chunk = [b"4000\r\n".to_vec(), vec![b' '; 0x4000], b"\r\n".to_vec()].concat();
    for (head, more) in [(told, vec![b' '; 4096]), (untold, vec![b' '; 65536]), (chunked, chunk)] {
        let script = vec![Say::Bytes(head.clone().into_bytes()), Say::Forever(more, Duration::ZERO)];
        let server = Server::start(script).await;
        assert_eq!(
            get(&server.outbound(), &server.url("/")).await.unwrap_err(),
            OutboundFault::TooLarge,
            "{head}"
        );
    }
    let server = Server::start(json(&" ".repeat(64 * 1024))).await;
    assert!(get(&server.outbound(), &server.url("/")).await.is_ok());
    server.says(json(&" ".repeat(64 * 1024 + 1)));
    assert_eq!(get(&server.outbound(), &server.url("/")).await.unwrap_err(), OutboundFault::TooLarge);
}

#[tokio::test]
async fn a_header_section_without_end_is_refused() {
    let line = b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec();
    let script = vec![Say::Bytes(b"HTTP/1.1 200 OK\r\n".to_vec()), Say::Forever(line, Duration::ZERO)];
    let server = Server::start(script).await;
    assert!(matches!(get(&server.outbound(), &server.url("/")).await, Err(OutboundFault::Http(_))));
}

#[tokio::test]
async fn an_encoded_body_is_refused_unread() {
    for coding in ["gzip", "br", "deflate", "zstd", "identity, gzip", "GZIP"] {
        let fields = format!("Content-Type: application/json\r\nContent-Encoding: {coding}\r\n");
        let server = Server::start(answer("200 OK", &fields, &published())).await;
        assert_eq!(
            get(&server.outbound(), &server.url("/")).await.unwrap_err(),
            OutboundFault::Encoded,
            "{coding}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up_long_before_the_exchange_is() {
    let (silent, knocks) = trap().await;
    let url = HttpsUrl::new(&format!("https://{silent}/")).unwrap();
    let quick = Server::start(json("{}")).await;
    let settings = OutboundSettings {
        reach: Reach::InternetAndLoopback,
        time_max: Duration::from_secs(60),
        connect_max: Duration::from_millis(200),
        ..OutboundSettings::default()
    };
    let outbound = quick.outbound_as(settings, Names::loopback());
    let given_up = tokio::time::timeout(Duration::from_secs(5), get(&outbound, &url)).await;
    assert_eq!(given_up.unwrap().unwrap_err(), OutboundFault::Slow);
    assert_eq!(knocks.load(Ordering::SeqCst), 1);
    let webhooks = OutboundSettings::default().for_webhooks();
    assert_eq!((webhooks.time_max, webhooks.connect_max), (Duration::from_secs(5), Duration::from_secs(2)));
}

#[tokio::test]
async fn a_slow_host_does_not_keep_others_waiting() {
    let (slow, knocks) = trap().await;
    let slow = HttpsUrl::new(&format!("https://{slow}/")).unwrap();
    let quick = Server::start(json("{}")).await;
    let settings = OutboundSettings {
        reach: Reach::InternetAndLoopback,
        time_max: Duration::from_millis(600),
        at_once: 4,
        at_once_per_host: 2,
        ..OutboundSettings::default()
    };
    let outbound = Arc::new(quick.outbound_as(settings, Names::loopback()));
    let waiting: Vec<_> = (0..16)
        .map(|_| {
            let (outbound, url) = (Arc::clone(&outbound), slow.clone());
            tokio::spawn(async move { get(&outbound, &url).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(get(&outbound, &quick.url("/")).await.is_ok());
    assert_eq!(knocks.load(Ordering::SeqCst), 2);
    for one in waiting {
        let fault = one.await.unwrap().unwrap_err();
        assert!(matches!(fault, OutboundFault::Busy | OutboundFault::Slow), "{fault}");
    }
}
