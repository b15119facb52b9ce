//! Signing out: the question, and the page afterwards (OpenID Connect RP-Initiated Logout).

use maud::html;

use super::layout::{Document, card, hidden, hidden_if};
use super::text::{fill, strong};
use super::words::Words;

/// Asks whether to sign out.
///
/// Posts `request`, `csrf` and `decision` (`sign_out` or `stay`) to `/oauth/logout`.
#[derive(Clone, Copy)]
pub struct LogoutQuestion<'a> {
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
    /// The query of the logout request, to go on with; empty for none, and then there is no such field.
    pub request: &'a str,
    /// The name of the client that asks.
    pub client: Option<&'a str>,
    /// Who is signed in.
    pub username: &'a str,
}

impl LogoutQuestion<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let document =
            Document { words, title: words.logout_title, failed: false, wide: false, script: None, aside: None };
        document.render(&card(&html! {
            h1 { (words.logout_title) }
            @if let Some(client) = self.client {
                p.lead { (fill(words.logout_asks, &[("client", strong(client))])) }
            }
            p.lead { (fill(words.consent_user, &[("user", strong(self.username))])) }
            p { (words.logout_about) }
            form method="post" action="/oauth/logout" {
                (hidden("csrf", self.csrf))
                (hidden_if("request", self.request))
                div.choice {
                    button.primary type="submit" name="decision" value="sign_out" { (words.sign_out) }
                    button type="submit" name="decision" value="stay" { (words.stay) }
                }
            }
        }))
    }
}

/// The page after signing out.
#[derive(Clone, Copy)]
pub struct SignedOut<'a> {
    /// The address of the sign-in page.
    pub sign_in: &'a str,
}

impl SignedOut<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let document =
            Document { words, title: words.signed_out_title, failed: false, wide: false, script: None, aside: None };
        document.render(&card(&html! {
            h1 { (words.signed_out_title) }
            p.lead { (words.signed_out_about) }
            p { a.button href=(self.sign_in) { (words.sign_in_anew) } }
        }))
    }
}
