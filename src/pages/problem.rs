//! The page for errors that cannot be sent to a client.

use maud::{Markup, html};

use super::layout::{Document, card};
use super::text::{fill, tamed, wait};
use super::words::Words;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The form is older than its token lives.
    StalePage,
    /// The form was sent before.
    AlreadyDecided,
    /// The form was made for another browser, or this one keeps no cookies.
    WrongBrowser,
    /// No such client.
    UnknownClient,
    /// The client is disabled.
    DisabledClient,
    /// The redirect URI is none of the client's.
    RedirectMismatch,
    /// The request breaks the protocol, in a way that the client cannot be told.
    BadRequest {
        /// The fixed sentence about it, for the client's developer.
        reason: &'static str,
    },
    /// Too many attempts.
    Throttled {
        /// How long to wait, seconds.
        seconds: u64,
    },
    /// The user of the upstream provider has no account here.
    UpstreamAccount,
    /// The upstream provider did not confirm who it is.
    UpstreamFailed,
    /// Our own fault.
    Unavailable,
    /// The session ended while the page was open.
    SignedOutMeanwhile,
    /// No such page.
    NotFound,
}

impl Problem {
    /// The HTTP status of the page.
    pub const fn status(self) -> u16 {
        match self {
            Self::StalePage
            | Self::AlreadyDecided
            | Self::WrongBrowser
            | Self::UnknownClient
            | Self::RedirectMismatch
            | Self::BadRequest { .. }
            | Self::SignedOutMeanwhile => 400,
            Self::DisabledClient | Self::UpstreamAccount => 403,
            Self::NotFound => 404,
            Self::Throttled { .. } => 429,
            Self::UpstreamFailed => 502,
            Self::Unavailable => 503,
        }
    }

    /// Heading, what happened, and what to do next.
    fn texts(self, words: &Words) -> (&'static str, &'static str, Markup) {
        let (heading, sentence, advice) = match self {
            Self::StalePage => (words.stale_page_heading, words.stale_page_sentence, words.stale_page_advice),
            Self::AlreadyDecided => {
                (words.already_decided_heading, words.already_decided_sentence, words.already_decided_advice)
            }
            Self::WrongBrowser => {
                (words.wrong_browser_heading, words.wrong_browser_sentence, words.wrong_browser_advice)
            }
            Self::UnknownClient => {
                (words.unknown_client_heading, words.unknown_client_sentence, words.unknown_client_advice)
            }
            Self::DisabledClient => {
                (words.disabled_client_heading, words.disabled_client_sentence, words.disabled_client_advice)
            }
            Self::RedirectMismatch => {
                (words.redirect_mismatch_heading, words.redirect_mismatch_sentence, words.redirect_mismatch_advice)
            }
            Self::BadRequest { .. } => {
                (words.bad_request_heading, words.bad_request_sentence, words.bad_request_advice)
            }
            Self::Throttled { seconds } => {
                let advice = fill(words.throttled_advice, &[("wait", wait(words, seconds))]);
                return (words.throttled_heading, words.throttled_sentence, advice);
            }
            Self::UpstreamAccount => {
                (words.upstream_account_heading, words.upstream_account_sentence, words.upstream_account_advice)
            }
            Self::UpstreamFailed => {
                (words.upstream_failed_heading, words.upstream_failed_sentence, words.upstream_failed_advice)
            }
            Self::Unavailable => (words.unavailable_heading, words.unavailable_sentence, words.unavailable_advice),
            Self::SignedOutMeanwhile => (
                words.signed_out_meanwhile_heading,
                words.signed_out_meanwhile_sentence,
                words.signed_out_meanwhile_advice,
            ),
            Self::NotFound => (words.not_found_heading, words.not_found_sentence, words.not_found_advice),
        };
        (heading, sentence, html! { (advice) })
    }
}

/// Says what went wrong, and what to do next.
#[derive(Clone, Copy)]
pub struct ErrorPage<'a> {
    /// What went wrong.
    pub problem: Problem,
    /// An address of ours at which to begin again.
    pub restart: Option<&'a str>,
    /// The stable word of the reason, for support.
    pub reference: Option<&'a str>,
}

impl ErrorPage<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let (heading, sentence, advice) = self.problem.texts(words);
        let document = Document { words, title: heading, failed: true, wide: false, script: None, aside: None };
        document.render(&card(&html! {
            h1 { (heading) }
            p.lead { (sentence) }
            p { (advice) }
            @if let Problem::BadRequest { reason } = self.problem {
                p.reason { (words.bad_request_reason) " " span lang="en" { (reason) } }
            }
            @if let Some(restart) = self.restart {
                p { a.button href=(restart) { (words.restart) } }
            }
            @if let Some(reference) = self.reference {
                p.reference {
                    (fill(words.reference, &[("word", html! { code translate="no" { (tamed(reference)) } })]))
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_has_its_status() {
        for (problem, status) in [
            (Problem::StalePage, 400),
            (Problem::AlreadyDecided, 400),
            (Problem::WrongBrowser, 400),
            (Problem::UnknownClient, 400),
            (Problem::RedirectMismatch, 400),
            (Problem::BadRequest { reason: "" }, 400),
            (Problem::SignedOutMeanwhile, 400),
            (Problem::UpstreamAccount, 403),
            (Problem::NotFound, 404),
            (Problem::Throttled { seconds: 1 }, 429),
            (Problem::UpstreamFailed, 502),
            (Problem::Unavailable, 503),
        ] {
            assert_eq!(problem.status(), status, "{problem:?}");
        }
    }
}
