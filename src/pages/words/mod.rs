//! The texts of the pages, one value a language.

mod chinese;
mod english;

use chinese::CHINESE;
use english::ENGLISH;

/// The most of `Accept-Language` and of `ui_locales` that is read, in entries.
const MOST_ENTRIES: usize = 32;

macro_rules! texts {
    ($($name:ident,)*) => {
        /// All texts of the pages in one language. A `{name}` in a text is a place to fill.
        pub struct Words {
            /// The language tag (BCP 47).
            pub(super) lang: &'static str,
            $(pub(super) $name: &'static str,)*
        }

        #[cfg(test)]
        impl Words {
            fn texts(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }

            /// Words whose texts are their own names with their places, such as `[sign_in_for {client}]`: a test then
            /// sees which text a page shows where, in no language.
            pub(super) fn named() -> Self {
                let text = |name: &str, english: &str| -> &'static str {
                    let mut text = format!("[{name}");
                    let mut rest = english;
                    while let Some((_, place, after)) = super::placeholder::next_place(rest) {
                        text.push_str(&format!(" {{{place}}}"));
                        rest = after;
                    }
                    Box::leak(format!("{text}]").into_boxed_str())
                };
                Self { lang: "xx", $($name: text(stringify!($name), ENGLISH.$name),)* }
            }

            /// The names of all texts.
            pub(super) fn names() -> Vec<&'static str> {
                vec![$(stringify!($name),)*]
            }
        }
    };
}

texts! {
    // Of every page.
    error_prefix,
    one_second,
    seconds,
    one_minute,
    minutes,
    one_hour,
    hours,
    stale,
    throttled,
    unavailable_now,
    username,
    password,
    name,
    email,
    optional,

    // Sign-in.
    sign_in_title,
    sign_in_for,
    sign_in_afresh,
    sign_in_button,
    other_ways,
    passkey_button,
    upstream_link,
    no_account,
    sign_up_link,
    wrong_credentials,
    passkey_refused,
    upstream_refused,
    account_disabled,
    upstream_not_recent,
    passkey_refused_here,
    passkey_required,
    passkey_needs_sign_in,
    no_passkey,
    no_passkey_link,
    sign_in_cancel,

    // What the passkey script says.
    passkey_waiting,
    passkey_cancelled,
    passkey_failed,
    passkey_not_made,
    passkey_known,

    // What the script says that computes a proof of work.
    proof_instead,
    proof_computing,
    proof_sending,
    proof_ready,

    // Sign-up.
    sign_up_title,
    sign_up_for,
    sign_up_button,
    have_account,
    sign_in_link,
    password_hint,
    username_missing,
    username_refused,
    username_taken,
    password_short,
    password_long,
    password_control,
    password_common,
    password_username,
    name_refused,
    email_refused,

    // Consent.
    consent_title,
    consent_asks,
    consent_user,
    other_account,
    consent_scopes,
    consent_nothing,
    scope_openid,
    scope_profile,
    scope_email,
    scope_groups,
    scope_offline,
    scope_admin,
    scope_unknown,
    consent_resources,
    consent_site,
    consent_device,
    allow,
    deny,
    consent_later,

    // Devices.
    device_title,
    device_enter,
    device_prefilled,
    device_warning,
    device_code,
    device_code_hint,
    device_continue,
    device_code_unknown,
    device_consent_title,
    device_asks,
    device_code_shown,
    device_requested_at,
    device_place,
    device_address,
    device_agent,
    device_origin_unknown,
    device_elsewhere,
    device_allowed_title,
    device_allowed_about,
    device_denied_title,
    device_denied_about,

    // Account.
    account_title,
    signed_in_as,
    sign_out,
    profile_title,
    not_given,
    passkeys_title,
    passkeys_about,
    passkeys_none,
    passkey_synced,
    passkey_bound,
    created_at,
    last_used_at,
    never_used,
    passkey_change,
    passkey_name,
    passkey_new_name,
    passkey_name_hint,
    rename,
    remove,
    remove_about,
    passkey_add,
    passkey_needs,
    step_up_passkeys,
    step_up_password,
    step_up_refused,
    change_title,
    change_about,
    current_password,
    new_password,
    change_password,
    change_passkeys,
    change_passkeys_kept,
    change_grants,
    sessions_title,
    sessions_about,
    this_session,
    unknown_browser,
    since,
    end_session,
    applications_title,
    applications_about,
    applications_none,
    allowed_at,
    application_idle,
    application_scopes,
    application_grants,
    end_grant,
    withdraw,
    done_session_ended,
    done_grant_ended,
    done_withdrawn,
    done_password_changed,
    done_passkey_added,
    done_passkey_renamed,
    done_passkey_removed,
    done_signed_up,
    current_password_wrong,
    passkey_name_refused,
    passkey_not_added,
    too_many_passkeys,
    last_way_in,
    gone,

    // Logout.
    logout_title,
    logout_asks,
    logout_about,
    stay,
    signed_out_title,
    signed_out_about,
    sign_in_anew,

    // Form post.
    form_post_title,
    form_post_to,
    form_post_about,
    form_post_button,

    // Problems.
    restart,
    reference,
    stale_page_heading,
    stale_page_sentence,
    stale_page_advice,
    already_decided_heading,
    already_decided_sentence,
    already_decided_advice,
    wrong_browser_heading,
    wrong_browser_sentence,
    wrong_browser_advice,
    disabled_client_heading,
    disabled_client_sentence,
    disabled_client_advice,
    unknown_client_heading,
    unknown_client_sentence,
    unknown_client_advice,
    redirect_mismatch_heading,
    redirect_mismatch_sentence,
    redirect_mismatch_advice,
    bad_request_heading,
    bad_request_sentence,
    bad_request_advice,
    bad_request_reason,
    throttled_heading,
    throttled_sentence,
    throttled_advice,
    upstream_account_heading,
    upstream_account_sentence,
    upstream_account_advice,
    upstream_failed_heading,
    upstream_failed_sentence,
    upstream_failed_advice,
    unavailable_heading,
    unavailable_sentence,
    unavailable_advice,
    signed_out_meanwhile_heading,
    signed_out_meanwhile_sentence,
    signed_out_meanwhile_advice,
    not_found_heading,
    not_found_sentence,
    not_found_advice,
}

