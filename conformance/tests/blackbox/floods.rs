//! Floods below HTTP (RFC 9113), written frame by frame and sent to the running bank over TLS. Whatever is poured in, the
//! connection ends or stalls, the bank keeps its size, and everybody else is served (T-HT-03, T-HT-04).

use std::sync::Arc;
use std::time::Duration;

use conformance::bank::{Bank, Settings};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// What a flood may cost the bank: a few connections' worth.
const GROWTH_KIB_MAX: u64 = 64 * 1024;

/// RFC 9113 section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// RFC 7541 section 6.2.2, a literal that is not indexed and has a new name, of less than 127 bytes each.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// `GET /jwks` at this authority.
fn get(bank: &Bank) -> Vec<u8> {
    let origin = bank.origin();
    let authority = origin.strip_prefix("https://").unwrap();
    [vec![0x82, 0x87], literal(":path", "/jwks"), literal(":authority", authority)].concat()
}

async fn bank() -> Bank {
    Bank::start(Settings::default()).await.unwrap()
}

async fn connect(bank: &Bank, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(bank.directory().join("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let port: u16 = bank.origin().rsplit(':').next().unwrap().parse().unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap()
}

async fn http2(bank: &Bank) -> TlsStream<TcpStream> {
    let mut stream = connect(bank, b"h2").await;
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream
}

/// How a flood ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The bank closed, after so many of the frames were written.
    Closed(usize),
    /// The bank stopped reading.
    Stalled(usize),
    /// Everything was taken.
    Taken,
}

/// Writes a frame again and again without reading an answer.
async fn pour(stream: &mut TlsStream<TcpStream>, drop: &[u8], times: usize) -> End {
    for round in 0..times {
        match timeout(Duration::from_secs(3), stream.write_all(drop)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Closed(round),
            Err(_) => return End::Stalled(round),
        }
    }
    match timeout(Duration::from_secs(3), stream.flush()).await {
        Ok(Ok(())) => End::Taken,
        Ok(Err(_)) => End::Closed(times),
        Err(_) => End::Stalled(times),
    }
}

/// Whether the bank says GOAWAY or closes within a few seconds.
async fn is_ended(stream: &mut TlsStream<TcpStream>) -> bool {
    let mut heard = Vec::new();
    let mut chunk = [0; 16 * 1024];
    let listen = async {
        loop {
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return true,
                Ok(read) => heard.extend_from_slice(&chunk[..read]),
            }
            if goes_away(&heard) {
                return true;
            }
        }
    };
    timeout(Duration::from_secs(8), listen).await.unwrap_or(false)
}

/// Whether a GOAWAY frame with an error is among the frames.
fn goes_away(heard: &[u8]) -> bool {
    let mut rest = heard;
    while let [a, b, c, kind, _, _, _, _, _, payload @ ..] = rest {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        if *kind == GOAWAY && payload.len() >= 8 && payload[4..8] != [0, 0, 0, 0] {
            return true;
        }
        let Some(next) = payload.get(length..) else { return false };
        rest = next;
    }
    false
}

/// Resident memory in KiB.
fn size(bank: &Bank) -> u64 {
    let status = format!("/proc/{}/status", bank.process_id().unwrap());
    let text = std::fs::read_to_string(status).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The bank after a flood: of its size before, and quick to answer others.
async fn stands(bank: &Bank, before: u64, what: &str) {
    let began = Instant::now();
    let answer = bank.client().unwrap().get(&format!("{}/jwks", bank.origin())).await.unwrap();
    assert_eq!(answer.status, 200, "{what}");
    assert!(began.elapsed() < Duration::from_secs(5), "{what}: {:?}", began.elapsed());
    let grown = size(bank).saturating_sub(before);
    assert!(grown <= GROWTH_KIB_MAX, "{what}: grown by {grown} KiB");
}

/// RFC 9113 section 10.5.1: a header section that never ends.
#[tokio::test]
async fn continuation_frames_without_end_end_the_connection() {
    let bank = bank().await;
    let before = size(&bank);
    let mut stream = http2(&bank).await;
    stream.write_all(&frame(HEADERS, END_STREAM, 1, &get(&bank))).await.unwrap();
    let drop = frame(CONTINUATION, 0, 1, &literal("x-more", &"a".repeat(100)).repeat(100));
    let end = pour(&mut stream, &drop, 4000).await;
    assert!(matches!(end, End::Closed(_)) || is_ended(&mut stream).await, "{end:?}: 44 MB were taken");
    let mut stream = http2(&bank).await;
    stream.write_all(&frame(HEADERS, END_STREAM, 1, &get(&bank))).await.unwrap();
    let end = pour(&mut stream, &frame(CONTINUATION, 0, 1, &[]), 200_000).await;
    assert!(matches!(end, End::Closed(_)) || is_ended(&mut stream).await, "{end:?}: empty ones as well");
    stands(&bank, before, "continuation").await;
}

/// RFC 9113 section 10.5: each of these asks for an answer that nobody reads.
#[tokio::test]
async fn settings_and_pings_whose_answers_nobody_reads_are_not_taken_without_end() {
    let bank = bank().await;
    let before = size(&bank);
    let floods = [
        ("settings", frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])),
        ("pings", frame(PING, 0, 0, b"12345678")),
    ];
    for (what, drop) in floods {
        let mut stream = http2(&bank).await;
        let end = pour(&mut stream, &drop.repeat(1000), 4000).await;
        assert_ne!(end, End::Taken, "{what}: four million without a word");
        stands(&bank, before, what).await;
    }
}

