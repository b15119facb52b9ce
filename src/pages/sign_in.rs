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
            @if let Some(error) = self.error { (alert("error", &self.message(error, words))) }
            (self.password_form(words))
            (self.other_ways(words))
            @if self.sign_up {
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
                    @if let Some(options) = self.passkey_options {
                        form method="post" action="/account/sign-in/passkey" hidden data-passkey="get" data-options=(options)
                            data-waiting=(words.passkey_waiting) data-cancelled=(words.passkey_cancelled)
                            data-failed=(words.passkey_failed) {
                            (hidden("csrf", self.csrf))
                            (hidden_if("continue", self.continue_to))
                            (hidden("credential", ""))
                            button type="submit" { (words.passkey_button) }
                            p.message role="status" {}
                        }
                    }
                    @if let Some(provider) = self.upstream {
                        a.button href=(address("/account/sign-in/upstream", self.continue_to)) {
                            (fill(words.upstream_link, &[("provider", foreign(provider))]))
                        }
                    }
                }
            }
        }
    }
}
