//! The rooms of the source: the imports of each, computed from the code and compared with the chart of the manual. No file imports
//! itself through others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules of `src`: the path of each (`["oauth", "grant"]`), and its code without comments and tests.
struct Source {
    modules: BTreeMap<Vec<String>, String>,
}

impl Source {
    fn read() -> Self {
        let mut modules = BTreeMap::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        Self::read_folder(&root, &mut Vec::new(), &mut modules);
        Self { modules }
    }

    fn read_folder(folder: &Path, path: &mut Vec<String>, modules: &mut BTreeMap<Vec<String>, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
            if entry.is_dir() {
                // The manual is text, the shim is JavaScript.
                if !["manual", "shim", "tests"].contains(&name.as_str()) {
                    path.push(name);
                    Self::read_folder(&entry, path, modules);
                    path.pop();
                }
            } else if entry.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
                let mut module = path.clone();
                if !["lib", "mod"].contains(&name.as_str()) {
                    module.push(name);
                }
                modules.insert(module, code(&fs::read_to_string(&entry).unwrap()));
            }
        }
    }

    /// The modules whose names a module uses.
    fn uses(&self, module: &[String]) -> BTreeSet<Vec<String>> {
        let text = self.modules.get(module).unwrap();
        let mut used = BTreeSet::new();
        for path in paths(text) {
            let absolute = match path.first().map(String::as_str) {
                Some("crate") => path[1..].to_vec(),
                Some("super") => {
                    let levels = path.iter().take_while(|segment| *segment == "super").count();
                    let parent = &module[..module.len().saturating_sub(levels)];
                    [parent, &path[levels..]].concat()
                }
                Some("self") => [module, &path[1..]].concat(),
                _ => continue,
            };
            if let Some(target) = self.home(&absolute, 0) {
                used.insert(target);
            }
        }
        used.remove(module);
        used
    }

    /// The module that defines what a path names. A re-exported name (`pub use`) is looked up at its source.
    fn home(&self, path: &[String], depth: usize) -> Option<Vec<String>> {
        let length = (0..=path.len()).rev().find(|&length| self.modules.contains_key(&path[..length]))?;
        let (module, rest) = path.split_at(length);
        let Some(name) = rest.first().filter(|_| depth < 8) else { return Some(module.to_vec()) };
        for line in self
            .modules
            .get(module)?
            .split("pub use ")
            .skip(1)
            .chain(self.modules.get(module)?.split("pub(crate) use ").skip(1))
        {
            let statement = line.split(';').next()?;
            for handed_on in expand(statement) {
                if handed_on.last() == Some(name) {
                    let absolute = match handed_on[0].as_str() {
                        "crate" => handed_on[1..].to_vec(),
                        "self" => [module, &handed_on[1..]].concat(),
                        "super" => [&module[..module.len() - 1], &handed_on[1..]].concat(),
                        _ => [module, &handed_on[..]].concat(),
                    };
                    if absolute != path {
                        return self.home(&absolute, depth + 1);
                    }
                }
            }
        }
        Some(module.to_vec())
    }
}

/// The code of a file: no comments, and nothing from its tests on, which are last.
fn code(text: &str) -> String {
    let before_tests = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The paths in a text that begin with `crate::`, `super::` or `self::`, each with its braces expanded.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for beginning in ["crate::", "super::", "self::"] {
        for (start, _) in text.match_indices(beginning) {
            let is_within_a_path =
                text[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':');
            if !is_within_a_path {
                found.extend(expand(&text[start..]));
            }
        }
    }
    found
}

/// The paths at the start of a text: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(text: &str) -> Vec<Vec<String>> {
    let mut segments = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
        if end == 0 {
            break;
        }
        segments.push(rest[..end].to_owned());
        rest = &rest[end..];
        let Some(after) = rest.strip_prefix("::") else { break };
        rest = after;
        if let Some(list) = rest.strip_prefix('{') {
            let inside = &list[..closing(list)];
            return split(inside)
                .flat_map(expand)
                .map(|tail| if tail == ["self"] { segments.clone() } else { [&segments[..], &tail[..]].concat() })
                .collect();
        }
    }
    if segments.is_empty() { Vec::new() } else { vec![segments] }
}

