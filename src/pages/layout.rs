//! The parts that pages share: the document, fields, alerts.

use maud::{DOCTYPE, Markup, html};

use super::text::fill;
use super::words::Words;

const STYLE_SHEET: &str = "/account/account.css";

/// The document around a page.
pub(super) struct Document<'a> {
    pub(super) words: &'a Words,
    /// The title, without the name of the product.
    pub(super) title: &'a str,
    /// Whether the page reports an error. The title then begins with it: screen readers read the title first.
    pub(super) failed: bool,
    /// A page of many parts, not a card.
    pub(super) wide: bool,
    /// The script that it works better with.
    pub(super) script: Option<&'static str>,
    /// The content beside the product's name.
    pub(super) aside: Option<Markup>,
}

impl Document<'_> {
    /// The whole document.
    pub(super) fn render(&self, main: &Markup) -> String {
        let title = html! { (self.title) };
        let title = if self.failed { fill(self.words.error_prefix, &[("title", title)]) } else { title };
        let page = html! {
            (DOCTYPE)
            html lang=(self.words.lang) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " · Edgemint" }
                    meta name="robots" content="noindex";
                    meta name="color-scheme" content="light dark";
                    meta name="theme-color" content="#eef3f0" media="(prefers-color-scheme: light)";
                    meta name="theme-color" content="#0c1311" media="(prefers-color-scheme: dark)";
                    link rel="icon" href="/favicon.svg" type="image/svg+xml";
                    link rel="stylesheet" href=(STYLE_SHEET);
                    @if let Some(script) = self.script { script type="module" src=(script) {} }
                }
                body class=(if self.wide { "wide" } else { "narrow" }) {
                    header.masthead {
                        p.brand translate="no" {
                            img src="/favicon.svg" alt="" width="32" height="32";
                            span { "Edgemint" }
                        }
                        @if let Some(aside) = &self.aside { (aside) }
                    }
                    main { (main) }
                }
            }
        };
        page.into_string()
    }
}

/// A card: the one thing of a narrow page.
pub(super) fn card(content: &Markup) -> Markup {
    html! { div.card { (content) } }
}

/// A message that something went wrong.
pub(super) fn alert(id: &str, message: &Markup) -> Markup {
    html! { p.alert id=(id) role="alert" { (message) } }
}

/// A hidden field.
pub(super) fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// A hidden field, left out when there is nothing in it.
pub(super) fn hidden_if(name: &str, value: &str) -> Markup {
    html! { @if !value.is_empty() { (hidden(name, value)) } }
}

/// A choice that is off unless it is ticked: it is then sent as `yes`.
pub(super) struct Choice {
    pub(super) label: Markup,
    /// The name in the form, and the identifier in the page.
    pub(super) name: &'static str,
    pub(super) ticked: bool,
    pub(super) hint: Option<Markup>,
}

impl Choice {
    pub(super) fn render(&self) -> Markup {
        let hint_id = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        html! {
            div.tick {
                input id=(self.name) name=(self.name) type="checkbox" value="yes" autocomplete="off"
                    checked[self.ticked] aria-describedby=[&hint_id];
                label for=(self.name) { (self.label) }
                @if let (Some(hint), Some(id)) = (&self.hint, &hint_id) { p.hint id=(id) { (hint) } }
            }
        }
    }
}

/// A field with its label, hint and error.
#[derive(Default)]
pub(super) struct Field<'a> {
    pub(super) label: &'a str,
    /// The name in the form; also the identifier in the page unless `id` is given.
    pub(super) name: &'a str,
    pub(super) id: Option<&'a str>,
    /// `text`, `password` or `email`.
    pub(super) kind: &'a str,
    pub(super) value: &'a str,
    pub(super) autocomplete: &'a str,
    pub(super) required: bool,
    /// What to say beside the label where the field may stay empty.
    pub(super) optional: Option<&'a str>,
    pub(super) hint: Option<Markup>,
    pub(super) error: Option<Markup>,
    /// The identifier of a message elsewhere that is about this field too.
    pub(super) described_by: Option<&'a str>,
    pub(super) focus: bool,
}

impl Field<'_> {
    pub(super) fn render(&self) -> Markup {
        let id = self.id.unwrap_or(self.name);
        let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
        let error = self.error.as_ref().map(|_| error_id.as_str());
        let hint = self.hint.as_ref().map(|_| hint_id.as_str());
        let described: Vec<&str> = [self.described_by, error, hint].into_iter().flatten().collect();
        let described = (!described.is_empty()).then(|| described.join(" "));
        let invalid = (self.error.is_some() || self.described_by.is_some()).then_some("true");
        // Names and codes are not words of a language: no capitals and no corrections of the keyboard's own.
        let exact = match self.name {
            "user_code" => Some("characters"),
            "username" => Some("none"),
            _ => (self.kind != "text").then_some("none"),
        };
        html! {
            div.field {
                label for=(id) {
                    (self.label)
                    @if let Some(optional) = self.optional { " " span.optional { (optional) } }
                }
                @if let Some(error) = &self.error { p.field-error id=(error_id) role="alert" { (error) } }
                input id=(id) name=(self.name) type=(self.kind) value=[(!self.value.is_empty()).then_some(self.value)]
                    autocomplete=(self.autocomplete) autocapitalize=[exact] spellcheck=[exact.map(|_| "false")]
                    required[self.required] aria-invalid=[invalid] aria-describedby=[described] autofocus[self.focus];
                @if let Some(hint) = &self.hint { p.hint id=(hint_id) { (hint) } }
            }
        }
    }
}
