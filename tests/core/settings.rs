//! The settings: `[vars]` of wrangler.toml, the Worker and the manual have the same names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use edgemint::oauth::vocabulary::settings::{COST_LOG, Settings};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names under `[vars]`.
fn configured() -> BTreeSet<String> {
    let file = read("wrangler.toml");
    let section = file.split("\n[vars]\n").nth(1).unwrap().split("\n[").next().unwrap().to_owned();
    let names = section.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_setting_is_in_the_manual_and_no_other() {
    let manual = read("src/manual/settings.md");
    let section = manual.split("# Settings\n").nth(1).unwrap().split("Secrets, set by").next().unwrap().to_owned();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), configured());
}

#[test]
fn every_setting_is_read_and_no_other() {
    let read = Settings::NAMES.iter().chain([&COST_LOG]);
    assert_eq!(read.map(ToString::to_string).collect::<BTreeSet<_>>(), configured());
}
