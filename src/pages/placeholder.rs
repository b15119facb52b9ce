//! Placeholders in the texts of pages: `{name}`.

/// The text before the next `{name}`, the name, and the text after.
pub(super) fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}
