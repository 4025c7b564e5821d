//! Drives every target of `testkit::fuzz` with mutated inputs, on stable Rust and without instrumentation.
//!
//! Seeds are files, `seeds/TARGET/NAME`: one for every way an input has been received that is worth keeping. What a campaign
//! finds is added there. The same number gives the same inputs. An input that is received in a way not seen before becomes a seed of its own.
//! `MANDATE_FUZZ_SECONDS` says how long each target runs; without it each runs a moment, as a part of the ordinary tests.
//! `MANDATE_FUZZ_NUMBER` begins elsewhere.

#[cfg(test)]
mod mutate;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oauth_core::testkit::fuzz::{TARGETS, Target};

use mutate::Mutator;

/// Longer than any honest reading, on a busy machine and without optimisation.
const HANG: Duration = Duration::from_secs(2);
/// Inputs that are kept as seeds.
const CORPUS: usize = 512;

#[test]
fn readers_of_outside_bytes_keep_their_properties() {
    let seconds = setting("MANDATE_FUZZ_SECONDS");
    let number = setting("MANDATE_FUZZ_NUMBER").unwrap_or(1);
    let time = seconds.map_or(Duration::from_secs(1), Duration::from_secs);
    std::panic::set_hook(Box::new(|_| {}));
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(TARGETS.len());
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let own = TARGETS.iter().skip(worker).step_by(threads);
                scope.spawn(move || own.map(|target| drive(target, number, time)).collect::<Vec<_>>())
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let _ = std::panic::take_hook();
    let mut findings = Vec::new();
    for result in &results {
        println!("{result}");
        findings.extend(&result.finding);
    }
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.iter().map(|one| one.as_str()).collect::<Vec<_>>().join("\n")
    );
}

/// What a target begins with: the files of its directory below `tests/fuzz/seeds`, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory().join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds")
}

#[test]
fn every_target_has_seeds_and_every_seed_a_target() {
    for target in TARGETS {
        assert!(seeds(target.name).len() >= 3, "{}", target.name);
    }
    for entry in std::fs::read_dir(directory()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|target| target.name == name), "{name} is nobody's");
    }
}

/// How one target fared.
struct Outcome {
    name: &'static str,
    executions: u64,
    ways: usize,
    taken: u64,
    slowest: Duration,
    finding: Option<String>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, executions, ways, taken, slowest, .. } = self;
        write!(
            f,
            "{name:24} {executions:>10} executions {ways:>4} ways {taken:>9} taken  slowest {slowest:?}"
        )
    }
}

fn drive(target: &Target, number: u64, time: Duration) -> Outcome {
    let seeds = seeds(target.name);
    let mut corpus = seeds.clone();
    let mut mutator = Mutator::new(number, &seeds);
    let mut seen = HashSet::new();
    let mut outcome = Outcome {
        name: target.name,
        executions: 0,
        ways: 0,
        taken: 0,
        slowest: Duration::ZERO,
        finding: None,
    };
    let began = now();
    let mut next = 0;
    while now().duration_since(began) < time || next < seeds.len() {
        let input = match seeds.get(next) {
            Some(seed) => seed.clone(),
            None => mutator.input(&corpus),
        };
        next += 1;
        let start = now();
        let received = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        let took = now().duration_since(start);
        outcome.executions += 1;
        outcome.slowest = outcome.slowest.max(took);
        let received = match received {
            Ok(received) if took <= HANG => received,
            Ok(_) => {
                outcome.finding = Some(report(target, &input, "hangs"));
                break;
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                outcome.finding = Some(report(target, &input, &text.unwrap_or_default()));
                break;
            }
        };
        outcome.taken += u64::from(received == oauth_core::testkit::fuzz::Received::Taken);
        let kept = seen.insert(received) || mutator.one_in(512);
        if kept && corpus.len() < CORPUS && input.len() <= mutate::SEED_BYTES {
            corpus.push(input);
        }
    }
    outcome.ways = seen.len();
    outcome
}

fn report(target: &Target, input: &[u8], what: &str) -> String {
    let shown: String =
        input.iter().take(4096).flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect();
    format!("{}: {what}\n  input ({} bytes): b\"{shown}\"", target.name, input.len())
}

#[expect(clippy::disallowed_methods, reason = "a fuzzer runs for a time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a fuzzer is told from outside how long it runs")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}
