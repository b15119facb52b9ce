//! The sign-in page.

use maud::{Markup, html};

use super::layout::{Document, Field, alert, card, hidden, hidden_if};
use super::text::{address, fill, foreign, strong, wait};
use super::words::Words;

/// Asks for a password, a passkey if the browser supports them, or a sign-in at an upstream provider if there is one.
///
/// Posts `username`, `password`, `continue`, `csrf` to `/account/sign-in`, or `credential`, `continue`, `csrf` to
/// `/account/sign-in/passkey`.
#[derive(Clone, Copy)]
pub struct SignIn<'a> {
    /// The token that binds the forms to this browser.
    pub csrf: &'a str,
    /// The query of the authorization request to go on with; empty for none.
    pub continue_to: &'a str,
    /// The name of the client that asks.
    pub client: Option<&'a str>,
    /// The initial value of the user name field: the `login_hint`, or what was sent before; may be empty.
    pub username: &'a str,
    /// There is a session, but the client asks for a fresh sign-in.
    pub afresh: bool,
    /// Why the last attempt failed.
    pub error: Option<SignInError>,
    /// The challenge of the proof of work that the next attempt may bring along instead of waiting: the script computes
    /// it, and `challenge` and `proof` are posted with the password.
    pub proof_challenge: Option<&'a str>,
    /// `PublicKeyCredentialRequestOptionsJSON` (Web Authentication section 5.10.1); `None` where passkeys are off.
    pub passkey_options: Option<&'a str>,
    /// The name of the upstream provider.
    pub upstream: Option<&'a str>,
    /// Whether users may create an account themselves.
    pub sign_up: bool,
    /// The request requires a passkey, so there is no password form.
    pub passkey_only: Option<PasskeyOnly<'a>>,
}

/// The ways on for a user who cannot sign in with a passkey.
#[derive(Clone, Copy)]
pub struct PasskeyOnly<'a> {
    /// The address of the account page, where a user adds a passkey.
    pub account: &'a str,
    /// The address that tells the client that the user did not sign in; `None` if no client waits.
    pub cancel: Option<&'a str>,
}

/// Why a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInError {
    /// Unknown user or wrong password; the page does not say which.
    WrongCredentials,
    /// The passkey is not known, or did not verify.
    PasskeyRefused,
    /// The upstream provider did not confirm who it is.
    UpstreamFailed,
    /// The upstream provider did not confirm that the sign-in was recent.
    UpstreamNotRecent,
    /// The account is disabled. Shown only after the right credentials.
    Disabled,
    /// The form is too old, or from another browser.
    Stale,
    /// Too many attempts.
    Throttled {
        /// How long to wait, seconds.
        seconds: u64,
    },
    /// Our own fault.
    Unavailable,
}

