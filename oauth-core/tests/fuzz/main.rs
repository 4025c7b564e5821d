//! Drives every target of `testkit::fuzz` with mutated inputs, on stable Rust and without instrumentation: see [`drive`].

#[cfg(test)]
#[path = "drive.rs"]
mod drive;

use std::path::{Path, PathBuf};

use oauth_core::testkit::fuzz::TARGETS;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds")
}

#[test]
fn readers_of_outside_bytes_keep_their_properties() {
    drive::keep_their_properties(TARGETS, &seeds());
}

#[test]
fn every_target_has_seeds_and_every_seed_a_target() {
    drive::have_seeds(TARGETS, &seeds());
}
