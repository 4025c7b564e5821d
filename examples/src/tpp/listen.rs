//! Listens for events (UAE Bank Service Initiation section 11.2) at the registered webhook address: who calls is proven
//! before anything is opened, what it says before anything is told, and then it is acknowledged.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use oauth_core::jose::{Alg, Audience, DecryptionKey, Jwe, Jws, KeyManagement, NumericDate};
use oauth_core::{KeyId, Seconds, Timestamp, limits};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_service::Service;

use super::Tpp;
use super::command::ListenOrder;
use super::config::{EventFiles, fault};
use super::error::{Refusal, Stop, quoted};
use super::narrate::Report;
use super::shop::correlation;
use super::signed::{Parties, check};
use crate::pki::ServerIdentity;
use crate::serve::{Authorities, Edge, EdgeLimits, Listener, Shutdown};
use crate::tls::{ChainTrust, ClientCertificates, server_config};

const DOING: &str = "listening for events";
const MEDIA: &str = "application/jwt";
/// Section 11.2: how long the token of an attempt lives.
const TOKEN_LIFETIME_MAX: Seconds = Seconds::new(60);
/// Clocks may differ this much.
const SKEW: Seconds = Seconds::new(10);
/// Tokens that are remembered: more than arrive within the life of one.
const TOKENS_MAX: usize = 10_000;

/// A listener for the events of one client.
struct Ear {
    tpp: Tpp,
    key: DecryptionKey,
    address: String,
    /// Attempts that are still to be refused.
    fail: AtomicU32,
    slow: Duration,
    /// How many more events end the run; zero for none.
    left: AtomicU32,
    heard: Mutex<Heard>,
    shutdown: Shutdown,
}

/// What has been heard so far.
#[derive(Default)]
struct Heard {
    /// `jti` of every token: an attempt is made once.
    tokens: HashSet<String>,
    /// How often each event has come: more than once is allowed.
    events: HashMap<String, u32>,
}

/// Listens until Ctrl-C, or until as many events have come as were asked for.
pub(super) async fn listen(tpp: Tpp, order: &ListenOrder) -> Result<Report, Stop> {
    let files = tpp.config.client.events.clone().ok_or_else(|| {
        let member = format!("clients.{}.webhook_uri", tpp.config.client.id);
        fault(&member, "add it, with encryption_key and webhook_certificate: this client takes no events")
    })?;
    let (socket, authority) = bind(&files).await?;
    let edge = edge(&tpp, &authority);
    let identity = ServerIdentity::read(&files.certificate.0, &files.certificate.1);
    let identity = identity.map_err(|fault| Stop::local(DOING, fault))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = server_config(&identity, ClientCertificates::NotAsked, Arc::clone(&provider));
    let config = config.map_err(|fault| Stop::local(DOING, fault))?;
    let trust = ChainTrust::new(&[], provider).map_err(|fault| Stop::local(DOING, fault))?;
    let shutdown = Shutdown::new(Duration::from_secs(5));
    let signals = shutdown.follow_signals();
    tpp.narrator.step("Listen for events", "UAE Bank Service Initiation, section 11.2");
    tpp.narrator.say(&format!("at {}; Ctrl-C ends it", files.uri));
    let ear = Ear {
        key: key(&files)?,
        address: files.uri,
        fail: AtomicU32::new(order.fail),
        slow: Duration::from_secs(order.slow),
        left: AtomicU32::new(order.count),
        heard: Mutex::default(),
        shutdown: shutdown.clone(),
        tpp,
    };
    let ear = EarService(Arc::new(ear));
    Listener::tls(socket, Arc::new(config), trust, edge).serve(ear.clone(), shutdown).await;
    signals.abort();
    let events = ear.0.heard().events.len();
    let lines = vec![format!("heard {events} event(s)")];
    Ok(Report { value: json!({ "outcome": "done", "events": events }), lines })
}

/// On this machine only: the port of the registered address.
async fn bind(files: &EventFiles) -> Result<(TcpListener, String), Stop> {
    let url = url::Url::parse(&files.uri).map_err(|fault| Stop::local(DOING, fault))?;
    let port = url.port_or_known_default().unwrap_or(443);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let socket = TcpListener::bind(address).await;
    let socket = socket.map_err(|error| Stop::local(DOING, format!("{address}: {error}")))?;
    Ok((socket, format!("{}:{port}", url.host_str().unwrap_or("localhost"))))
}