fn closing(list: &str) -> usize {
    let mut depth = 1;
    for (index, next) in list.char_indices() {
        depth += match next {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return index;
        }
    }
    list.len()
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    list.split(move |next: char| {
        depth += match next {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        next == ',' && depth == 0
    })
    .filter(|part| !part.trim().is_empty())
}

/// The modules that a module uses, directly or through others.
fn reached<'u>(uses: &'u BTreeMap<Vec<String>, BTreeSet<Vec<String>>>, module: &[String]) -> BTreeSet<&'u Vec<String>> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<_> = uses[module].iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(&uses[next]);
        }
    }
    reached
}

#[test]
fn no_file_imports_itself_through_others() {
    let source = Source::read();
    let uses: BTreeMap<_, _> = source.modules.keys().map(|module| (module.clone(), source.uses(module))).collect();
    let mut circles = Vec::new();
    for module in uses.keys() {
        if reached(&uses, module).contains(module) {
            let back = uses[module].iter().filter(|next| reached(&uses, next).contains(module));
            circles.push(format!(
                "{} -> {}",
                module.join("::"),
                back.map(|next| next.join("::")).collect::<Vec<_>>().join(", ")
            ));
        }
    }
    assert!(circles.is_empty(), "files in circles of imports, and what leads back:\n{}", circles.join("\n"));
}

#[test]
fn the_chart_of_the_manual_has_the_arrows_of_the_code() {
    let source = Source::read();
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for module in source.modules.keys().filter(|module| !module.is_empty()) {
        let used = source.uses(module);
        let row = rooms.entry(module[0].clone()).or_default();
        row.extend(
            used.into_iter().filter(|other| !other.is_empty() && other[0] != module[0]).map(|other| other[0].clone()),
        );
    }
    let chart = include_str!("../../src/manual/architecture.md");
    let section = chart.split("| room | uses |").nth(1).expect("architecture.md has a table of rooms");
    let rows = section.lines().skip(2).take_while(|line| line.starts_with('|'));
    let drawn: BTreeMap<String, BTreeSet<String>> = rows
        .map(|row| {
            let mut cells = row.trim_matches('|').split('|').map(str::trim);
            let name = cells.next().unwrap().trim_matches('`').to_owned();
            let used = cells.next().unwrap().split(", ").map(|name| name.trim_matches('`').to_owned());
            (name, used.filter(|name| !name.is_empty()).collect())
        })
        .collect();
    assert_eq!(drawn, rooms);
}

/// The rooms of `oauth`, each with those that it uses.
const ROOMS_OF_OAUTH: [(&str, &[&str]); 6] = [
    ("vocabulary", &[]),
    ("status", &["vocabulary"]),
    ("grant", &["vocabulary"]),
    ("refusal", &["grant", "vocabulary"]),
    ("endpoints", &["grant", "refusal", "status", "vocabulary"]),
    ("admin", &["endpoints", "grant", "refusal", "vocabulary"]),
];

#[test]
fn rooms_of_oauth_use_only_rooms_before_them() {
    let source = Source::read();
    for (room, allowed) in ROOMS_OF_OAUTH {
        let modules = source.modules.keys().filter(|module| module.starts_with(&["oauth".to_owned(), room.to_owned()]));
        for module in modules {
            for used in source.uses(module).iter().filter(|used| used.first().is_some_and(|first| first == "oauth")) {
                let other = used.get(1).map_or("", String::as_str);
                let is_allowed = other == room || allowed.contains(&other);
                assert!(is_allowed, "{} uses {}", module.join("::"), used.join("::"));
            }
        }
    }
}
