//! The lists of the account page: passkeys, sessions, applications.

use maud::{Markup, html};

use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;

use super::consent::scope_list;
use super::layout::{Field, hidden};
use super::text::{fill, foreign, moment};
use super::words::Words;

/// A passkey.
#[derive(Clone, Copy)]
pub struct PasskeyRow<'a> {
    /// What names it in a form.
    pub id: &'a str,
    /// The name that its owner gave it.
    pub name: &'a str,
    /// Since when it is here.
    pub created: UnixTime,
    /// When it last signed the user in.
    pub last_used: Option<UnixTime>,
    /// May it be on several devices (backup eligible), or is it bound to one?
    pub synced: bool,
}

/// A session.
#[derive(Clone, Copy)]
pub struct SessionRow<'a> {
    /// What names it in a form.
    pub id: &'a str,
    /// Is it the one that looks at the page?
    pub current: bool,
    /// The browser, as [`browser_label`](super::browser_label) has it; may be empty.
    pub browser: &'a str,
    /// When it began.
    pub since: UnixTime,
    /// When it was last used.
    pub last_used: UnixTime,
}

/// An application that was allowed something.
#[derive(Clone, Copy)]
pub struct ApplicationRow<'a> {
    /// What names it in a form: the client identifier.
    pub client: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it was allowed.
    pub scope: &'a Scope,
    /// When it was allowed.
    pub since: UnixTime,
    /// The grants that live.
    pub grants: &'a [GrantRow<'a>],
}

/// A grant of an application.
#[derive(Clone, Copy)]
pub struct GrantRow<'a> {
    /// What names it in a form.
    pub id: &'a str,
    /// When it began.
    pub since: UnixTime,
    /// When tokens were last got with it.
    pub last_used: Option<UnixTime>,
}

/// `removable`: may one be removed now?
pub(super) fn passkeys(rows: &[PasskeyRow<'_>], removable: bool, csrf: &str, words: &Words) -> Markup {
    html! {
        @if rows.is_empty() {
            p.soft { (words.passkeys_none) }
        } @else {
            ul.rows {
                @for (index, row) in rows.iter().enumerate() { li { (passkey(index, row, removable, csrf, words)) } }
            }
        }
    }
}

fn passkey(index: usize, row: &PasskeyRow<'_>, removable: bool, csrf: &str, words: &Words) -> Markup {
    let kind = if row.synced { words.passkey_synced } else { words.passkey_bound };
    let title = format!("passkey-{index}");
    let field = format!("passkey-{index}-name");
    let name = Field {
        label: words.passkey_name,
        name: "name",
        id: Some(&field),
        kind: "text",
        value: row.name,
        autocomplete: "off",
        required: true,
        ..Field::default()
    };
    html! {
        h3 id=(title) { (foreign(row.name)) }
        p.facts { span { (kind) } }
        p.facts {
            span { (at(words.created_at, row.created)) }
            span { (used(row.last_used, words)) }
        }
        details {
            summary #{ (title) "-change" } aria-labelledby={ (title) "-change " (title) } { (words.passkey_change) }
            form.inline method="post" action="/account" {
                (hidden("csrf", csrf))
                (hidden("passkey", row.id))
                (name.render())
                (action(&title, "rename_passkey", words.rename))
            }
            @if removable {
                form.inline method="post" action="/account" {
                    (hidden("csrf", csrf))
                    (hidden("passkey", row.id))
                    p.soft { (words.remove_about) }
                    (action(&title, "remove_passkey", words.remove))
                }
            }
        }
    }
}

pub(super) fn sessions(rows: &[SessionRow<'_>], csrf: &str, words: &Words) -> Markup {
    html! {
        ul.rows {
            @for (index, row) in rows.iter().enumerate() {
                @let title = format!("session-{index}");
                li.with-action {
                    div {
                        h3 id=(title) {
                            @if row.browser.is_empty() { (words.unknown_browser) } @else { (foreign(row.browser)) }
                            @if row.current { " " span.badge { (words.this_session) } }
                        }
                        p.facts {
                            span { (at(words.since, row.since)) }
                            span { (at(words.last_used_at, row.last_used)) }
                        }
                    }
                    form method="post" action="/account" {
                        (hidden("csrf", csrf))
                        @if row.current {
                            (action(&title, "sign_out", words.sign_out))
                        } @else {
                            (hidden("session", row.id))
                            (action(&title, "end_session", words.end_session))
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn applications(rows: &[ApplicationRow<'_>], csrf: &str, words: &Words) -> Markup {
    html! {
        @if rows.is_empty() {
            p.soft { (words.applications_none) }
        } @else {
            ul.rows {
                @for (index, row) in rows.iter().enumerate() { li { (application(index, row, csrf, words)) } }
            }
        }
    }
}

fn application(index: usize, row: &ApplicationRow<'_>, csrf: &str, words: &Words) -> Markup {
    let title = format!("application-{index}");
    html! {
        div.with-action {
            div {
                h3 id=(title) { (foreign(row.name)) }
                p.facts { span { (at(words.allowed_at, row.since)) } }
            }
            form method="post" action="/account" {
                (hidden("csrf", csrf))
                (hidden("client", row.client))
                (action(&title, "withdraw", words.withdraw))
            }
        }
        @if !row.scope.is_empty() {
            p.rows-title id={ (title) "-scopes" } { (words.application_scopes) }
            (scope_list(row.scope, &[], Some(&format!("{title}-scopes")), words))
        }
        @if row.grants.is_empty() {
            p.soft { (words.application_idle) }
        } @else {
            p.rows-title id={ (title) "-grants" } { (words.application_grants) }
            ul.grants aria-labelledby={ (title) "-grants" } {
                @for (number, grant) in row.grants.iter().enumerate() {
                    @let grant_title = format!("{title}-grant-{number}");
                    li.with-action {
                        p.facts id=(grant_title) {
                            span { (at(words.since, grant.since)) }
                            span { (used(grant.last_used, words)) }
                        }
                        form method="post" action="/account" {
                            (hidden("csrf", csrf))
                            (hidden("grant", grant.id))
                            (action(&grant_title, "end_grant", words.end_grant))
                        }
                    }
                }
            }
        }
    }
}

/// A button that does something to the row whose title has this identifier; the title is part of its name for those
/// who hear one button after another.
fn action(title: &str, action: &str, label: &str) -> Markup {
    let id = format!("{title}-{action}");
    html! {
        button type="submit" name="action" value=(action) id=(id) aria-labelledby={ (id) " " (title) } { (label) }
    }
}

fn at(text: &str, time: UnixTime) -> Markup {
    fill(text, &[("time", moment(time))])
}

fn used(last_used: Option<UnixTime>, words: &Words) -> Markup {
    last_used.map_or_else(|| html! { (words.never_used) }, |time| at(words.last_used_at, time))
}
