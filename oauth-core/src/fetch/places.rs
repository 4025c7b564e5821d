//! How many calls run at a time, in all and to one host, so that a slow host keeps nobody else waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for calls.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    per_host: usize,
    hosts: Mutex<HashMap<Box<str>, Arc<Semaphore>>>,
}

/// Room for one call, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _of_host: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(all: usize, per_host: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), per_host, hosts: Mutex::default() }
    }

    /// Waits for room. A host's own queue comes first, so waiting for a slow host takes no room from the others.
    /// `None` would mean that the room was closed, which nobody does.
    pub(crate) async fn take(&self, host: &str) -> Option<Place> {
        let of_host = self.queue(host).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place { _of_host: of_host, _of_all: of_all })
    }

    /// The queue of a host. Queues in which nobody stands are forgotten on the way: permits and waiters hold theirs.
    fn queue(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, queue| Arc::strong_count(queue) > 1);
        let host = host.to_ascii_lowercase().into_boxed_str();
        Arc::clone(hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(self.per_host))))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn at_once(places: &Places, host: &str) -> Option<Place> {
        tokio::time::timeout(Duration::from_millis(20), places.take(host)).await.ok().flatten()
    }

    #[tokio::test]
    async fn a_host_that_keeps_its_callers_waiting_leaves_room_for_others() {
        let places = Places::new(3, 2);
        let slow = [at_once(&places, "slow.example").await, at_once(&places, "SLOW.example").await];
        assert!(slow.iter().all(Option::is_some));
        assert!(at_once(&places, "slow.example").await.is_none());
        let other = at_once(&places, "other.example").await;
        assert!(other.is_some());
        assert!(at_once(&places, "third.example").await.is_none());
        drop(slow);
        assert!(at_once(&places, "slow.example").await.is_some());
    }

    #[tokio::test]
    async fn hosts_that_nobody_calls_are_forgotten() {
        let places = Places::new(8, 2);
        for host in 0..100 {
            drop(places.take(&format!("host-{host}.example")).await);
        }
        assert_eq!(places.hosts.lock().unwrap().len(), 1);
    }
}
