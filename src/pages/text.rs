//! Pieces of text: filled templates, foreign texts, dates, durations, URLs of our own.

use std::fmt::Write as _;

use maud::{Escaper, Markup, PreEscaped, html};

use crate::identity::characters::is_deceptive;
use crate::token::{Calendar, UnixTime};

use super::placeholder::next_place;
use super::words::Words;

/// The most characters of a foreign text that a page shows.
const LONGEST: usize = 100;

/// Fills the `{names}` of a text of ours with values.
pub(super) fn fill(text: &str, values: &[(&str, Markup)]) -> Markup {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_place(rest) {
        // Writing into a String cannot fail.
        let _ = Escaper::new(&mut filled).write_str(before);
        if let Some((_, value)) = values.iter().find(|(own, _)| *own == name) {
            filled.push_str(&value.0);
        }
        rest = after;
    }
    let _ = Escaper::new(&mut filled).write_str(rest);
    PreEscaped(filled)
}

/// A foreign text, isolated from the direction of the surrounding text.
pub(super) fn foreign(text: &str) -> Markup {
    html! { bdi translate="no" { (tamed(text)) } }
}

/// A foreign text, emphasised.
pub(super) fn strong(text: &str) -> Markup {
    html! { strong { (foreign(text)) } }
}

/// A foreign text of one line, of at most [`LONGEST`] characters, without those that hide or reorder others.
pub(super) fn tamed(text: &str) -> String {
    let mut seen = text.chars().filter(|c| !is_deceptive(*c)).map(|c| if c.is_whitespace() { ' ' } else { c });
    let mut tamed: String = seen.by_ref().take(LONGEST).collect();
    if seen.next().is_some() {
        tamed.push('…');
    }
    if tamed.trim().is_empty() { "—".to_owned() } else { tamed }
}

/// A moment as `2026-11-24 08:47 UTC`.
pub(super) fn moment(at: UnixTime) -> Markup {
    // Years have four digits.
    let Calendar { year, month, day, hour, minute, second } = UnixTime(at.0.min(253_402_300_799)).into();
    let date = format!("{year:04}-{month:02}-{day:02}");
    html! {
        time datetime=(format!("{date}T{hour:02}:{minute:02}:{second:02}Z")) { (date) " " (format!("{hour:02}:{minute:02}")) " UTC" }
    }
}

/// How long to wait, in one unit, rounded up.
pub(super) fn wait(words: &Words, seconds: u64) -> Markup {
    let (count, one, many) = match seconds {
        0..60 => (seconds.max(1), words.one_second, words.seconds),
        60..3_600 => (seconds.div_ceil(60), words.one_minute, words.minutes),
        _ => (seconds.div_ceil(3_600), words.one_hour, words.hours),
    };
    if count == 1 {
        html! { (one) }
    } else {
        fill(many, &[("n", html! { (count) })])
    }
}

/// One of our paths, with the authorization request to go on with.
pub(super) fn address(path: &str, continue_to: &str) -> String {
    if continue_to.is_empty() {
        return path.to_owned();
    }
    let mut address = format!("{path}?continue=");
    for byte in continue_to.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (1_795_510_020, "2026-11-24 08:47 UTC"),
            (4_107_542_399, "2100-02-28 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59 UTC"),
            (u64::MAX, "9999-12-31 23:59 UTC"),
        ] {
            let iso =
                format!("{}:{:02}Z", shown.replace(" UTC", "").replace(' ', "T"), seconds.min(253_402_300_799) % 60);
            assert_eq!(moment(UnixTime(seconds)).0, format!("<time datetime=\"{iso}\">{shown}</time>"));
        }
    }

    #[test]
    fn foreign_text_is_short_plain_and_never_blank() {
        assert_eq!(tamed("a\u{202e}b\u{2066}c\u{200b}\u{7}\u{e0041}d"), "abcd");
        assert_eq!(tamed("a\nb\u{2028}c"), "a b c");
        assert_eq!(tamed("می\u{200c}خواهم 👩\u{200d}🔬"), "می\u{200c}خواهم 👩\u{200d}🔬");
        for blank in ["", " ", "\u{200b}", "\u{3000}\u{202e}"] {
            assert_eq!(tamed(blank), "—");
        }
        assert_eq!(tamed(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        assert_eq!(tamed(&"é".repeat(10_000)), format!("{}…", "é".repeat(LONGEST)));
        assert_eq!(foreign("\"><script>").0, "<bdi translate=\"no\">&quot;&gt;&lt;script&gt;</bdi>");
    }

    #[test]
    fn places_are_filled() {
        let values = [("a", html! { b { "1" } }), ("b", html! { "{a}<" })];
        assert_eq!(fill("<{a}> {b}{a}", &values).0, "&lt;<b>1</b>&gt; {a}&lt;<b>1</b>");
        assert_eq!(fill("none", &values).0, "none");
        assert_eq!(fill("open {a", &values).0, "open {a");
    }

    #[test]
    fn waits_are_rounded_up() {
        let english = Words::negotiate(None, None);
        for (seconds, shown) in [
            (0, "1 second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (61, "2 minutes"),
            (3_600, "1 hour"),
            (3_601, "2 hours"),
        ] {
            assert_eq!(wait(english, seconds).0, shown);
        }
        assert_eq!(wait(Words::negotiate(Some("zh"), None), 90).0, "2 分钟");
        wait(english, u64::MAX);
    }

    #[test]
    fn addresses_carry_a_query_whole() {
        assert_eq!(address("/account/sign-in", ""), "/account/sign-in");
        assert_eq!(address("/a", "x=1&y=%20\"é"), "/a?continue=x%3D1%26y%3D%2520%22%C3%A9");
    }
}
