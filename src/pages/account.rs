//! The account page: profile, passkeys, password, sessions and connected applications.

use maud::{Markup, html};

use crate::identity::password::PasswordError;
use crate::identity::profile::ProfileError;
use crate::oauth::endpoints::step_up::MAX_SIGN_IN_AGE;

use super::account_lists::{self, ApplicationRow, PasskeyRow, SessionRow};
use super::layout::{Choice, Document, Field, alert, hidden};
use super::sign_up::{password_hint, password_message};
use super::text::{address, fill, foreign, strong, wait};
use super::words::Words;

/// Shows an account. Every form posts `csrf`, `action` and the fields of the action to `/account`.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// The token that binds the forms to this browser.
    pub csrf: &'a str,
    /// The user name.
    pub username: &'a str,
    /// The name, if it is known.
    pub name: Option<&'a str>,
    /// The email address, if it is known.
    pub email: Option<&'a str>,
    /// Whether the account has a password.
    pub has_password: bool,
    /// Is the last sign-in recent enough to add or remove a passkey and to change the password?
    pub recent_sign_in: bool,
    /// `PublicKeyCredentialCreationOptionsJSON` (Web Authentication section 5.10.2) to add a passkey; `None` where
    /// none can be added.
    pub passkey_options: Option<&'a str>,
    /// The passkeys.
    pub passkeys: &'a [PasskeyRow<'a>],
    /// Is one of them the passkey of the current sign-in?
    pub signed_in_by_passkey: bool,
    /// The sessions.
    pub sessions: &'a [SessionRow<'a>],
    /// The applications that were allowed something.
    pub applications: &'a [ApplicationRow<'a>],
    /// How many grants of theirs outlive the sessions.
    pub offline_grants: usize,
    /// The boxes that were ticked in a password form that was refused.
    pub ticked: Ticked,
    /// The action that just succeeded.
    pub done: Option<Done>,
    /// The action that just failed.
    pub error: Option<AccountError>,
}

/// What a password change also removes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// The passkeys, but for the one of the current sign-in: `remove_passkeys`.
    pub passkeys: bool,
    /// The grants that outlive the sessions: `end_grants`.
    pub grants: bool,
}

/// An action that succeeded; its word travels in a cookie to the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// A session was ended.
    SessionEnded,
    /// A grant was revoked.
    GrantEnded,
    /// A consent was withdrawn and its grants were revoked.
    Withdrawn,
    /// The password was changed; these were removed with it.
    PasswordChanged {
        /// Sessions that were ended.
        sessions: u64,
        /// Passkeys that were removed.
        passkeys: u64,
        /// Grants with `offline_access` that were ended.
        grants: u64,
    },
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was renamed.
    PasskeyRenamed,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The account was created.
    SignedUp,
}

const PASSWORD_CHANGED: &str = "password_changed";

impl Done {
    /// All that have a fixed word: all but [`Done::PasswordChanged`], whose word carries counts.
    pub const FIXED: [Self; 7] = [
        Self::SessionEnded,
        Self::GrantEnded,
        Self::Withdrawn,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::SignedUp,
    ];

    /// The word.
    pub fn word(self) -> String {
        let word = match self {
            Self::PasswordChanged { sessions, passkeys, grants } => {
                return format!("{PASSWORD_CHANGED}.{sessions}.{passkeys}.{grants}");
            }
            Self::SessionEnded => "session_ended",
            Self::GrantEnded => "grant_ended",
            Self::Withdrawn => "withdrawn",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRenamed => "passkey_renamed",
            Self::PasskeyRemoved => "passkey_removed",
            Self::SignedUp => "signed_up",
        };
        word.to_owned()
    }

    /// Reads a word; `None` for any other text.
    pub fn parse(word: &str) -> Option<Self> {
        let counts = word.strip_prefix(PASSWORD_CHANGED).and_then(|rest| rest.strip_prefix('.'));
        match counts.map(|counts| counts.split('.').collect::<Vec<_>>()).as_deref() {
            None => Self::FIXED.into_iter().find(|done| done.word() == word),
            Some([sessions, passkeys, grants]) => Some(Self::PasswordChanged {
                sessions: count(sessions)?,
                passkeys: count(passkeys)?,
                grants: count(grants)?,
            }),
            Some(_) => None,
        }
    }

