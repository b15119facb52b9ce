//! Searching in bytes.

/// Splits a text at the first occurrence of a part: what is before and after it.
#[inline(never)] // It is called from everywhere.
pub(super) fn find<'t>(text: &'t [u8], part: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let place = text.windows(part.len()).position(|window| window == part)?;
    Some((text.get(..place)?, text.get(place + part.len()..)?))
}
