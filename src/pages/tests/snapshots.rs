//! The whole markup of representative pages, and the headings and messages of every page, against recorded files.
//!
//! The pages are rendered with [`Words::named`], so that a change of a text changes nothing here. After an intended
//! change, run the tests with `UPDATE_PAGES=1` and review the difference.

use std::fmt::Write as _;

use super::document::{Document, VOID};
use super::samples::{Sample, all};
use crate::pages::Words;

/// The pages that are recorded whole: each part of a page that may be there or not is in at least one of them.
const WHOLE: [&str; 24] = [
    "sign-in",
    "sign-in-bare",
    "sign-in-passkey",
    "sign-in-passkey-only",
    "sign-in-passkey-only-refused",
    "sign-in-afresh",
    "sign-in-wrong-proof",
    "sign-in-proof",
    "sign-up",
    "sign-up-errors",
    "consent-resources",
    "consent-described",
    "consent-private-use",
    "device-unknown",
    "device-prefilled",
    "device-consent",
    "device-consent-elsewhere",
    "account",
    "account-empty",
    "account-old-sign-in",
    "logout",
    "signed-out",
    "form-post",
    "bad_request",
];

fn named() -> Vec<Sample> {
    all(&Words::named(), "plain")
}

/// One tag a line, indented by its depth.
fn outline(html: &str) -> String {
    let mut lines = String::new();
    let mut depth = 0_usize;
    for part in html.split('<').skip(2) {
        let closes = part.starts_with('/');
        depth -= usize::from(closes);
        let (tag, text) = part.split_once('>').unwrap();
        if !(closes && text.is_empty()) {
            writeln!(lines, "{}<{tag}>{text}", "  ".repeat(depth)).unwrap();
        }
        let name = tag.split(' ').next().unwrap();
        depth += usize::from(!closes && !VOID.contains(&name));
    }
    lines
}

/// Compares with a recorded file, or records it.
fn compare(file: &str, recorded: &str, found: &str) {
    if std::env::var_os("UPDATE_PAGES").is_some() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages/tests").join(file);
        std::fs::write(path, found).unwrap();
        return;
    }
    for (number, (recorded, found)) in recorded.lines().zip(found.lines()).enumerate() {
        assert_eq!(found, recorded, "{file} line {}", number + 1);
    }
    assert_eq!(found.lines().count(), recorded.lines().count(), "{file} has another length");
}

#[test]
fn whole_pages_are_as_recorded() {
    let pages = named();
    let mut found = String::new();
    for name in WHOLE {
        let page = pages.iter().find(|page| page.name == name).unwrap();
        writeln!(found, "== {name}\n{}", outline(&page.html)).unwrap();
    }
    compare("pages.txt", include_str!("pages.txt"), &found);
}

#[test]
fn titles_headings_and_messages_are_as_recorded() {
    let mut found = String::new();
    for page in named() {
        let document = Document::parse(&page.html);
        writeln!(found, "== {}\ntitle: {}", page.name, document.title()).unwrap();
        for element in &document.elements {
            let role = element.get("role").filter(|_| !element.text.is_empty());
            let lead = element.get("class").filter(|class| ["lead", "reason", "reference"].contains(class));
            let is_heading = element.name == "h1";
            if let Some(what) = role.or(lead).or(is_heading.then_some("h1")) {
                writeln!(found, "{what}: {}", element.text).unwrap();
            }
        }
    }
    compare("messages.txt", include_str!("messages.txt"), &found);
}

#[test]
fn every_text_is_used_by_a_page() {
    let pages = named();
    for name in Words::names() {
        let (alone, filled) = (format!("[{name}]"), format!("[{name} "));
        let is_used = pages.iter().any(|page| page.html.contains(&alone) || page.html.contains(&filled));
        assert!(is_used, "no page shows {name}");
    }
}

#[test]
fn headings_skip_no_level_and_no_place_stays_empty() {
    for page in named() {
        let mut before = 0;
        for element in Document::parse(&page.html).elements {
            let level = element.name.strip_prefix('h').and_then(|level| level.parse::<u8>().ok());
            if let Some(level) = level {
                assert!(level <= before + 1, "{}: h{level} after h{before}", page.name);
                before = level;
            }
        }
        assert!(!page.html.contains(" ]") && !page.html.contains("  "), "{}: an empty place", page.name);
    }
}
