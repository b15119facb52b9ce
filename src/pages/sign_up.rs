//! The self-registration page.

use maud::{Markup, html};

use crate::identity::password::{Password, PasswordError};
use crate::identity::profile::ProfileError;

use super::layout::{Document, Field, alert, card, hidden, hidden_if};
use super::text::{address, fill, strong, wait};
use super::words::Words;

/// Asks for a user name and a password, and for name and email address if they like to be known by them.
///
/// Posts `username`, `password`, `name`, `email`, `continue`, `csrf` to `/account/sign-up`.
#[derive(Clone, Copy)]
pub struct SignUp<'a> {
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
    /// The query of the authorization request to go on with; empty for none.
    pub continue_to: &'a str,
    /// The name of the client that asks.
    pub client: Option<&'a str>,
    /// What was sent before, or empty.
    pub username: &'a str,
    /// What was sent before, or empty.
    pub name: &'a str,
    /// What was sent before, or empty.
    pub email: &'a str,
    /// The errors of the last attempt.
    pub errors: &'a [SignUpError],
}

/// Why the account was not created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpError {
    /// A user name that is not allowed.
    Username(ProfileError),
    /// The user name belongs to another account.
    UsernameTaken,
    /// A password that is not allowed.
    Password(PasswordError),
    /// A name that is not allowed.
    Name(ProfileError),
    /// An email address that is not allowed.
    Email(ProfileError),
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

/// The message of a rejected password.
pub(super) fn password_message(error: PasswordError, words: &Words) -> Markup {
    let text = match error {
        PasswordError::TooShort => words.password_short,
        PasswordError::TooLong => words.password_long,
        PasswordError::Control => words.password_control,
        PasswordError::Username => words.password_username,
        PasswordError::Common => words.password_common,
    };
    fill(text, &[("least", html! { (Password::MIN) }), ("most", html! { (Password::MAX) })])
}

/// The hint of a password field.
pub(super) fn password_hint(words: &Words) -> Markup {
    fill(words.password_hint, &[("least", html! { (Password::MIN) })])
}

impl SignUpError {
    /// The field that it is about.
    fn field(self) -> Option<&'static str> {
        match self {
            Self::Username(_) | Self::UsernameTaken => Some("username"),
            Self::Password(_) => Some("password"),
            Self::Name(_) => Some("name"),
            Self::Email(_) => Some("email"),
            Self::Stale | Self::Throttled { .. } | Self::Unavailable => None,
        }
    }

    fn message(self, words: &Words) -> Markup {
        match self {
            Self::Username(ProfileError::Empty) => html! { (words.username_missing) },
            Self::Username(_) => html! { (words.username_refused) },
            Self::UsernameTaken => html! { (words.username_taken) },
            Self::Password(error) => password_message(error, words),
            Self::Name(_) => html! { (words.name_refused) },
            Self::Email(_) => html! { (words.email_refused) },
            Self::Stale => html! { (words.stale) },
            Self::Throttled { seconds } => fill(words.throttled, &[("wait", wait(words, seconds))]),
            Self::Unavailable => html! { (words.unavailable_now) },
        }
    }
}

impl SignUp<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let document = Document {
            words,
            title: words.sign_up_title,
            failed: !self.errors.is_empty(),
            wide: false,
            script: None,
            aside: None,
        };
        document.render(&card(&html! {
            h1 { (words.sign_up_title) }
            @if let Some(client) = self.client {
                p.lead { (fill(words.sign_up_for, &[("client", strong(client))])) }
            }
            @for error in self.errors.iter().filter(|error| error.field().is_none()) {
                (alert("error", &error.message(words)))
            }
            form method="post" action="/account/sign-up" {
                (hidden("csrf", self.csrf))
                (hidden_if("continue", self.continue_to))
                @for field in self.fields(words) { (field.render()) }
                button.primary type="submit" { (words.sign_up_button) }
            }
            p.aside {
                (words.have_account) " "
                a href=(address("/account/sign-in", self.continue_to)) { (words.sign_in_link) }
            }
        }))
    }

    fn fields<'f>(&'f self, words: &'f Words) -> [Field<'f>; 4] {
        let error_of = |name| self.errors.iter().find(|error| error.field() == Some(name)).map(|e| e.message(words));
        let hint = password_hint(words);
        let field = |label, name, kind, value, autocomplete| Field {
            label,
            name,
            kind,
            value,
            autocomplete,
            error: error_of(name),
            ..Field::default()
        };
        let mut fields = [
            Field { required: true, ..field(words.username, "username", "text", self.username, "username") },
            Field {
                required: true,
                hint: Some(hint),
                ..field(words.password, "password", "password", "", "new-password")
            },
            Field { optional: Some(words.optional), ..field(words.name, "name", "text", self.name, "name") },
            Field { optional: Some(words.optional), ..field(words.email, "email", "email", self.email, "email") },
        ];
        // The first one to mend, or the first.
        let first = fields.iter().position(|field| field.error.is_some()).unwrap_or(0);
        if let Some(field) = fields.get_mut(first) {
            field.focus = true;
        }
        fields
    }
}
