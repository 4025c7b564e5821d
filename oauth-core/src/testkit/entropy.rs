//! Random bytes that are not random: the same in every run, different at every draw.

use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

use crate::port::entropy::Entropy;
use crate::refusal::Fault;

/// Draws the SHA-256 of a counter. For tests only: whoever knows the count knows every secret.
#[derive(Debug, Default)]
pub struct CountedEntropy(AtomicU64);

impl CountedEntropy {
    /// How often it was drawn from.
    #[must_use]
    pub fn draws(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Entropy for CountedEntropy {
    fn draw(&self) -> Result<Zeroizing<[u8; 32]>, Fault> {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &count.to_be_bytes()).as_ref());
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_draw_the_same_and_two_draws_differ() {
        let (one, other) = (CountedEntropy::default(), CountedEntropy::default());
        let first = one.draw().unwrap();
        assert_eq!(*first, *other.draw().unwrap());
        assert_ne!(*first, *one.draw().unwrap());
        assert_eq!(one.draws(), 2);
    }
}
