//! A device that may hang: it is spoken to on threads of its own, and nobody waits for it longer than agreed.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth_core::Fault;
use tokio::sync::oneshot;

/// Threads that each hold a session of their own, and a short queue before them. A clone shares them.
pub(super) struct Device<S> {
    jobs: SyncSender<Job<S>>,
    time_max: Duration,
}

impl<S> Clone for Device<S> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone(), time_max: self.time_max }
    }
}

/// Work for whoever has a session; it answers for itself.
type Job<S> = Box<dyn FnOnce(&mut Session<S>) + Send>;

/// Opens a session.
type Open<S> = dyn Fn() -> Result<S, Fault> + Send + Sync;

/// Jobs that may wait for each thread. More are refused at once: they would be late anyway.
const WAITING_MAX: usize = 16;

struct Session<S> {
    open: Arc<Open<S>>,
    session: Option<S>,
}

impl<S> Session<S> {
    /// After a failure the session is closed, and the next job opens a new one.
    fn work<T>(&mut self, job: impl FnOnce(&S) -> Result<T, Fault>) -> Result<T, Fault> {
        let session = match self.session.take() {
            Some(session) => session,
            None => (self.open)()?,
        };
        let done = job(&session)?;
        self.session = Some(session);
        Ok(done)
    }
}

impl<S: 'static> Device<S> {
    /// Starts the threads; a session is opened when the first job needs it.
    ///
    /// # Errors
    /// When the operating system has no thread to give.
    pub(super) fn start(
        threads: usize,
        time_max: Duration,
        open: impl Fn() -> Result<S, Fault> + Send + Sync + 'static,
    ) -> Result<Self, Fault> {
        let (jobs, waiting) = sync_channel(threads.saturating_mul(WAITING_MAX));
        let waiting = Arc::new(Mutex::new(waiting));
        let open: Arc<Open<S>> = Arc::new(open);
        for _ in 0..threads {
            let (waiting, open) = (Arc::clone(&waiting), Arc::clone(&open));
            let work = move || serve(&waiting, Session { open, session: None });
            std::thread::Builder::new()
                .name("device".to_owned())
                .spawn(work)
                .map_err(|fault| Fault::new("device", fault))?;
        }
        Ok(Self { jobs, time_max })
    }

    /// Has a session do something, and waits for it as long as agreed. What comes too late is thrown away.
    ///
    /// # Errors
    /// When the device fails, is too busy, or does not answer in time.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&S) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let work: Job<S> = Box::new(move |session| {
            // Nobody waits for it any more.
            if !answer.is_closed() {
                drop(answer.send(session.work(job)));
            }
        });
        self.jobs.try_send(work).map_err(|_| Fault::new("device", "the signing device is too busy"))?;
        match tokio::time::timeout(self.time_max, answered).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Fault::new("device", "the signing device gave no answer")),
            Err(_) => Err(Fault::new("device", "the signing device did not answer in time")),
        }
    }
}

/// Ends when the last [`Device`] is gone.
fn serve<S>(waiting: &Mutex<Receiver<Job<S>>>, mut session: Session<S>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(job) => job(&mut session),
            Err(_) => return,
        }
    }
}

impl<S> std::fmt::Debug for Device<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("time_max", &self.time_max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const SOON: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn a_device_that_hangs_costs_a_caller_the_agreed_time_and_a_crowd_no_more() {
        let device = Device::start(1, SOON, || Ok(())).unwrap();
        let (release, hold) = sync_channel::<()>(0);
        let hung = device.ask(move |()| {
            let _ = hold.recv();
            Ok(1)
        });
        assert!(hung.await.unwrap_err().to_string().contains("in time"));
        let crowd: Vec<_> = (0..200)
            .map(|_| {
                let device = device.clone();
                tokio::spawn(async move { device.ask(|()| Ok(2)).await })
            })
            .collect();
        let crowded = tokio::time::timeout(SOON * 5, async {
            let mut busy = 0;
            for one in crowd {
                busy += u32::from(one.await.unwrap().unwrap_err().to_string().contains("too busy"));
            }
            busy
        });
        assert!(crowded.await.unwrap() >= 180);
        drop(release);
        tokio::time::sleep(SOON).await;
        assert_eq!(device.ask(|()| Ok(3)).await.unwrap(), 3, "and it recovers by itself");
    }

    #[tokio::test]
    async fn after_a_failure_the_next_job_has_a_new_session() {
        let opened = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&opened);
        let open = move || Ok(counted.fetch_add(1, Ordering::SeqCst));
        let device = Device::start(1, SOON, open).unwrap();
        assert_eq!(device.ask(|session| Ok(*session)).await.unwrap(), 0);
        assert_eq!(device.ask(|session| Ok(*session)).await.unwrap(), 0);
        assert!(device.ask(|_| Err::<(), _>(Fault::new("device", "broken"))).await.is_err());
        assert_eq!(device.ask(|session| Ok(*session)).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_device_that_cannot_be_opened_is_tried_again() {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let open = move || match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Fault::new("device", "no token")),
            _ => Ok(()),
        };
        let device = Device::start(1, SOON, open).unwrap();
        assert!(device.ask(|()| Ok(())).await.is_err());
        assert!(device.ask(|()| Ok(())).await.is_ok());
    }
}
