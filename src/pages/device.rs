//! The pages for a device that asks for access (RFC 8628 section 3.3): entering its code, the question, and the page afterwards.

use maud::{Markup, html};

use crate::oauth::grant::device::DeviceOrigin;
use crate::oauth::vocabulary::protected_resource::ProtectedResource;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;

use super::consent::{choice, permissions, signed_in_as};
use super::layout::{Document, Field, alert, card, hidden, hidden_if};
use super::text::{fill, foreign, moment, strong, wait};
use super::words::Words;

/// The code that the page shows as an example.
const EXAMPLE: &str = "WDJB-MJHT";

/// What went wrong with an entered code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceCodeError {
    /// No device waits with this code, or no longer.
    Unknown,
    /// The page was open for too long.
    Stale,
    /// Too many codes were tried.
    Throttled {
        /// How long to wait, seconds.
        seconds: u64,
    },
}

/// Asks for the code that a device shows.
///
/// Posts `user_code`, `csrf` and `ui_locales` to `/device`.
#[derive(Clone, Copy)]
pub struct EnterDeviceCode<'a> {
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
    /// The languages that were requested; empty for none.
    pub ui_locales: &'a str,
    /// The code, as far as it is known; empty for none.
    pub user_code: &'a str,
    /// Whether the code comes from the address that led here, and not from the user.
    pub prefilled: bool,
    /// What went wrong.
    pub error: Option<DeviceCodeError>,
}

impl EnterDeviceCode<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let failed = self.error.is_some();
        let document = Document { words, title: words.device_title, failed, wide: false, script: None, aside: None };
        let message = self.error.map(|error| match error {
            DeviceCodeError::Unknown => html! { (words.device_code_unknown) },
            DeviceCodeError::Stale => html! { (words.stale) },
            DeviceCodeError::Throttled { seconds } => fill(words.throttled, &[("wait", wait(words, seconds))]),
        });
        let is_wrong = self.error == Some(DeviceCodeError::Unknown);
        let example = html! { code translate="no" { (EXAMPLE) } };
        document.render(&card(&html! {
            h1 { (words.device_title) }
            @if let Some(message) = &message { (alert("device-error", message)) }
            p.lead { (if self.prefilled { words.device_prefilled } else { words.device_enter }) }
            p.warning { (words.device_warning) }
            form method="post" action="/device" {
                (hidden("csrf", self.csrf))
                (hidden_if("ui_locales", self.ui_locales))
                (Field {
                    label: words.device_code,
                    name: "user_code",
                    kind: "text",
                    value: self.user_code,
                    autocomplete: "off",
                    required: true,
                    hint: Some(fill(words.device_code_hint, &[("example", example)])),
                    described_by: is_wrong.then_some("device-error"),
                    focus: !self.prefilled,
                    ..Field::default()
                }.render())
                button.primary type="submit" { (words.device_continue) }
            }
        }))
    }
}

/// Asks whether a device may have what it asks for: always, even if the user has allowed its client before.
///
/// Posts `user_code`, `grant`, `csrf`, `ui_locales` and `decision` (`allow` or `deny`) to `/device/consent`.
#[derive(Clone, Copy)]
pub struct DeviceConsent<'a> {
    /// The token that binds the form to this browser.
    pub csrf: &'a str,
    /// The languages that were requested; empty for none.
    pub ui_locales: &'a str,
    /// The code, as devices show it.
    pub user_code: &'a str,
    /// The identifier of the grant that the request may become.
    pub grant: &'a str,
    /// The query with which the page continues after a sign-in.
    pub continue_to: &'a str,
    /// The name of the client.
    pub client: &'a str,
    /// What it asks for.
    pub scope: &'a Scope,
    /// The resources that the access is for, without this server itself.
    pub resources: &'a [Resource],
    /// The records of the registered ones.
    pub registered: &'a [&'a ProtectedResource],
    /// Who is signed in.
    pub username: &'a str,
    /// Where the request came from.
    pub origin: &'a DeviceOrigin,
    /// When it was made.
    pub requested_at: UnixTime,
    /// The country of this browser, if it is known.
    pub country: Option<&'a str>,
}

impl DeviceConsent<'_> {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let title = words.device_consent_title;
        let document = Document { words, title, failed: false, wide: false, script: None, aside: None };
        document.render(&card(&html! {
            h1 { (fill(words.device_asks, &[("client", strong(self.client))])) }
            (signed_in_as(self.username, self.continue_to, words))
            p.warning { (words.device_warning) }
            @if let Some(elsewhere) = self.elsewhere(words) { p.warning { (elsewhere) } }
            (self.facts(words))
            (permissions(self.client, self.scope, self.resources, self.registered, words))
            form method="post" action="/device/consent" {
                (hidden("csrf", self.csrf))
                (hidden("user_code", self.user_code))
                (hidden("grant", self.grant))
                (hidden_if("ui_locales", self.ui_locales))
                (choice(words))
            }
            p.aside { (words.consent_later) }
        }))
    }

    /// The code and what is known about the device.
    fn facts(&self, words: &Words) -> Markup {
        let DeviceOrigin { address, country, city, agent } = self.origin;
        let place: Vec<&str> = [city.as_deref(), country.as_deref()].into_iter().flatten().collect();
        let place = (!place.is_empty()).then(|| place.join(", "));
        let agent = (!agent.is_empty()).then_some(agent.as_str());
        html! {
            dl.profile {
                div { dt { (words.device_code_shown) } dd { strong { code translate="no" { (self.user_code) } } } }
                div { dt { (words.device_requested_at) } dd { (moment(self.requested_at)) } }
                @if let Some(place) = &place { div { dt { (words.device_place) } dd { (foreign(place)) } } }
                @if let Some(address) = address { div { dt { (words.device_address) } dd { (foreign(address)) } } }
                @if let Some(agent) = agent { div { dt { (words.device_agent) } dd { (foreign(agent)) } } }
            }
            @if place.is_none() && address.is_none() { p.soft { (words.device_origin_unknown) } }
        }
    }

    /// What to say if the request came from another country than this one.
    fn elsewhere(&self, words: &Words) -> Option<Markup> {
        let (there, here) = (self.origin.country.as_deref()?, self.country?);
        (there != here).then(|| fill(words.device_elsewhere, &[("there", strong(there)), ("here", strong(here))]))
    }
}

/// The page after the decision.
#[derive(Clone, Copy)]
pub struct DeviceDecided {
    /// Whether the device was allowed.
    pub allowed: bool,
}

impl DeviceDecided {
    /// The document.
    pub fn render(&self, words: &Words) -> String {
        let (title, about) = match self.allowed {
            true => (words.device_allowed_title, words.device_allowed_about),
            false => (words.device_denied_title, words.device_denied_about),
        };
        let document = Document { words, title, failed: false, wide: false, script: None, aside: None };
        document.render(&card(&html! {
            h1 { (title) }
            p.lead { (about) }
        }))
    }
}
