//! The page that carries an authorization response to the client (OAuth 2.0 Form Post Response Mode).

use maud::html;

use crate::oauth::vocabulary::redirect::RedirectUri;

use super::layout::{Document, card, hidden};
use super::text::{fill, strong};
use super::words::Words;

/// A form with the parameters of the response, sent by a script, or by hand where no script runs.
///
/// The [`headers`](super::headers) have to name its target: [`RedirectUri::form_target`].
#[derive(Clone, Copy)]
pub struct FormPost<'a> {
    /// Where it goes: a registered address of the client.
    pub redirect_uri: &'a RedirectUri,
    /// Names and values of the response.
    pub parameters: &'a [(&'a str, &'a str)],
}

impl FormPost<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let document = Document {
            words,
            title: words.form_post_title,
            failed: false,
            wide: false,
            script: Some("/account/form-post.js"),
            aside: None,
        };
        document.render(&card(&html! {
            h1 { (words.form_post_title) }
            p.lead { (fill(words.form_post_to, &[("place", strong(self.redirect_uri.host()))])) }
            p { (words.form_post_about) }
            form method="post" action=(self.redirect_uri.as_str()) data-form-post {
                @for (name, value) in self.parameters { (hidden(name, value)) }
                button.primary type="submit" { (words.form_post_button) }
            }
        }))
    }
}
