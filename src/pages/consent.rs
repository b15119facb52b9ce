//! The consent page.

use maud::{Markup, html};

use crate::oauth::vocabulary::protected_resource::{Description, ProtectedResource};
use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{ADMIN_SCOPE, GROUPS, Scope};

use super::layout::{Document, card, hidden};
use super::text::{address, fill, strong, tamed};
use super::words::Words;

/// Asks whether a client may have what it asks for.
///
/// Posts `request`, `csrf` and `decision` (`allow` or `deny`) to `/oauth/consent`.
#[derive(Clone, Copy)]
pub struct Consent<'a> {
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
    /// The query of the authorization request.
    pub request: &'a str,
    /// The name of the client.
    pub client: &'a str,
    /// Where the answer goes; registered, and already found to be the client's.
    pub redirect_uri: &'a RedirectUri,
    /// What it asks for.
    pub scope: &'a Scope,
    /// The resources that the access is for, without this server itself.
    pub resources: &'a [Resource],
    /// The records of the registered ones.
    pub registered: &'a [&'a ProtectedResource],
    /// Who is signed in.
    pub username: &'a str,
}

impl Consent<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let document =
            Document { words, title: words.consent_title, failed: false, wide: false, script: None, aside: None };
        document.render(&card(&html! {
            h1 { (fill(words.consent_asks, &[("client", strong(self.client))])) }
            (signed_in_as(self.username, self.request, words))
            (permissions(self.client, self.scope, self.resources, self.registered, words))
            (self.destination(words))
            form method="post" action="/oauth/consent" {
                (hidden("csrf", self.csrf))
                (hidden("request", self.request))
                (choice(words))
            }
            p.aside { (words.consent_later) }
        }))
    }

    fn destination(&self, words: &Words) -> Markup {
        let place = || [("place", strong(self.redirect_uri.host()))];
        html! {
            // Any program on the device may listen at a loopback address or claim a scheme (RFC 8252 section 8).
            @if self.redirect_uri.is_loopback() || self.redirect_uri.is_private_use() {
                p.destination.warning { (fill(words.consent_device, &place())) }
            } @else {
                p.destination { (fill(words.consent_site, &place())) }
            }
        }
    }
}

/// Who is asked, and the way to another account. `continue_to` is the query with which the page continues after a sign-in.
pub(super) fn signed_in_as(username: &str, continue_to: &str, words: &Words) -> Markup {
    html! {
        p.lead {
            (fill(words.consent_user, &[("user", strong(username))])) " "
            a href=(address("/account/sign-in", continue_to)) { (words.other_account) }
        }
    }
}

/// The scope and the resources that a client asks for. `registered` are the records of the registered resources.
pub(super) fn permissions(
    client: &str,
    scope: &Scope,
    resources: &[Resource],
    registered: &[&ProtectedResource],
    words: &Words,
) -> Markup {
    let name = |resource: &Resource| Some(registered.iter().find(|it| it.identifier == *resource)?.name.as_str());
    html! {
        @if scope.is_empty() {
            p { (words.consent_nothing) }
        } @else {
            p #scopes-title { (fill(words.consent_scopes, &[("client", strong(client))])) }
            (scope_list(scope, registered, Some("scopes-title"), words))
        }
        @if !resources.is_empty() {
            p #resources-title { (words.consent_resources) }
            ul.resources aria-labelledby="resources-title" {
                @for resource in resources {
                    li {
                        @if let Some(name) = name(resource) { (strong(name)) " " }
                        code translate="no" { (tamed(resource.as_str())) }
                    }
                }
            }
        }
    }
}

/// The two buttons of the decision.
pub(super) fn choice(words: &Words) -> Markup {
    html! {
        div.choice {
            button.primary type="submit" name="decision" value="allow" { (words.allow) }
            button type="submit" name="decision" value="deny" { (words.deny) }
        }
    }
}

/// What scope values allow, in words: those of the registered resources for their values.
pub(super) fn scope_list(
    scope: &Scope,
    registered: &[&ProtectedResource],
    labelled_by: Option<&str>,
    words: &Words,
) -> Markup {
    html! {
        ul.scopes aria-labelledby=[labelled_by] {
            @for value in scope.values() {
                @let described = descriptions(value, registered);
                @for description in &described { li { (shown(description, words)) } }
                @if described.is_empty() { li.is-grave[value == ADMIN_SCOPE] { (scope_words(value, words)) } }
            }
        }
    }
}

/// The descriptions of a scope value, each once: two resources may mean different things by it.
fn descriptions<'a>(value: &str, registered: &[&'a ProtectedResource]) -> Vec<&'a Description> {
    let mut descriptions = Vec::new();
    for scope in registered.iter().flat_map(|resource| &resource.scopes).filter(|scope| scope.value == value) {
        if !descriptions.contains(&&scope.description) {
            descriptions.push(&scope.description);
        }
    }
    descriptions
}

/// A description in the language of the page, or else in English, which is then said.
fn shown(description: &Description, words: &Words) -> Markup {
    let chinese = description.zh.as_deref().filter(|_| words.lang.starts_with("zh"));
    let is_foreign = chinese.is_none() && words.lang != "en";
    html! { bdi lang=[is_foreign.then_some("en")] { (tamed(chinese.unwrap_or(&description.en))) } }
}

fn scope_words(value: &str, words: &Words) -> Markup {
    let known = match value {
        "openid" => words.scope_openid,
        "profile" => words.scope_profile,
        "email" => words.scope_email,
        "offline_access" => words.scope_offline,
        GROUPS => words.scope_groups,
        ADMIN_SCOPE => words.scope_admin,
        unknown => {
            let scope = html! { code translate="no" { (tamed(unknown)) } };
            return fill(words.scope_unknown, &[("scope", scope)]);
        }
    };
    html! { (known) }
}
