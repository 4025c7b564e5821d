//! The generator: a closed loop on keep-alive connections. It sends what was prepared and looks at every answer.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::prepared::{Flow, Prepared, encoded, get};
use super::{Doing as _, Failed};

/// What one turn of the loop does.
#[derive(Debug, Clone)]
pub enum Work {
    /// One request.
    One(Box<Prepared>),
    /// The four requests of an authorization code flow.
    Flow(Box<Flow>),
}

/// What came of a window.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How long it took.
    pub elapsed: Duration,
    /// Of every turn that got what it asked for, in ascending order.
    pub latencies: Vec<Duration>,
    /// Turns that did not.
    pub errors: u64,
    /// What went wrong first.
    pub first_error: Option<String>,
    /// Tokens that were handed out, if they were to be kept.
    pub tokens: Vec<String>,
}

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Errors after which a connection gives up.
const ERRORS_MAX: u64 = 20;

/// Does all the work, or as much as fits into the time, over this many connections. Must run inside a `LocalSet`.
///
/// # Errors
/// When a connection cannot be opened.
pub async fn drive(
    port: u16,
    connections: usize,
    time: Duration,
    work: Vec<Work>,
) -> Result<Outcome, Failed> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(port).await?);
    }
    let shared = Rc::new(Window {
        work: RefCell::new(work.into_iter()),
        outcome: RefCell::default(),
        start: Cell::new(Instant::now()),
        time,
    });
    let tasks: Vec<_> =
        open.into_iter().map(|open| tokio::task::spawn_local(turns(open, Rc::clone(&shared)))).collect();
    for task in tasks {
        task.await.doing("driving a connection")?;
    }
    let mut outcome = shared.outcome.take();
    outcome.elapsed = shared.start.get().elapsed();
    outcome.latencies.sort_unstable();
    Ok(outcome)
}

struct Window {
    work: RefCell<std::vec::IntoIter<Work>>,
    outcome: RefCell<Outcome>,
    start: Cell<Instant>,
    time: Duration,
}

async fn turns(mut connection: Connection, window: Rc<Window>) {
    while window.start.get().elapsed() < window.time {
        let Some(work) = window.work.borrow_mut().next() else { return };
        let begun = Instant::now();
        let turn = tokio::time::timeout(PATIENCE, connection.turn(work)).await;
        let turn = turn.unwrap_or_else(|_| Err(Failed::new("waiting for an answer", "too long")));
        let mut outcome = window.outcome.borrow_mut();
        match turn {
            Ok(token) => {
                outcome.latencies.push(begun.elapsed());
                outcome.tokens.extend(token);
            }
            Err(failed) => {
                outcome.errors += 1;
                outcome.first_error.get_or_insert(failed.to_string());
                if outcome.errors >= ERRORS_MAX {
                    return;
                }
            }
        }
    }
}

/// A keep-alive connection to the server on this machine.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Connection {
    /// Opens one. There is no way to name another host.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(port: u16) -> Result<Self, Failed> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect(address).await.doing("connecting")?;
        stream.set_nodelay(true).doing("connecting")?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.doing("connecting")?;
        // its error reaches the sender too
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Self { sender })
    }

    /// The JSON at a path.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn fetch<T: serde::de::DeserializeOwned>(&mut self, path: &str) -> Result<T, Failed> {
        let answer = self.send(get(path)?).await?.expecting(StatusCode::OK)?;
        serde_json::from_slice(&answer.body).doing("reading an answer")
    }

    /// The access token, when one is answered.
    async fn turn(&mut self, work: Work) -> Result<Option<String>, Failed> {
        match work {
            Work::One(prepared) => {
                let answer = self.send(*prepared).await?;
                let good = matches!(answer.status, StatusCode::OK | StatusCode::CREATED);
                if !good || answer.body.starts_with(b"{\"active\":false") {
                    return Err(answer.unexpected());
                }
                Ok(answer.token())
            }
            Work::Flow(flow) => self.flow(*flow).await,
        }
    }

    async fn flow(&mut self, flow: Flow) -> Result<Option<String>, Failed> {
        let pushed = self.send(flow.push).await?.expecting(StatusCode::CREATED)?;
        let pushed: Value = serde_json::from_slice(&pushed.body).doing("reading an answer")?;
        let request_uri = pushed.get("request_uri").and_then(Value::as_str).unwrap_or_default();
        let arrival = format!("/authorize?client_id=es256&request_uri={}", encoded(request_uri));
        let page = self.send(get(&arrival)?).await?.expecting(StatusCode::SEE_OTHER)?;
        let cookie = page.header(SET_COOKIE).split(';').next().unwrap_or_default();
        let mut approval = get(page.header(LOCATION).trim_start_matches(super::ISSUER))?;
        approval.headers.insert(COOKIE, HeaderValue::from_str(cookie).doing("reading a cookie")?);
        let back = self.send(approval).await?.expecting(StatusCode::SEE_OTHER)?;
        let (_, query) = back.header(LOCATION).split_once('?').unwrap_or_default();
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
        let code = code.ok_or_else(|| Failed::new("reading a redirect", "no code"))?;
        let mut redeem = flow.redeem;
        redeem.body = [redeem.body.as_ref(), code.as_bytes()].concat().into();
        Ok(self.send(redeem).await?.expecting(StatusCode::OK)?.token())
    }

    async fn send(&mut self, prepared: Prepared) -> Result<Answer, Failed> {
        let mut request = Request::new(Full::new(prepared.body));
        *request.method_mut() = prepared.method;
        *request.uri_mut() = prepared.uri;
        *request.headers_mut() = prepared.headers;
        request.headers_mut().insert(HOST, HeaderValue::from_static("as.bench.example"));
        self.sender.ready().await.doing("sending")?;
        let response = self.sender.send_request(request).await.doing("sending")?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.doing("reading an answer")?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

impl Answer {
    fn expecting(self, status: StatusCode) -> Result<Self, Failed> {
        if self.status == status { Ok(self) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Failed {
        let body = String::from_utf8_lossy(&self.body);
        Failed::new("judging an answer", format!("{} {}", self.status, body))
    }

    fn header(&self, name: http::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn token(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Token {
            access_token: String,
        }
        let is_token = self.body.starts_with(b"{\"access_token\"");
        is_token
            .then(|| serde_json::from_slice::<Token>(&self.body).ok())
            .flatten()
            .map(|token| token.access_token)
    }
}