impl Words {
    /// The language to speak: the first known one of `ui_locales` (OpenID Connect Core section 3.1.2.1), else the
    /// best known one of the header `Accept-Language` (RFC 9110 section 12.5.4), else English.
    pub fn negotiate(accept_language: Option<&str>, ui_locales: Option<&str>) -> &'static Self {
        let asked = ui_locales.and_then(Self::of_locales);
        asked.or_else(|| Self::accepted(accept_language.unwrap_or_default())).unwrap_or(&ENGLISH)
    }

    /// The first known language of `ui_locales`: tags separated by spaces; commas, which some clients send, are let pass.
    pub fn of_locales(ui_locales: &str) -> Option<&'static Self> {
        ui_locales.split([' ', ',']).take(MOST_ENTRIES).find_map(Self::speaking)
    }

    /// The language tag (BCP 47).
    pub fn language(&self) -> &'static str {
        self.lang
    }

    fn accepted(header: &str) -> Option<&'static Self> {
        let mut best: Option<(u16, &'static Self)> = None;
        for entry in header.split(',').take(MOST_ENTRIES) {
            let (range, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let (Some(words), Some(weight)) = (Self::speaking(range.trim()), weight(parameters)) else { continue };
            if weight > best.map_or(0, |(weight, _)| weight) {
                best = Some((weight, words));
            }
        }
        best.map(|(_, words)| words)
    }

    /// By the primary language of a tag or range. Any Chinese is closer to a reader of Chinese than English is.
    fn speaking(tag: &str) -> Option<&'static Self> {
        let language = tag.split(['-', '_']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") {
            Some(&CHINESE)
        } else if language.eq_ignore_ascii_case("en") || language == "*" {
            Some(&ENGLISH)
        } else {
            None
        }
    }
}

