//! Every input of every form of every page, against one table. A password field that became a text
//! field fails here.

use std::collections::BTreeSet;

use super::document::{Document, Element};
use super::samples::all;
use crate::pages::Words;

/// The action of the form, the name, `type`, `autocomplete`, and whether it is required.
type Input = (&'static str, &'static str, &'static str, &'static str, bool);

const INPUTS: [Input; 42] = [
    ("/account", "", "text", "username", false),
    ("/account", "client", "hidden", "", false),
    ("/account", "credential", "hidden", "", false),
    ("/account", "csrf", "hidden", "", false),
    ("/account", "current_password", "password", "current-password", true),
    ("/account", "end_grants", "checkbox", "off", false),
    ("/account", "grant", "hidden", "", false),
    ("/account", "name", "text", "off", true),
    ("/account", "new_password", "password", "new-password", true),
    ("/account", "passkey", "hidden", "", false),
    ("/account", "remove_passkeys", "checkbox", "off", false),
    ("/account", "session", "hidden", "", false),
    ("/account/sign-in", "challenge", "hidden", "", false),
    ("/account/sign-in", "continue", "hidden", "", false),
    ("/account/sign-in", "csrf", "hidden", "", false),
    ("/account/sign-in", "password", "password", "current-password", true),
    ("/account/sign-in", "proof", "hidden", "", false),
    ("/account/sign-in", "username", "text", "username", true),
    ("/account/sign-in", "username", "text", "username webauthn", true),
    ("/account/sign-in/passkey", "continue", "hidden", "", false),
    ("/account/sign-in/passkey", "credential", "hidden", "", false),
    ("/account/sign-in/passkey", "csrf", "hidden", "", false),
    ("/account/sign-up", "continue", "hidden", "", false),
    ("/account/sign-up", "csrf", "hidden", "", false),
    ("/account/sign-up", "email", "email", "email", false),
    ("/account/sign-up", "name", "text", "name", false),
    ("/account/sign-up", "password", "password", "new-password", true),
    ("/account/sign-up", "username", "text", "username", true),
    ("/device", "csrf", "hidden", "", false),
    ("/device", "ui_locales", "hidden", "", false),
    ("/device", "user_code", "text", "off", true),
    ("/device/consent", "csrf", "hidden", "", false),
    ("/device/consent", "grant", "hidden", "", false),
    ("/device/consent", "ui_locales", "hidden", "", false),
    ("/device/consent", "user_code", "hidden", "", false),
    ("/oauth/consent", "csrf", "hidden", "", false),
    ("/oauth/consent", "request", "hidden", "", false),
    ("/oauth/logout", "csrf", "hidden", "", false),
    ("/oauth/logout", "request", "hidden", "", false),
    ("https://app.example/cb", "code", "hidden", "", false),
    ("https://app.example/cb", "iss", "hidden", "", false),
    ("https://app.example/cb", "state", "hidden", "", false),
];

type Row = (String, String, String, String, bool);

fn row(action: &str, input: &Element) -> Row {
    let text = |name| input.get(name).unwrap_or_default().to_owned();
    (action.to_owned(), text("name"), text("type"), text("autocomplete"), input.get("required").is_some())
}

/// The inputs of all forms of a page. Fails if one is outside of a form, or if a form does not post.
fn inputs(name: &str, document: &Document) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, form) in document.elements.iter().enumerate().filter(|(_, element)| element.name == "form") {
        assert_eq!(form.get("method"), Some("post"), "{name}");
        assert_eq!((form.get("target"), form.get("enctype")), (None, None), "{name}");
        let action = form.get("action").unwrap();
        rows.extend(document.inside(index).filter(|own| own.name == "input").map(|input| row(action, input)));
    }
    let all = document.elements.iter().filter(|element| element.name == "input").count();
    assert_eq!(rows.len(), all, "{name} has an input outside of its forms");
    rows
}

#[test]
fn every_input_is_in_the_table_in_both_languages() {
    let expected: BTreeSet<Row> = INPUTS
        .iter()
        .map(|&(action, name, kind, autocomplete, required)| {
            (action.to_owned(), name.to_owned(), kind.to_owned(), autocomplete.to_owned(), required)
        })
        .collect();
    for language in ["en", "zh"] {
        let words = Words::negotiate(Some(language), None);
        let found: BTreeSet<Row> =
            all(words, "plain").iter().flat_map(|page| inputs(&page.name, &Document::parse(&page.html))).collect();
        assert_eq!(found, expected, "{language}");
    }
}

#[test]
fn no_input_limits_or_prefills_what_is_secret() {
    let english = Words::negotiate(None, None);
    for page in all(english, "plain") {
        let document = Document::parse(&page.html);
        for input in document.elements.iter().filter(|element| element.name == "input") {
            for forbidden in ["maxlength", "minlength", "pattern", "formaction", "form"] {
                assert_eq!(input.get(forbidden), None, "{} {forbidden}", page.name);
            }
            if input.get("type") == Some("password") {
                assert_eq!(input.get("value"), None, "{} sends a password back", page.name);
                assert_eq!(input.get("autocapitalize"), Some("none"), "{}", page.name);
                assert_eq!(input.get("spellcheck"), Some("false"), "{}", page.name);
            }
        }
    }
}

#[test]
fn buttons_submit_their_own_form() {
    let english = Words::negotiate(None, None);
    for page in all(english, "plain") {
        for button in Document::parse(&page.html).elements.iter().filter(|element| element.name == "button") {
            assert_eq!(button.get("type"), Some("submit"), "{}", page.name);
            assert!(button.attributes.iter().all(|(name, _)| !name.starts_with("form")), "{}", page.name);
        }
    }
}
