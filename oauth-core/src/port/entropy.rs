//! Random bytes. Drawn while gathering, so that deciding stays a function of its facts.

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::refusal::Fault;

/// A cryptographic random source.
pub trait Entropy: Send + Sync {
    /// 256 fresh random bits.
    ///
    /// # Errors
    /// When the source fails. There is no fallback: the request ends.
    fn draw(&self) -> Result<Zeroizing<[u8; 32]>, Fault>;
}

/// The random source of the operating system.
#[derive(Debug, Clone)]
pub struct SystemEntropy(SystemRandom);

impl Default for SystemEntropy {
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    fn draw(&self) -> Result<Zeroizing<[u8; 32]>, Fault> {
        let mut bytes = Zeroizing::new([0; 32]);
        self.0
            .fill(bytes.as_mut_slice())
            .map_err(|_| Fault::new("entropy", "the system random source failed"))?;
        Ok(bytes)
    }
}