fn edge(tpp: &Tpp, authority: &str) -> Edge {
    let (clock, random) = (Arc::clone(&tpp.clock), tpp.random.clone());
    Edge {
        authorities: Authorities::new([authority]),
        limits: EdgeLimits { connections: 100, ..EdgeLimits::default() },
        now: Arc::new(move || clock.now()),
        correlation: Arc::new(move || correlation(&random)),
    }
}

fn key(files: &EventFiles) -> Result<DecryptionKey, Stop> {
    let (path, kid) = &files.encryption;
    let doing = "loading encryption_key";
    let pem = std::fs::read_to_string(path)
        .map_err(|error| Stop::local(doing, format!("{}: {error}", path.display())))?;
    let kid = KeyId::new(kid).map_err(|_| Stop::local(doing, "encryption_kid is no key identifier"))?;
    DecryptionKey::from_pkcs8_pem(KeyManagement::RsaOaep256, &kid, &pem)
        .map_err(|fault| Stop::local(doing, format!("{}: {fault}", path.display())))
}

/// The claims of the token that comes with an attempt.
#[derive(Deserialize)]
struct Token {
    iss: String,
    sub: String,
    aud: Audience,
    iat: NumericDate,
    exp: NumericDate,
    jti: String,
}

/// An attempt that is not acknowledged, with its status.
struct Declined(StatusCode, String);

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        Self(StatusCode::BAD_REQUEST, refusal.to_string())
    }
}