    fn message(self, words: &Words) -> Markup {
        let message = match self {
            Self::PasswordChanged { sessions, passkeys, grants } => {
                let number = |count: u64| html! { (count) };
                let counts =
                    [("sessions", number(sessions)), ("passkeys", number(passkeys)), ("grants", number(grants))];
                return fill(words.done_password_changed, &counts);
            }
            Self::SessionEnded => words.done_session_ended,
            Self::GrantEnded => words.done_grant_ended,
            Self::Withdrawn => words.done_withdrawn,
            Self::PasskeyAdded => words.done_passkey_added,
            Self::PasskeyRenamed => words.done_passkey_renamed,
            Self::PasskeyRemoved => words.done_passkey_removed,
            Self::SignedUp => words.done_signed_up,
        };
        html! { (message) }
    }
}

/// A count as [`Done::word`] writes it.
fn count(text: &str) -> Option<u64> {
    text.parse().ok().filter(|count: &u64| count.to_string() == text)
}

/// Why an action on the account page failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// The current password is wrong.
    CurrentPasswordWrong,
    /// The new password is rejected.
    NewPassword(PasswordError),
    /// The name of a passkey is rejected.
    PasskeyName(ProfileError),
    /// The new passkey did not verify.
    PasskeyNotAdded,
    /// The account holds as many passkeys as it can.
    TooManyPasskeys,
    /// The passkey is the account's only way to sign in.
    LastWayIn,
    /// The last sign-in is too old for this change.
    SignInTooOld,
    /// The item no longer exists.
    Gone,
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

impl AccountError {
    fn is_about_password(self) -> bool {
        matches!(self, Self::CurrentPasswordWrong | Self::NewPassword(_))
    }

    fn message(self, words: &Words) -> Markup {
        let message = match self {
            Self::CurrentPasswordWrong => words.current_password_wrong,
            Self::NewPassword(error) => return password_message(error, words),
            Self::PasskeyName(_) => words.passkey_name_refused,
            Self::PasskeyNotAdded => words.passkey_not_added,
            Self::TooManyPasskeys => words.too_many_passkeys,
            Self::LastWayIn => words.last_way_in,
            Self::SignInTooOld => {
                return html! { (fill(words.step_up_refused, &[step_up_time(words)])) " " (step_up_link(words)) };
            }
            Self::Gone => words.gone,
            Self::Stale => words.stale,
            Self::Throttled { seconds } => return fill(words.throttled, &[("wait", wait(words, seconds))]),
            Self::Unavailable => words.unavailable_now,
        };
        html! { (message) }
    }
}