/// RFC 7541 section 7.1.3: a small block that means a large list, by an entry of the table that is named again and again.
#[tokio::test]
async fn a_header_list_beyond_the_bound_is_refused_however_small_it_travels() {
    let bank = bank().await;
    let before = size(&bank);
    for streams in 0..20_u32 {
        let mut stream = http2(&bank).await;
        // a literal with indexing: `x-big` of 3000 bytes becomes entry 62
        let mut block = get(&bank);
        block.extend([0x40, 5]);
        block.extend(b"x-big");
        block.extend([0x7f, 0xb9, 0x16]);
        block.extend([b'a'; 3000]);
        block.extend([0xbe; 8000]);
        stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)).await.unwrap();
        let mut heard = vec![0; 16 * 1024];
        let answer = async {
            let mut all = Vec::new();
            loop {
                match stream.read(&mut heard).await {
                    Ok(0) | Err(_) => return all,
                    Ok(read) => all.extend_from_slice(&heard[..read]),
                }
                // HEADERS or RST_STREAM of our stream, or GOAWAY
                if all.windows(9).any(|w| matches!(w[3], 1 | 3) && w[5..9] == [0, 0, 0, 1]) || goes_away(&all)
                {
                    return all;
                }
            }
        };
        let all = timeout(Duration::from_secs(5), answer).await.expect("an answer");
        let at = all.windows(9).position(|w| w[3] == HEADERS && w[5..9] == [0, 0, 0, 1]);
        // 431 is no entry of the static table: it stands there as text, maybe by Huffman; 200 is entry 8
        assert!(at.is_none_or(|at| all.get(at + 9) != Some(&0x88)), "{streams}: 24 MB of fields were taken");
    }
    stands(&bank, before, "header lists").await;
}

/// CVE-2025-8671: resets that the bank is made to send count like those it receives.
/// T-HT-04: how many requests one connection may have at a time is told at its beginning, and held by the transport.
#[tokio::test]
async fn an_http2_connection_learns_how_many_requests_it_may_have_at_a_time() {
    let bank = bank().await;
    let mut stream = http2(&bank).await;
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!((head[3], head[4] & 1), (SETTINGS, 0), "settings come first");
    let mut settings = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    stream.read_exact(&mut settings).await.unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 section 6.5.2)
    let told = settings.chunks_exact(6).find(|setting| setting[..2] == [0, 3]).expect("a bound");
    let bound = u32::from_be_bytes([told[2], told[3], told[4], told[5]]);
    assert!((1..=128).contains(&bound), "{bound}");
}

#[tokio::test]
async fn resets_that_are_provoked_without_end_end_the_connection() {
    let bank = bank().await;
    let before = size(&bank);
    let mut stream = http2(&bank).await;
    let mut end = End::Taken;
    for number in 0..20_000_u32 {
        let own = number * 2 + 1;
        let mut drop = frame(HEADERS, END_HEADERS, own, &get(&bank));
        // section 6.9: an increment of nothing is an error of the stream
        drop.extend(frame(WINDOW_UPDATE, 0, own, &[0; 4]));
        end = pour(&mut stream, &drop, 1).await;
        if end != End::Taken {
            break;
        }
    }
    assert!(end != End::Taken || is_ended(&mut stream).await, "twenty thousand were reset");
    stands(&bank, before, "provoked resets").await;
}

/// RUSTSEC-2026-0258: frames of data without data.
#[tokio::test]
async fn empty_data_frames_without_end_hold_nothing() {
    let bank = bank().await;
    let before = size(&bank);
    let mut stream = http2(&bank).await;
    let origin = bank.origin();
    let authority = origin.strip_prefix("https://").unwrap();
    let block = [vec![0x83, 0x87], literal(":path", "/token"), literal(":authority", authority)].concat();
    stream.write_all(&frame(HEADERS, END_HEADERS, 1, &block)).await.unwrap();
    let _end = pour(&mut stream, &frame(DATA, 0, 1, &[]).repeat(1000), 1000).await;
    stands(&bank, before, "empty data").await;
}

/// T-HT-03: a body that drips in does not keep its connection for ever.
#[tokio::test]
async fn a_body_that_drips_in_is_cut_off() {
    let bank = bank().await;
    let before = size(&bank);
    let mut stream = connect(&bank, b"http/1.1").await;
    let origin = bank.origin();
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 5000\r\n\r\n",
        origin.strip_prefix("https://").unwrap()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let began = Instant::now();
    let mut heard = [0; 1024];
    while began.elapsed() < Duration::from_secs(75) {
        if stream.write_all(b"a").await.is_err() {
            break;
        }
        if let Ok(Ok(read)) = timeout(Duration::from_millis(500), stream.read(&mut heard)).await {
            let said = String::from_utf8_lossy(&heard[..read]).into_owned();
            assert!(!said.starts_with("HTTP/1.1 200"), "{said}");
            break;
        }
    }
    assert!(began.elapsed() < Duration::from_secs(75), "still open after {:?}", began.elapsed());
    stands(&bank, before, "a slow body").await;
}
