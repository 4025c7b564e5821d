//! What a connection is doing, and how long it may.
//!
//! hyper counts the wait for a next request as reading its head, has no bound for the bytes it needs to tell HTTP/1
//! from HTTP/2, and none for an idle HTTP/2 connection. So we look at the bytes that pass and keep the time ourselves.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::EdgeLimits;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not enough has arrived to know the protocol.
    Opening,
    /// HTTP/1: the head of a request has begun and is not complete.
    Head,
    /// This many requests are being answered.
    Busy(u32),
    /// Nothing is asked.
    Idle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// So many bytes agree with the HTTP/2 preface so far.
    Undecided(usize),
    Http1,
    Http2,
}

/// RFC 9113 section 3.4: what an HTTP/2 client sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug, Clone, Copy)]
struct State {
    phase: Phase,
    protocol: Protocol,
}

impl State {
    const fn new() -> Self {
        Self { phase: Phase::Opening, protocol: Protocol::Undecided(0) }
    }

    fn after_reading(self, bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return self;
        }
        match (self.protocol, self.phase) {
            (Protocol::Undecided(agreed), _) => {
                let expected = PREFACE.get(agreed..).unwrap_or_default();
                let common = expected.len().min(bytes.len());
                if expected.get(..common) != bytes.get(..common) {
                    Self { phase: Phase::Head, protocol: Protocol::Http1 }
                } else if common == expected.len() {
                    Self { phase: Phase::Idle, protocol: Protocol::Http2 }
                } else {
                    Self { protocol: Protocol::Undecided(agreed.saturating_add(common)), ..self }
                }
            }
            (Protocol::Http1, Phase::Idle) => Self { phase: Phase::Head, ..self },
            (Protocol::Http1, Phase::Opening | Phase::Head | Phase::Busy(_)) | (Protocol::Http2, _) => self,
        }
    }

    fn after_request(self) -> Self {
        let phase = match self.phase {
            Phase::Busy(requests) => Phase::Busy(requests.saturating_add(1)),
            Phase::Opening | Phase::Head | Phase::Idle => Phase::Busy(1),
        };
        Self { phase, ..self }
    }

    fn after_answer(self) -> Self {
        let phase = match self.phase {
            Phase::Busy(requests) if requests > 1 => Phase::Busy(requests - 1),
            Phase::Opening | Phase::Head | Phase::Busy(_) | Phase::Idle => Phase::Idle,
        };
        Self { phase, ..self }
    }
}

/// The state of one connection, shared by the stream below hyper and the service above it.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<watch::Sender<State>>);

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::new())))
    }

    pub(super) fn phase(&self) -> Phase {
        self.0.borrow().phase
    }

    /// A request has arrived; it lasts until the guard is dropped.
    pub(super) fn begin(&self) -> Busy {
        self.step(State::after_request);
        Busy(self.clone())
    }

    /// Completes when the connection has stayed in one phase longer than that phase may last.
    pub(super) async fn lapse(&self, limits: &EdgeLimits) -> Phase {
        let mut changes = self.0.subscribe();
        loop {
            let phase = changes.borrow_and_update().phase;
            let allowed = match phase {
                Phase::Opening => limits.first_bytes,
                Phase::Head => limits.head,
                Phase::Busy(_) => limits.exchange,
                Phase::Idle => limits.idle,
            };
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return phase },
                () = sleep(allowed) => return phase,
            }
        }
    }

    /// Wakes the watcher only when the phase changes, so that bytes that drip in do not extend a deadline.
    fn step(&self, transition: impl FnOnce(State) -> State) {
        self.0.send_if_modified(|state| {
            let before = state.phase;
            *state = transition(*state);
            state.phase != before
        });
    }
}

/// One request being answered.
#[derive(Debug)]
pub(super) struct Busy(Pulse);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.step(State::after_answer);
    }
}

/// A stream whose incoming bytes are told to the pulse.
pub(super) struct Watched<Io> {
    pub(super) io: Io,
    pub(super) pulse: Pulse,
}

impl<Io: AsyncRead + Unpin> AsyncRead for Watched<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        if !fresh.is_empty() {
            self.pulse.step(|state| state.after_reading(fresh));
        }
        polled
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Watched<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

/// A response body that keeps its request busy until it has been handed over.
pub(super) struct Counted<B> {
    pub(super) body: Pin<Box<B>>,
    pub(super) _busy: Busy,
}

impl<B: Body<Data = Bytes>> Body for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.body.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> State {
        chunks.iter().fold(State::new(), |state, chunk| state.after_reading(chunk))
    }

    #[test]
    fn bytes_that_could_still_be_the_preface_do_not_end_the_opening() {
        assert_eq!(read(&[b"PRI", b" * HTTP/2.0"]).phase, Phase::Opening);
        assert_eq!(read(&[b""]).phase, Phase::Opening);
        assert_eq!(read(&[b"PRI", b" * HTTP/2.0\r\n\r\nSM\r\n\r\n"]).protocol, Protocol::Http2);
        assert_eq!(read(&[b"PR", b"OPFIND"]).phase, Phase::Head);
        assert_eq!(read(&[b"GET"]).phase, Phase::Head);
    }

    #[test]
    fn only_on_http1_do_bytes_on_an_idle_connection_begin_a_head() {
        let idle = read(&[b"G"]).after_request().after_answer();
        assert_eq!(idle.phase, Phase::Idle);
        assert_eq!(idle.after_reading(b"G").phase, Phase::Head);
        assert_eq!(read(&[PREFACE]).after_reading(b"ping").phase, Phase::Idle);
    }

    #[test]
    fn a_connection_is_busy_until_its_last_answer() {
        let two = read(&[PREFACE]).after_request().after_request();
        assert_eq!(two.after_answer().phase, Phase::Busy(1));
        assert_eq!(two.after_answer().after_answer().phase, Phase::Idle);
    }
}
