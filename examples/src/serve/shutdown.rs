//! The orderly end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Ends listeners in order: first no new connections, then no requests in flight, then no connections at all.
#[derive(Debug, Clone)]
pub struct Shutdown {
    stage: Arc<watch::Sender<Stage>>,
    pub(super) drain_max: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Draining,
    Ended,
}

impl Shutdown {
    /// Requests in flight get at most this long.
    #[must_use]
    pub fn new(drain_max: Duration) -> Self {
        Self { stage: Arc::new(watch::Sender::new(Stage::Serving)), drain_max }
    }

    /// Starts the orderly end.
    pub fn begin(&self) {
        self.advance(Stage::Draining);
    }

    /// Cuts off whatever is left.
    pub fn end_now(&self) {
        self.advance(Stage::Ended);
    }

    /// Completes when the end has begun. Also for background work that should stop with the listeners.
    pub async fn begun(&self) {
        self.reached(Stage::Draining).await;
    }

    /// Completes when nothing more should be waited for.
    pub async fn ended(&self) {
        self.reached(Stage::Ended).await;
    }

    /// The first Ctrl-C or SIGTERM begins the end, the second one completes it. Signals count from the return of this
    /// call on; the task follows them and fails when the operating system does not let us listen.
    ///
    /// # Panics
    /// Outside a runtime.
    #[must_use]
    pub fn follow_signals(&self) -> JoinHandle<io::Result<()>> {
        let shutdown = self.clone();
        let terminate = signal(SignalKind::terminate());
        let interrupt = signal(SignalKind::interrupt());
        tokio::spawn(async move {
            let (mut terminate, mut interrupt) = (terminate?, interrupt?);
            for next in [Stage::Draining, Stage::Ended] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                shutdown.advance(next);
            }
            Ok(())
        })
    }

    fn advance(&self, to: Stage) {
        self.stage.send_if_modified(|stage| {
            let moved = *stage < to;
            *stage = (*stage).max(to);
            moved
        });
    }

    async fn reached(&self, stage: Stage) {
        // Waiting fails only when the sender is gone, and we hold it.
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }
}