impl SignIn<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let document = Document {
            words,
            title: words.sign_in_title,
            failed: self.error.is_some(),
            wide: false,
            script: self.passkey_options.map(|_| "/account/passkey.js"),
            aside: None,
        };
        document.render(&card(&html! {
            h1 { (words.sign_in_title) }
            @if let Some(client) = self.client {
                p.lead { (fill(words.sign_in_for, &[("client", strong(client))])) }
            }
            @if self.afresh { p.lead { (words.sign_in_afresh) } }
            @if self.passkey_only.is_some() { p.lead { (words.passkey_required) } }
            @if let Some(error) = self.error { (alert("error", &self.message(error, words))) }
            @if let Some(only) = &self.passkey_only { (self.passkey_ways(only, words)) } @else {
                (self.password_form(words))
                (self.other_ways(words))
            }
            @if self.sign_up && self.passkey_only.is_none() {
                p.aside {
                    (words.no_account) " "
                    a href=(address("/account/sign-up", self.continue_to)) { (words.sign_up_link) }
                }
            }
        }))
    }

    fn message(&self, error: SignInError, words: &Words) -> Markup {
        match error {
            SignInError::WrongCredentials => html! { (words.wrong_credentials) },
            SignInError::PasskeyRefused if self.passkey_only.is_some() => html! { (words.passkey_refused_here) },
            SignInError::PasskeyRefused => html! { (words.passkey_refused) },
            SignInError::UpstreamFailed => {
                let provider = foreign(self.upstream.unwrap_or_default());
                fill(words.upstream_refused, &[("provider", provider)])
            }
            SignInError::UpstreamNotRecent => {
                let provider = foreign(self.upstream.unwrap_or_default());
                fill(words.upstream_not_recent, &[("provider", provider)])
            }
            SignInError::Disabled => html! { (words.account_disabled) },
            SignInError::Stale => html! { (words.stale) },
            SignInError::Throttled { seconds } => fill(words.throttled, &[("wait", wait(words, seconds))]),
            SignInError::Unavailable => html! { (words.unavailable_now) },
        }
    }

    fn password_form(&self, words: &Words) -> Markup {
        let wrong = (self.error == Some(SignInError::WrongCredentials)).then_some("error");
        let username = Field {
            label: words.username,
            name: "username",
            kind: "text",
            value: self.username,
            // `webauthn` lets the browser offer passkeys in the list under the field.
            autocomplete: if self.passkey_options.is_some() { "username webauthn" } else { "username" },
            required: true,
            described_by: wrong,
            focus: self.username.is_empty(),
            ..Field::default()
        };
        let password = Field {
            label: words.password,
            name: "password",
            kind: "password",
            autocomplete: "current-password",
            required: true,
            described_by: wrong,
            focus: !self.username.is_empty(),
            ..Field::default()
        };
        let throttled = matches!(self.error, Some(SignInError::Throttled { .. }));
        html! {
            form method="post" action="/account/sign-in" data-proof=[self.proof_challenge.map(|_| "")]
                data-instead=[self.proof_challenge.filter(|_| throttled).map(|_| words.proof_instead)]
                data-computing=[self.proof_challenge.map(|_| words.proof_computing)]
                data-sending=[self.proof_challenge.map(|_| words.proof_sending)]
                data-ready=[self.proof_challenge.map(|_| words.proof_ready)] {
                (hidden("csrf", self.csrf))
                (hidden_if("continue", self.continue_to))
                @if let Some(challenge) = self.proof_challenge {
                    (hidden("challenge", challenge))
                    (hidden("proof", ""))
                }
                (username.render())
                (password.render())
                button.primary type="submit" { (words.sign_in_button) }
                @if self.proof_challenge.is_some() {
                    p.message role="status" {}
                    script type="module" src="/account/proof-of-work.js" {}
                }
            }
        }
    }

    /// The script reveals the hidden parts if the browser supports passkeys.
    fn other_ways(&self, words: &Words) -> Markup {
        html! {
            @if self.passkey_options.is_some() || self.upstream.is_some() {
                div.other-ways hidden[self.upstream.is_none()] {
                    p.or { (words.other_ways) }
                    @if let Some(options) = self.passkey_options { (self.passkey_form(options, None, words)) }
                    @if let Some(provider) = self.upstream { (self.upstream_link(provider, words)) }
                }
            }
        }
    }

    /// The ways to sign in where a password is not enough, and the ways on without.
    fn passkey_ways(&self, only: &PasskeyOnly<'_>, words: &Words) -> Markup {
        let add = html! { a href=(only.account) { (words.no_passkey_link) } };
        html! {
            @if let Some(options) = self.passkey_options {
                (self.passkey_form(options, Some("primary"), words))
                p.soft data-passkey-needs { (words.passkey_needs_sign_in) }
            }
            @if let Some(provider) = self.upstream {
                div.other-ways {
                    p.or { (words.other_ways) }
                    (self.upstream_link(provider, words))
                }
            }
            p.soft { (fill(words.no_passkey, &[("link", add)])) }
            @if let (Some(cancel), Some(client)) = (only.cancel, self.client) {
                p.aside { a href=(cancel) { (fill(words.sign_in_cancel, &[("client", foreign(client))])) } }
            }
        }
    }

    fn passkey_form(&self, options: &str, style: Option<&str>, words: &Words) -> Markup {
        html! {
            form method="post" action="/account/sign-in/passkey" hidden data-passkey="get" data-options=(options)
                data-waiting=(words.passkey_waiting) data-cancelled=(words.passkey_cancelled)
                data-failed=(words.passkey_failed) {
                (hidden("csrf", self.csrf))
                (hidden_if("continue", self.continue_to))
                (hidden("credential", ""))
                button class=[style] type="submit" { (words.passkey_button) }
                p.message role="status" {}
            }
        }
    }

    fn upstream_link(&self, provider: &str, words: &Words) -> Markup {
        html! {
            a.button href=(address("/account/sign-in/upstream", self.continue_to)) {
                (fill(words.upstream_link, &[("provider", foreign(provider))]))
            }
        }
    }
}
