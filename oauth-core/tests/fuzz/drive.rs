//! Mutated inputs for any targets, on stable Rust and without instrumentation.
//!
//! Seeds are files, `seeds/TARGET/NAME`: one for every way an input has been received that is worth keeping. What a campaign
//! finds is added there. The same number gives the same inputs. An input that is received in a way not seen before becomes a seed of its own.
//! `MANDATE_FUZZ_SECONDS` says how long each target runs; without it each runs a moment, as a part of the ordinary tests.
//! `MANDATE_FUZZ_TARGETS` names those that run, with commas between them; `MANDATE_FUZZ_NUMBER` begins elsewhere.

mod mutate;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oauth_core::testkit::fuzz::{Received, Target};

use mutate::Mutator;

/// Longer than any honest reading, on a busy machine and without optimisation.
const HANG: Duration = Duration::from_secs(2);
/// Inputs that are kept as seeds.
const CORPUS: usize = 512;

/// Runs every target for its time, each on one thread, and fails with all findings.
pub(crate) fn keep_their_properties(targets: &[Target], seeds: &Path) {
    let time = number("MANDATE_FUZZ_SECONDS").map_or(Duration::from_secs(1), Duration::from_secs);
    let first = number("MANDATE_FUZZ_NUMBER").unwrap_or(1);
    let chosen = setting("MANDATE_FUZZ_TARGETS");
    let is_chosen = |target: &&Target| {
        chosen.as_ref().is_none_or(|names| names.split(',').any(|name| name == target.name))
    };
    let targets: Vec<&Target> = targets.iter().filter(is_chosen).collect();
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(targets.len().max(1));
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let own: Vec<&Target> = targets.iter().copied().skip(worker).step_by(threads).collect();
                scope.spawn(move || {
                    own.into_iter().map(|target| drive(target, seeds, (first, time))).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
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

/// What a target begins with: the files of its directory, in the order of their names.
fn read(seeds: &Path, target: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(seeds.join(target)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().filter_map(|file| std::fs::read(file).ok()).collect()
}

/// Every target begins with something, and no seed is forgotten.
pub(crate) fn have_seeds(targets: &[Target], seeds: &Path) {
    for target in targets {
        assert!(read(seeds, target.name).len() >= 3, "{}", target.name);
    }
    for entry in std::fs::read_dir(seeds).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(targets.iter().any(|target| target.name == name), "{name} is nobody's");
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

fn drive(target: &Target, seeds: &Path, (number, time): (u64, Duration)) -> Outcome {
    let seeds = read(seeds, target.name);
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
            Ok(received) if took <= HANG || is_quick_again(target, &input) => received,
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
        outcome.taken += u64::from(received == Received::Taken);
        let kept = seen.insert(received) || mutator.one_in(512);
        if kept && corpus.len() < CORPUS && input.len() <= mutate::SEED_BYTES {
            corpus.push(input);
        }
    }
    outcome.ways = seen.len();
    outcome
}

/// A machine with other work may look like a reader that hangs, once; a reader that hangs does so every time.
fn is_quick_again(target: &Target, input: &[u8]) -> bool {
    (0..3).any(|_| {
        let start = now();
        let _received = (target.run)(input);
        now().duration_since(start) <= HANG
    })
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
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    setting(name)?.parse().ok()
}
