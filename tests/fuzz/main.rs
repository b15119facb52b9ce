//! Properties of every byte string: `targets` has them. Here each target runs for a few seconds, with the same bytes every
//! time; `libfuzzer` runs the same targets without a limit, guided by coverage (README.md).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a test fails by panicking"
)]

mod change;
mod targets;

use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use crate::targets::{ALL, Target};

/// The maximum duration of one target, and its maximum number of inputs: a slow machine stops early.
const PATIENCE: Duration = Duration::from_secs(5);
const INPUTS: u32 = 20_000;

#[allow(clippy::disallowed_methods, reason = "it measures itself, not a token")]
fn run(name: &str) {
    let Target { check, seeds, .. } = ALL.into_iter().find(|target| target.name == name).unwrap();
    let seeds = seeds();
    seeds.iter().for_each(|seed| check(seed));
    let started = Instant::now();
    let mut seen = 0;
    for round in 0..INPUTS / 1_000 {
        if started.elapsed() > PATIENCE {
            break;
        }
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&round.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let config = Config { cases: 1_000, failure_persistence: None, ..Config::default() };
        let verdict = TestRunner::new_with_rng(config, rng).run(&change::any_change(&seeds), |data| {
            check(&data);
            Ok(())
        });
        match verdict {
            Ok(()) => seen += 1_000,
            Err(TestError::Fail(reason, data)) => panic!("{name}: {:?}: {reason}", String::from_utf8_lossy(&data)),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    println!("{name}: {seen} inputs in {:.1} s", started.elapsed().as_secs_f64());
    assert!(seen >= 1_000, "{name} is too slow to be of use");
}

#[test]
fn base64url() {
    run("base64url");
}

#[test]
fn json() {
    run("json");
}

#[test]
fn jwk() {
    run("jwk");
}

#[test]
fn jwks() {
    run("jwks");
}

#[test]
fn pem() {
    run("pem");
}

#[test]
fn token() {
    run("token");
}
