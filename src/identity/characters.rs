//! Characters that hide, reorder or break the surrounding text. Joiners are not among them: scripts need them.

/// What a deceptive character does to the surrounding text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It changes the direction of the text, or is a byte order mark.
    Steers,
    /// It breaks the line.
    Breaks,
    /// It has no width, and shows nothing.
    Hides,
}

/// The deceptive characters, besides control characters.
const DECEPTIVE: [(std::ops::RangeInclusive<char>, Effect); 13] = [
    ('\u{ad}'..='\u{ad}', Effect::Hides),
    ('\u{61c}'..='\u{61c}', Effect::Steers),
    ('\u{180e}'..='\u{180e}', Effect::Hides),
    ('\u{200b}'..='\u{200b}', Effect::Hides),
    ('\u{200e}'..='\u{200f}', Effect::Steers),
    ('\u{2028}'..='\u{2029}', Effect::Breaks),
    ('\u{202a}'..='\u{202e}', Effect::Steers),
    ('\u{2060}'..='\u{2065}', Effect::Hides),
    ('\u{2066}'..='\u{2069}', Effect::Steers),
    ('\u{206a}'..='\u{206f}', Effect::Hides),
    ('\u{feff}'..='\u{feff}', Effect::Steers),
    ('\u{fff9}'..='\u{fffb}', Effect::Hides),
    ('\u{e0000}'..='\u{e007f}', Effect::Hides),
];

fn effect(c: char) -> Option<Effect> {
    DECEPTIVE.iter().find(|(range, _)| range.contains(&c)).map(|(_, effect)| *effect)
}

/// Returns whether a name must not contain a character: control characters, and those that steer or break the surrounding text.
/// Invisible ones are allowed: names in emoji sequences contain them.
pub fn disturbs_names(c: char) -> bool {
    c.is_control() || matches!(effect(c), Some(Effect::Steers | Effect::Breaks))
}

/// Returns whether a page must not show a character of a foreign text: control characters, and those that steer the surrounding
/// text or show nothing. White space is not among them, since a page shows it as a space.
pub fn is_deceptive(c: char) -> bool {
    (c.is_control() && !c.is_whitespace()) || matches!(effect(c), Some(Effect::Steers | Effect::Hides))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_has_its_rule() {
        for (c, in_names, on_pages) in [
            ('a', false, false),
            (' ', false, false),
            ('\u{200d}', false, false),
            ('\u{200c}', false, false),
            ('\0', true, true),
            ('\n', true, false),
            ('\u{85}', true, false),
            ('\u{202e}', true, true),
            ('\u{2067}', true, true),
            ('\u{200f}', true, true),
            ('\u{61c}', true, true),
            ('\u{feff}', true, true),
            ('\u{2028}', true, false),
            ('\u{2029}', true, false),
            ('\u{ad}', false, true),
            ('\u{200b}', false, true),
            ('\u{2060}', false, true),
            ('\u{206f}', false, true),
            ('\u{180e}', false, true),
            ('\u{fffa}', false, true),
            ('\u{e0041}', false, true),
            ('\u{e0080}', false, false),
        ] {
            assert_eq!((disturbs_names(c), is_deceptive(c)), (in_names, on_pages), "{c:?}");
        }
    }
}