impl Ear {
    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer<B>(&self, request: Request<B>) -> StatusCode
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        if parts.method != Method::POST || !self.address.ends_with(parts.uri.path()) {
            return StatusCode::NOT_FOUND;
        }
        let read = Limited::new(body, limits::SIGNED_BODY_BYTES).collect().await;
        let Ok(body) = read.map(|read| read.to_bytes()) else { return StatusCode::PAYLOAD_TOO_LARGE };
        match self.open(&parts.headers, &body).await {
            Ok((id, message)) => self.acknowledge(&id, &message).await,
            Err(Declined(status, why)) => {
                self.tpp.narrator.say(&format!("{}: {why}", status.as_u16()));
                status
            }
        }
    }

    /// Proves the caller, then opens what came: the name of the event, and its message.
    async fn open(&self, headers: &HeaderMap, body: &Bytes) -> Result<(String, Value), Declined> {
        let now = self.tpp.clock.now();
        if headers.get(CONTENT_TYPE).is_none_or(|media| media != MEDIA) {
            return Err(Declined(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not application/jwt".to_owned()));
        }
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let unproven = |why: String| Declined(StatusCode::UNAUTHORIZED, why);
        let token = token.ok_or_else(|| unproven("no token".to_owned()))?;
        let mut proven = self.caller(token, now);
        if proven.is_err() {
            // the bank may sign with a key that is new since the start
            self.tpp.learn_keys().await.map_err(|stop| unproven(stop.to_string()))?;
            proven = self.caller(token, now);
        }
        proven.map_err(unproven)?;
        let text = std::str::from_utf8(body).unwrap_or_default();
        let sealed = Jwe::parse(text, limits::SIGNED_BODY_BYTES)
            .map_err(|fault| Refusal::new("CL-20", "event", "an encrypted object", fault.to_string()))?;
        let signed = self.key.decrypt(&sealed).filter(|_| sealed.holds_jwt());
        let signed =
            signed.ok_or_else(|| Refusal::new("CL-20", "event", "a JWT encrypted to us", "another"))?;
        let signed = std::str::from_utf8(&signed).unwrap_or_default();
        let parties = Parties { issuer: &self.tpp.config.issuer, client_id: &self.tpp.config.client.id };
        let keys = self.tpp.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(check("event", signed, parties, &keys, now)?)
    }

    /// Section 11.2: the bank signed the token for this address, just now and for this attempt.
    fn caller(&self, token: &str, now: Timestamp) -> Result<(), String> {
        let jws = Jws::parse(token, limits::JWT_BYTES).map_err(|fault| fault.to_string())?;
        if jws.alg() != Alg::Ps256 {
            return Err(format!("a token signed with {}", jws.alg()));
        }
        let keys = self.tpp.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let token = jws.verify_by(&keys).and_then(|verified| verified.claims::<Token>());
        let token = token.map_err(|fault| format!("the token: {fault}"))?;
        let issuer = &self.tpp.config.issuer;
        let (iat, exp) = (token.iat.timestamp(), token.exp.timestamp());
        for (claim, holds) in [
            ("iss", token.iss == *issuer),
            ("sub", token.sub == *issuer),
            ("aud", token.aud.contains(&self.address)),
            ("iat", iat <= now.plus(SKEW)),
            ("exp", now < exp.plus(SKEW) && exp <= iat.plus(TOKEN_LIFETIME_MAX)),
        ] {
            if !holds {
                return Err(format!("{claim} of the token is not what it should be"));
            }
        }
        let mut heard = self.heard();
        if heard.tokens.len() >= TOKENS_MAX {
            heard.tokens.clear();
        }
        match heard.tokens.insert(token.jti) {
            true => Ok(()),
            false => Err("a token that came before".to_owned()),
        }
    }

    async fn acknowledge(&self, id: &str, message: &Value) -> StatusCode {
        let wishes = self.fail.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if wishes.is_ok() {
            self.tpp.narrator.say(&format!("500: event {} is refused, as --fail wishes", quoted(id)));
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        if !self.slow.is_zero() {
            self.tpp.narrator.say(&format!("waiting {} s, as --slow wishes", self.slow.as_secs()));
            tokio::time::sleep(self.slow).await;
        }
        let times = {
            let mut heard = self.heard();
            let times = heard.events.entry(id.to_owned()).or_default();
            *times = times.saturating_add(1);
            *times
        };
        self.tpp.narrator.event(&told(id, times, message), &words(times, message));
        if times == 1 {
            let left =
                self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            if left == Ok(1) {
                self.shutdown.begin();
            }
        }
        StatusCode::NO_CONTENT
    }
}

/// An event as one JSON object.
fn told(id: &str, times: u32, message: &Value) -> Value {
    json!({"event": id, "times": times, "meta": message.get("Meta"), "data": message.get("Data")})
}

/// An event for people: `Resource.Updated payment 6f1d… AcceptedSettlementCompleted`.
fn words(times: u32, message: &Value) -> String {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, id, status) = match message.pointer("/Data/PaymentId").and_then(Value::as_str) {
        Some(payment) => ("payment", payment, text("/Data/PaymentStatus")),
        None => ("consent", text("/Data/ConsentId"), text("/Data/Status")),
    };
    let again = if times > 1 { " (again)" } else { "" };
    let mut line =
        format!("{} {} {kind} {id} is {status}{again}", text("/Meta/EventDateTime"), text("/Meta/EventType"));
    if let Some(code) = message.pointer("/Data/PaymentStatusDetail/Reason/Code").and_then(Value::as_str) {
        line.push_str(&format!(": {code}"));
    }
    super::error::printable(&line, 300)
}

#[derive(Clone)]
struct EarService(Arc<Ear>);

impl<B> Service<Request<B>> for EarService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let ear = Arc::clone(&self.0);
        Box::pin(async move {
            let mut answer = Response::new(Full::new(Bytes::new()));
            *answer.status_mut() = ear.answer(request).await;
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_in_one_line_with_why_it_was_rejected() {
        let message = json!({
            "Data": {"PaymentId": "p-1", "PaymentStatus": "Rejected",
                "PaymentStatusDetail": {"Reason": {"Code": "LFI.InsufficientFunds"}}},
            "Meta": {"EventDateTime": "2026-11-21T08:15:33.000Z", "EventType": "Resource.Updated"}});
        let line = "2026-11-21T08:15:33.000Z Resource.Updated payment p-1 is Rejected: LFI.InsufficientFunds";
        assert_eq!(words(1, &message), line);
        let consent = json!({"Data": {"ConsentId": "c-1", "Status": "Finished"}, "Meta": {"EventType": "x"}});
        assert!(words(2, &consent).ends_with("consent c-1 is Finished (again)"));
    }
}
