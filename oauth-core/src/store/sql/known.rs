//! Records that were read before. What is stored under a fingerprint never changes, only whether it is still there: who reads
//! it again asks the database that, and takes what it says from here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits;
use crate::vocabulary::secret::{Fingerprint, Kind};

/// The records of one kind of secret that were read last. Two halves take turns: when the young one is full it becomes the
/// old one, and what nobody asked for since then is forgotten.
pub(super) struct Known<K: Kind, T>(Mutex<Halves<K, T>>);

struct Halves<K: Kind, T> {
    young: HashMap<Fingerprint<K>, Arc<T>>,
    old: HashMap<Fingerprint<K>, Arc<T>>,
}

impl<K: Kind, T> Known<K, T> {
    pub(super) fn find(&self, key: &Fingerprint<K>) -> Option<Arc<T>> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = halves.young.get(key) {
            return Some(Arc::clone(record));
        }
        let record = halves.old.remove(key)?;
        halves.keep(*key, Arc::clone(&record));
        Some(record)
    }

    /// Forgets a record that is not asked for again: what it says is not kept longer than its row.
    pub(super) fn forget(&self, key: &Fingerprint<K>) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.young.remove(key);
        halves.old.remove(key);
    }

    pub(super) fn keep(&self, key: Fingerprint<K>, record: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(key, Arc::new(record));
    }
}

impl<K: Kind, T> Halves<K, T> {
    fn keep(&mut self, key: Fingerprint<K>, record: Arc<T>) {
        if self.young.len() >= limits::RECORDS_KNOWN / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, record);
    }
}

impl<K: Kind, T> Default for Known<K, T> {
    fn default() -> Self {
        Self(Mutex::new(Halves { young: HashMap::new(), old: HashMap::new() }))
    }
}

// What was asked and granted is not for a log.
impl<K: Kind, T> std::fmt::Debug for Known<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::secret::Access;

    fn key(number: usize) -> Fingerprint<Access> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        Fingerprint::from_bytes(bytes)
    }

    #[test]
    fn what_was_kept_is_found_and_what_is_asked_for_stays() {
        let known = Known::default();
        for number in 0..limits::RECORDS_KNOWN * 4 {
            known.keep(key(number), number);
            assert_eq!(known.find(&key(0)).as_deref(), Some(&0), "asked for all along, after {number}");
            assert_eq!(known.find(&key(number)).as_deref(), Some(&number));
        }
        assert!(known.find(&key(1)).is_none(), "nobody has asked for it since");
    }

    #[test]
    fn what_is_forgotten_is_not_found() {
        let known = Known::default();
        (0..limits::RECORDS_KNOWN).for_each(|number| known.keep(key(number), number));
        for number in [0, limits::RECORDS_KNOWN / 2 - 1, limits::RECORDS_KNOWN - 1] {
            known.forget(&key(number));
            assert!(known.find(&key(number)).is_none(), "{number}");
        }
    }

    #[test]
    fn no_more_is_known_than_the_bound_says() {
        let known = Known::default();
        for number in 0..limits::RECORDS_KNOWN * 4 {
            known.keep(key(number), number);
        }
        let halves = known.0.lock().unwrap();
        assert!(halves.young.len() + halves.old.len() <= limits::RECORDS_KNOWN);
    }
}
