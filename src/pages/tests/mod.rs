//! Every page in every language: well formed, with the fields of the contract, foreign texts escaped.

mod document;
mod inputs;
mod samples;
mod snapshots;

use document::{Document, Element};
use samples::{HOSTILE, Sample, all};

use super::words::Words;

/// The elements of a name inside the form that has this action.
fn fields(document: &Document, action: &str) -> Vec<Vec<String>> {
    let forms = document.elements.iter().enumerate().filter(|(_, element)| element.name == "form");
    let ours = forms.filter(|(_, form)| form.get("action") == Some(action));
    ours.map(|(index, form)| {
        assert_eq!(form.get("method"), Some("post"));
        let named = document.inside(index).filter_map(|element| element.get("name").map(|name| (element, name)));
        named.map(|(element, name)| told(element, name)).collect()
    })
    .collect()
}

/// A field by its name, a button with its value.
fn told(element: &Element, name: &str) -> String {
    match (element.name.as_str(), element.get("value")) {
        ("button", Some(value)) => format!("{name}={value}"),
        _ => name.to_owned(),
    }
}

fn sample(name: &str) -> Document {
    let english = Words::negotiate(None, None);
    Document::parse(&all(english, "plain").into_iter().find(|sample| sample.name == name).unwrap().html)
}

#[test]
fn every_page_is_well_formed_in_every_language() {
    for language in ["en", "zh"] {
        let words = Words::negotiate(Some(language), None);
        for Sample { name, html } in all(words, "plain") {
            let document = Document::parse(&html);
            let count = |element: &str| document.elements.iter().filter(|own| own.name == element).count();
            assert!(html.starts_with("<!DOCTYPE html><html lang=\""), "{name}");
            assert_eq!(document.elements[0].get("lang"), Some(words.language()), "{name}");
            for once in ["html", "head", "title", "body", "main", "h1"] {
                assert_eq!(count(once), 1, "{name} {once}");
            }
            document.references();
            document.labels();
            document.nothing_inline();
            let focused = document.elements.iter().filter(|element| element.get("autofocus").is_some()).count();
            assert!(focused <= 1, "{name} has {focused} first fields");
        }
    }
}

#[test]
fn forms_have_the_names_of_the_contract() {
    assert_eq!(fields(&sample("sign-in"), "/account/sign-in"), [["csrf", "continue", "username", "password"]]);
    assert_eq!(fields(&sample("sign-in"), "/account/sign-in/passkey"), [["csrf", "continue", "credential"]]);
    assert_eq!(fields(&sample("sign-in-bare"), "/account/sign-in"), [["csrf", "username", "password"]]);
    assert_eq!(fields(&sample("sign-in-bare"), "/account/sign-in/passkey").len(), 0);
    assert_eq!(
        fields(&sample("sign-up"), "/account/sign-up"),
        [["csrf", "continue", "username", "password", "name", "email"]]
    );
    assert_eq!(fields(&sample("consent"), "/oauth/consent"), [["csrf", "request", "decision=allow", "decision=deny"]]);
    assert_eq!(fields(&sample("logout"), "/oauth/logout"), [["csrf", "request", "decision=sign_out", "decision=stay"]]);
    assert_eq!(fields(&sample("form-post"), "https://app.example/cb"), [["code", "state", "iss"]]);
    let account: [&[&str]; 15] = [
        &["csrf", "action=sign_out"],
        &["csrf", "passkey", "name", "action=rename_passkey"],
        &["csrf", "passkey", "action=remove_passkey"],
        &["csrf", "passkey", "name", "action=rename_passkey"],
        &["csrf", "passkey", "action=remove_passkey"],
        &["csrf", "credential", "name", "action=add_passkey"],
        &["csrf", "current_password", "new_password", "remove_passkeys", "end_grants", "action=change_password"],
        &["csrf", "action=sign_out"],
        &["csrf", "session", "action=end_session"],
        &["csrf", "session", "action=end_session"],
        &["csrf", "client", "action=withdraw"],
        &["csrf", "grant", "action=end_grant"],
        &["csrf", "grant", "action=end_grant"],
        &["csrf", "client", "action=withdraw"],
        &["csrf", "client", "action=withdraw"],
    ];
    assert_eq!(fields(&sample("account"), "/account"), account);
}

#[test]
fn what_travels_with_a_form_comes_out_as_it_went_in() {
    let english = Words::negotiate(None, None);
    for Sample { name, html } in all(english, HOSTILE) {
        let document = Document::parse(&html);
        let carried = document.elements.iter().filter(|element| {
            let kept = ["csrf", "continue", "request", "passkey", "session", "client", "grant", "state"];
            element.get("type") == Some("hidden") && element.get("name").is_some_and(|name| kept.contains(&name))
        });
        for field in carried {
            assert_eq!(field.get("value"), Some(HOSTILE), "{name}");
        }
        let options = document.elements.iter().filter_map(|element| element.get("data-options"));
        for options in options {
            assert_eq!(options, HOSTILE, "{name}");
        }
    }
}

