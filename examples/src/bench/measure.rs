//! What is measured and how: the CPU of a process from the kernel, latencies by rank, the price of a signature.

use std::time::Duration;

use oauth_core::jose::{Alg, PublicJwk, SigningKey};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Doing as _, Failed};

/// A process, as the kernel accounts for it.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

/// `USER_HZ`: the unit of `/proc/PID/stat` on every Linux.
const TICKS_PER_SECOND: u64 = 100;

impl Process {
    /// CPU used so far by all its threads, in user and kernel mode, exact to 10 ms.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn cpu(self) -> Result<Duration, Failed> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).doing("reading the CPU time")?;
        // the name in brackets may hold anything; the numbers follow the last bracket
        let (_, numbers) = text.rsplit_once(')').unwrap_or_default();
        let mut numbers = numbers.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(user)), Some(Ok(system))) => {
                Ok(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
            }
            _ => Err(Failed::new("reading the CPU time", "unexpected form of /proc/PID/stat")),
        }
    }

    /// Resident memory in KiB.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn resident_kib(self) -> Result<u64, Failed> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0)).doing("reading the memory")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_ascii_whitespace().next());
        number.unwrap_or_default().parse().doing("reading the memory")
    }
}

/// The load of the machine in the last minute.
#[must_use]
pub fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

/// A PS256 signature with its key, in bytes.
#[derive(Serialize, Deserialize)]
pub struct Sample {
    /// Modulus, big-endian.
    pub n: Vec<u8>,
    /// Exponent, big-endian.
    pub e: Vec<u8>,
    /// What was signed.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// What one operation costs here, in microseconds of an undisturbed core.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Prices {
    /// Verifying ES256.
    pub es256_verify: f64,
    /// Signing ES256.
    pub es256_sign: f64,
    /// Verifying PS256 with a modulus of 2048 bits.
    pub ps256_verify: f64,
}

/// Times signatures with ring on the calling thread. Batches are short and their median is taken, so that a batch
/// that was interrupted does not count.
///
/// # Errors
/// When an operation fails.
pub fn price_signatures(key: &SigningKey, sample: &Sample) -> Result<Prices, Failed> {
    let random = SystemRandom::new();
    let message = [0x5a; 600];
    let signature = key.sign(&random, &message).doing("signing")?;
    let point = point(key)?;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
    let components = PublicKeyComponents { n: &sample.n, e: &sample.e };
    Ok(Prices {
        es256_verify: price(|| public.verify(&message, &signature).doing("verifying ES256"))?,
        es256_sign: price(|| key.sign(&random, &message).map(drop).doing("signing"))?,
        ps256_verify: price(|| {
            let verified = components.verify(&RSA_PSS_2048_8192_SHA256, &sample.message, &sample.signature);
            verified.doing("verifying PS256")
        })?,
    })
}

const BATCHES: usize = 61;
const BATCH: u32 = 16;

/// What one operation costs, in microseconds.
///
/// # Errors
/// When it fails.
pub(super) fn price(mut operation: impl FnMut() -> Result<(), Failed>) -> Result<f64, Failed> {
    let mut micros = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let start = Instant::now();
        for _ in 0..BATCH {
            operation()?;
        }
        micros.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH));
    }
    Ok(median(&mut micros))
}

/// 0x04, x, y of a key of ours.
fn point(key: &SigningKey) -> Result<Vec<u8>, Failed> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    if key.alg() != Alg::Es256 {
        return Err(Failed::new("pricing signatures", "not an ES256 key"));
    }
    let kid = oauth_core::KeyId::new("priced").doing("naming a key")?;
    let jwk = PublicJwk::to_value(&key.public(&kid));
    let mut point = vec![0x04];
    for name in ["x", "y"] {
        let text = jwk.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        point.extend(URL_SAFE_NO_PAD.decode(text).doing("reading a key")?);
    }
    Ok(point)
}

/// The value in the middle; not a number when there is none.
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The latency that this share of the requests did not exceed, in milliseconds. `sorted` is in ascending order.
#[must_use]
pub fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(rank).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}

/// A count as a number to divide by.
#[must_use]
pub fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_percentiles_are_taken_by_rank() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        let latencies: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert!((percentile(&latencies, 50) - 51.0).abs() < 1e-9);
        assert!((percentile(&latencies, 99) - 100.0).abs() < 1e-9);
        assert!(percentile(&[], 99).is_nan());
    }

    #[test]
    fn a_process_has_used_cpu_and_memory() {
        let own = Process(std::process::id());
        assert!(own.resident_kib().unwrap() > 500);
        assert!(own.cpu().is_ok());
        assert!(Process(u32::MAX).cpu().is_err());
    }
}
