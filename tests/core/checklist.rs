//! Tables of other projects' tests and defects, and of our own rules: for each item the test that covers it, or why none does.
//!
//! - The OAuch checklist (DistriNet/OAuch): its texts are not copied, the table has identifiers only, an area and an
//!   item.
//! - The published defects of peers, by their own numbers.
//! - The rules by which tokens and keys are checked more strictly than elsewhere: natively, and through the npm package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::skip::skipped;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const OAUCH: &str = "tests/checklists/oauch.json";
const REGRESSIONS: &str = "tests/checklists/regressions.json";
const STRICT: &str = "tests/checklists/strict.json";
/// The checklist, on machines that have it beside the project.
const CHECKLIST: &str = "../shared/checklists/oauch-checklist.json";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cover {
    /// `FILE :: NAME`.
    Test(String),
    WhyNot(String),
}

/// The coverage of a rule on both sides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    native: Cover,
    package: Cover,
}

fn table(path: &str) -> BTreeMap<String, Cover> {
    read(path)
}

fn read<T: DeserializeOwned>(path: &str) -> T {
    serde_json::from_str(&read_to_string(Path::new(ROOT).join(path)).unwrap()).unwrap()
}

#[test]
fn every_test_of_the_tables_exists() {
    let rules: BTreeMap<String, Both> = read(STRICT);
    assert!(rules.len() > 50);
    let of_rules = rules.into_iter().flat_map(|(rule, Both { native, package })| {
        [(format!("{rule}, natively"), native), (format!("{rule}, in the package"), package)]
    });
    for (item, cover) in table(OAUCH).into_iter().chain(table(REGRESSIONS)).chain(of_rules) {
        match cover {
            Cover::Test(test) => {
                let (file, name) = test.split_once(" :: ").unwrap_or_else(|| panic!("{item}: {test}"));
                let text = read_to_string(Path::new(ROOT).join(file)).unwrap_or_else(|error| panic!("{item}: {error}"));
                assert!(text.lines().any(|line| begins_test(line, name)), "{item}: {file} has no test {name:?}");
            }
            Cover::WhyNot(reason) => assert!(reason.split(' ').count() > 3, "{item}: {reason:?} is no reason"),
        }
    }
}

/// Does the line name a test, or a row of a table of tests?
fn begins_test(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let row = ["test(", "['", "'", "vectors("].iter().any(|start| line.starts_with(start)) && line.contains(name);
    // A rule in a file of rows, and in the list that makes a test of each.
    let rule = line.contains(&format!(r#""rule": "{name}","#)) || line.contains(&format!(r#""rule":"{name}","#));
    row || rule || line.starts_with(&format!("fn {name}(")) || line.starts_with(&format!("{name} ="))
}

#[test]
fn the_table_has_every_item_of_the_checklist_and_no_other() {
    let Ok(text) = read_to_string(Path::new(ROOT).join(CHECKLIST)) else {
        skipped("the_table_has_every_item_of_the_checklist_and_no_other", CHECKLIST);
        return;
    };
    let checklist: Value = serde_json::from_str(&text).unwrap();
    let name = |item: &Value| format!("{}/{}", item["area"].as_str().unwrap(), item["id"].as_str().unwrap());
    let items: BTreeSet<String> = checklist["tests"].as_array().unwrap().iter().map(name).collect();
    let rows: BTreeSet<String> = table(OAUCH).into_keys().collect();
    assert_eq!(items.difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the table");
    assert_eq!(rows.difference(&items).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the checklist");
}

#[test]
fn a_line_that_only_speaks_of_a_test_is_none() {
    assert!(begins_test("test('a code counts once', async () => {", "a code counts once"));
    assert!(begins_test("  ['no verifier', () => undefined],", "no verifier"));
    assert!(begins_test("fn a_code_counts_once() {", "a_code_counts_once"));
    assert!(begins_test("    a_code_counts_once = \"a code counts once\",", "a_code_counts_once"));
    assert!(begins_test(r#"  {"rule": "a code counts once", "what": "twice"},"#, "a code counts once"));
    assert!(!begins_test("// test: a code counts once", "a code counts once"));
    assert!(!begins_test("fn a_code_counts_once_more() {", "a_code_counts_once"));
    assert!(!begins_test("    a_code_counts_once_more = \"a\",", "a_code_counts_once"));
    assert!(!begins_test(
        r#"  {"rule": "a code counts once more", "what": "a code counts once"},"#,
        "a code counts once"
    ));
}
