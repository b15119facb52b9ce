//! Tests whose data is beside the project, on machines that have it.

use std::io::{self, Write as _};

/// Reports that a test did not run because a file is missing; `.scripts/test.mjs` counts the line as a skipped test.
///
/// The line goes straight to standard error, since the test harness keeps what a passing test prints.
pub(crate) fn skipped(test: &str, file: &str) {
    let line = format!("\nSKIPPED {test}: {file} is not on this machine\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}
