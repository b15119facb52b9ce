//! The cost of operations: the table of the manual equals the numbers that the tests count.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The lines of a table of these columns and operations.
fn rows(costs: &Value) -> Vec<String> {
    let columns = costs["columns"].as_array().unwrap().iter().map(|column| column.as_str().unwrap().to_owned());
    let mut rows = vec![format!("| operation | {} |", columns.collect::<Vec<_>>().join(" | "))];
    for (operation, numbers) in costs["operations"].as_object().unwrap() {
        let numbers = numbers.as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>();
        rows.push(format!("| {operation} | {} |", numbers.join(" | ")));
    }
    rows
}

#[test]
fn the_manual_has_each_cost_and_no_other() {
    let costs = serde_json::from_str(&read("tests/workerd/costs.json")).unwrap();
    let manual = read("src/manual/architecture.md");
    let section = manual.split("# What an operation costs\n").nth(1).unwrap().split("\n# ").next().unwrap().to_owned();
    let mut table: Vec<_> = section.lines().filter(|line| line.starts_with("| ")).map(str::to_owned).collect();
    let mut expected = rows(&costs);
    // A map keeps no order.
    table.sort();
    expected.sort();
    assert_eq!(table, expected);
}