impl Account<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let document = Document {
            words,
            title: words.account_title,
            failed: self.error.is_some(),
            wide: true,
            script: self.passkey_options.filter(|_| self.recent_sign_in).map(|_| "/account/passkey.js"),
            aside: Some(self.sign_out(words)),
        };
        document.render(&html! {
            h1 { (words.account_title) }
            p.lead { (fill(words.signed_in_as, &[("user", strong(self.username))])) }
            @if let Some(done) = self.done { p.notice role="status" { (done.message(words)) } }
            // An error of a field is shown at the field only.
            @if let Some(error) = self.error.filter(|error| !error.is_about_password()) {
                (alert("error", &error.message(words)))
            }
            (part("profile", words.profile_title, None, &self.profile(words)))
            (part("passkeys", words.passkeys_title, Some(words.passkeys_about), &self.passkeys(words)))
            @if self.has_password {
                (part("password", words.change_title, Some(words.change_about), &self.change_password(words)))
            }
            (part("sessions", words.sessions_title, Some(words.sessions_about),
                &account_lists::sessions(self.sessions, self.csrf, words)))
            (part("applications", words.applications_title, Some(words.applications_about),
                &account_lists::applications(self.applications, self.csrf, words)))
        })
    }

    fn sign_out(&self, words: &Words) -> Markup {
        html! {
            form.sign-out method="post" action="/account" {
                (hidden("csrf", self.csrf))
                button type="submit" name="action" value="sign_out" { (words.sign_out) }
            }
        }
    }

    fn profile(&self, words: &Words) -> Markup {
        let rows = [(words.username, Some(self.username)), (words.name, self.name), (words.email, self.email)];
        html! {
            dl.profile {
                @for (label, value) in rows {
                    div {
                        dt { (label) }
                        dd { @if let Some(value) = value { (foreign(value)) } @else { span.soft { (words.not_given) } } }
                    }
                }
            }
        }
    }

    fn passkeys(&self, words: &Words) -> Markup {
        let name = Field {
            label: words.passkey_new_name,
            name: "name",
            id: Some("passkey-new"),
            kind: "text",
            autocomplete: "off",
            required: true,
            hint: Some(html! { (words.passkey_name_hint) }),
            ..Field::default()
        };
        html! {
            (account_lists::passkeys(self.passkeys, self.recent_sign_in, self.csrf, words))
            @if self.passkey_options.is_some() && !self.recent_sign_in {
                (step_up(words.step_up_passkeys, words))
            } @else if let Some(options) = self.passkey_options {
                form.add method="post" action="/account" hidden data-passkey="create" data-options=(options)
                    data-waiting=(words.passkey_waiting) data-cancelled=(words.passkey_not_made)
                    data-known=(words.passkey_known) data-failed=(words.passkey_failed) {
                    (hidden("csrf", self.csrf))
                    (hidden("credential", ""))
                    (name.render())
                    button type="submit" name="action" value="add_passkey" { (words.passkey_add) }
                    p.message role="status" {}
                }
                p.soft data-passkey-needs { (words.passkey_needs) }
            }
        }
    }

    fn change_password(&self, words: &Words) -> Markup {
        if !self.recent_sign_in {
            return step_up(words.step_up_password, words);
        }
        let (current_error, new_error) = match self.error {
            Some(error @ AccountError::CurrentPasswordWrong) => (Some(error.message(words)), None),
            Some(error @ AccountError::NewPassword(_)) => (None, Some(error.message(words))),
            _ => (None, None),
        };
        let current = Field {
            label: words.current_password,
            name: "current_password",
            kind: "password",
            autocomplete: "current-password",
            required: true,
            focus: current_error.is_some(),
            error: current_error,
            ..Field::default()
        };
        let new = Field {
            label: words.new_password,
            name: "new_password",
            kind: "password",
            autocomplete: "new-password",
            required: true,
            hint: Some(password_hint(words)),
            focus: new_error.is_some(),
            error: new_error,
            ..Field::default()
        };
        html! {
            form method="post" action="/account" {
                (hidden("csrf", self.csrf))
                // Not sent: it tells a password manager whose password this is.
                input type="text" value=(self.username) autocomplete="username" hidden;
                (current.render())
                (new.render())
                @for choice in self.password_choices(words).into_iter().flatten() { (choice.render()) }
                button type="submit" name="action" value="change_password" { (words.change_password) }
            }
        }
    }

    /// What else a changed password may end, as far as there is any of it.
    fn password_choices(&self, words: &Words) -> [Option<Choice>; 2] {
        let passkeys = self.passkeys.len() - usize::from(self.signed_in_by_passkey && !self.passkeys.is_empty());
        let number = |count: usize| [("count", html! { (count) })];
        let kept = self.signed_in_by_passkey.then(|| html! { (words.change_passkeys_kept) });
        [
            (passkeys > 0).then(|| Choice {
                label: fill(words.change_passkeys, &number(passkeys)),
                name: "remove_passkeys",
                ticked: self.ticked.passkeys,
                hint: kept,
            }),
            (self.offline_grants > 0).then(|| Choice {
                label: fill(words.change_grants, &number(self.offline_grants)),
                name: "end_grants",
                ticked: self.ticked.grants,
                hint: None,
            }),
        ]
    }
}

/// Asks to sign in again before a sensitive change.
fn step_up(about: &str, words: &Words) -> Markup {
    html! { p.step-up { (fill(about, &[step_up_time(words)])) " " (step_up_link(words)) } }
}

fn step_up_time(words: &Words) -> (&'static str, Markup) {
    ("time", wait(words, MAX_SIGN_IN_AGE))
}

/// `prompt=login` also reaches an upstream provider, which must not answer from a session of its own.
fn step_up_link(words: &Words) -> Markup {
    html! { a href=(address("/account/sign-in", "prompt=login")) { (words.sign_in_anew) } }
}

/// A part of the page under its own heading.
fn part(id: &str, title: &str, about: Option<&str>, content: &Markup) -> Markup {
    let title_id = format!("{id}-title");
    html! {
        section.part aria-labelledby=(title_id) {
            div.part-head {
                h2 id=(title_id) { (title) }
                @if let Some(about) = about { p { (about) } }
            }
            div.part-body { (content) }
        }
    }
}