/// A quality value in thousandths; `None` if it is malformed.
fn weight(parameters: &str) -> Option<u16> {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return Some(1_000);
    }
    let (name, value) = parameters.split_once('=')?;
    let (whole, decimals) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let plain = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !name.trim().eq_ignore_ascii_case("q") || !plain {
        return None;
    }
    let thousandths = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::placeholder::next_place;
    use super::*;

    fn places(mut text: &str) -> Vec<&str> {
        let mut places = Vec::new();
        while let Some((_, name, after)) = next_place(text) {
            places.push(name);
            text = after;
        }
        places.sort_unstable();
        places
    }

    #[test]
    fn no_text_is_missing_left_untranslated_or_has_other_places() {
        for ((name, english), (_, chinese)) in ENGLISH.texts().into_iter().zip(CHINESE.texts()) {
            assert!(!english.trim().is_empty() && !chinese.trim().is_empty(), "{name} is empty");
            assert_ne!(english, chinese, "{name}");
            assert!(
                english.is_ascii() || english.chars().all(|c| c.is_ascii() || "“”’…".contains(c)),
                "{name}: {english}"
            );
            assert!(chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{name}: {chinese}");
            assert_eq!(places(english), places(chinese), "{name}");
            assert_eq!(english.ends_with('.'), chinese.ends_with('。'), "{name} ends otherwise");
        }
        assert_ne!(ENGLISH.lang, CHINESE.lang);
    }

    #[test]
    fn the_language_is_negotiated() {
        for (accept, locales, lang) in [
            (None, None, "en"),
            (Some(""), Some(""), "en"),
            (Some("zh-CN,zh;q=0.9,en;q=0.8"), None, "zh-Hans"),
            (Some("en;q=0.8, ZH-cn;q=0.9"), None, "zh-Hans"),
            (Some("en-GB,zh"), None, "en"),
            (Some("zh;q=0.8,en;q=0.80"), None, "zh-Hans"),
            (Some("de,fr;q=0.9,zh;q=0.1"), None, "zh-Hans"),
            (Some("de,*;q=0.5,zh;q=0.1"), None, "en"),
            (Some("zh;q=0"), None, "en"),
            (Some("zh;q=0,en;q=0"), None, "en"),
            (Some("zh;q=2"), None, "en"),
            (Some("zh;q=0.1234"), None, "en"),
            (Some("zh;q=,zh;x=1,zh;q=1.5,zh;q=-1"), None, "en"),
            (Some("zh;q=1.000"), None, "zh-Hans"),
            (Some("zh ; Q = 0.5"), None, "zh-Hans"),
            (Some("zhu,english"), None, "en"),
            (Some("en"), Some("fr zh-TW en"), "zh-Hans"),
            (Some("zh"), Some("en"), "en"),
            (Some("zh"), Some("fr de"), "zh-Hans"),
            (None, Some("zh-CN"), "zh-Hans"),
            (None, Some("ZH"), "zh-Hans"),
            (None, Some("zh-Hans"), "zh-Hans"),
            (None, Some("zh_cn"), "zh-Hans"),
            (None, Some("fr,zh-CN"), "zh-Hans"),
            (Some("zh"), Some("EN-gb zh"), "en"),
            (Some("zh"), Some("  en"), "en"),
            (Some("zh"), Some(", ,%00<script>"), "zh-Hans"),
            (Some(",;=,\u{0},é;q=é"), Some("\u{0} é"), "en"),
        ] {
            assert_eq!(Words::negotiate(accept, locales).language(), lang, "{accept:?} {locales:?}");
        }
    }

    #[test]
    fn only_so_much_is_read() {
        let many = format!("{}zh", "de,".repeat(MOST_ENTRIES));
        assert_eq!(Words::negotiate(Some(&many), None).language(), "en");
        assert_eq!(Words::negotiate(Some(&many[3..]), None).language(), "zh-Hans");
        let many = many.replace(',', " ");
        assert_eq!(Words::negotiate(None, Some(&many)).language(), "en");
        assert_eq!(Words::negotiate(None, Some(&many[3..])).language(), "zh-Hans");
    }
}