#[test]
fn hostile_texts_stay_texts() {
    for language in ["en", "zh"] {
        let words = Words::negotiate(Some(language), None);
        let long = format!("{}{HOSTILE}", "x".repeat(10_000));
        for text in [HOSTILE, &long, "'\"<>&\u{0}\u{202e}\u{2028}", "\u{202e}gpj.exe", "{client}{user}", "]]>", "-->"] {
            for (Sample { name, html }, plain) in all(words, text).into_iter().zip(all(words, "plain")) {
                let document = Document::parse(&html);
                let shape = |document: &Document| {
                    document.elements.iter().map(|element| element.name.clone()).collect::<Vec<_>>()
                };
                assert_eq!(shape(&document), shape(&Document::parse(&plain.html)), "{name}: {text}");
                document.nothing_inline();
                assert!(!document.text.contains('\u{202e}'), "{name} turns the direction");
                assert!(document.text.len() < 20_000, "{name} shows {} bytes", document.text.len());
            }
        }
    }
}

#[test]
fn errors_are_told_to_all_senses() {
    for (name, field) in [
        ("sign-in-wrong", "password"),
        ("sign-up-errors", "username"),
        ("sign-up-errors", "email"),
        ("account-password-wrong", "current_password"),
        ("account-password-common", "new_password"),
    ] {
        let document = sample(name);
        let field = document.elements.iter().find(|element| element.get("name") == Some(field)).unwrap();
        assert_eq!(field.get("aria-invalid"), Some("true"), "{name}");
        let described = field.get("aria-describedby").unwrap().split(' ');
        let alerts = described.filter(|id| document.by_id(id).is_some_and(|own| own.get("role") == Some("alert")));
        assert_eq!(alerts.count(), 1, "{name}");
        let told = document.elements.iter().filter(|own| own.get("role") == Some("alert")).count();
        assert_eq!(told, if name == "sign-up-errors" { 4 } else { 1 }, "{name}");
        assert!(document.title().starts_with("Error: "), "{name}");
    }
    assert_eq!(sample("sign-in").title(), "Sign in · Edgemint");
}

#[test]
fn the_first_field_to_fill_has_the_focus() {
    for (name, first) in [
        ("sign-in-bare", Some("username")),
        ("sign-in", Some("password")),
        ("sign-in-wrong", Some("password")),
        ("sign-up", Some("username")),
        ("sign-up-errors", Some("username")),
        ("account", None),
        ("account-password-common", Some("new_password")),
        // Enter must not give a consent that was not read.
        ("consent", None),
    ] {
        let document = sample(name);
        let focused = document.elements.iter().find(|element| element.get("autofocus").is_some());
        assert_eq!(focused.and_then(|element| element.get("name")), first, "{name}");
    }
}

#[test]
fn consent_says_where_the_answer_goes_and_what_is_asked() {
    let site = sample("consent").text;
    assert!(site.contains("Your answer goes to app.example.") && !site.contains("on this device"));
    for name in ["consent-loopback", "consent-private-use"] {
        assert!(sample(name).text.contains("Your answer goes to an application on this device"), "{name}");
    }
    assert!(sample("consent-private-use").text.contains("com.example.app"));
    for words in ["Know that it is you", "See your email address", "Use the permission photos:read"] {
        assert!(site.contains(words), "{words}");
    }
    assert!(sample("consent-admin").text.contains("Manage this server"));
}

#[test]
fn an_old_sign_in_offers_no_sensitive_change_but_to_sign_in_again() {
    let document = sample("account-old-sign-in");
    let actions: Vec<_> =
        fields(&document, "/account").into_iter().filter_map(|fields| fields.last().cloned()).collect();
    for sensitive in ["add_passkey", "remove_passkey", "change_password"] {
        assert!(!actions.contains(&format!("action={sensitive}")), "{sensitive}");
    }
    for harmless in ["rename_passkey", "sign_out", "end_session", "withdraw", "end_grant"] {
        assert!(actions.contains(&format!("action={harmless}")), "{harmless}");
    }
    let again = Some("/account/sign-in?continue=prompt%3Dlogin");
    assert_eq!(document.elements.iter().filter(|element| element.get("href") == again).count(), 2);
    assert!(document.text.contains("within the last 5 minutes"));
    assert!(document.scripts().is_empty());
    let refused = sample("account-sign-in-too-old");
    assert!(refused.text.contains("Nothing was changed"));
    assert!(refused.elements.iter().any(|element| element.get("href") == again));
}

#[test]
fn what_needs_a_script_is_hidden_until_it_runs() {
    for (name, hidden) in [("sign-in", true), ("account", true)] {
        let document = sample(name);
        let form = document.elements.iter().find(|element| element.get("data-passkey").is_some()).unwrap();
        assert_eq!(form.get("hidden").is_some(), hidden, "{name}");
        assert_eq!(document.scripts(), ["/account/passkey.js"]);
    }
    assert_eq!(sample("form-post").scripts(), ["/account/form-post.js"]);
    for name in ["sign-in-bare", "sign-up", "consent", "logout", "signed-out", "stale_page"] {
        assert!(sample(name).scripts().is_empty(), "{name}");
    }
}
