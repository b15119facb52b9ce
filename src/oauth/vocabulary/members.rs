//! Reading the members of a JSON object that an operator or a client sends. A null member counts as omitted (RFC 7591 section 2).

use serde_json::{Map, Value};

/// Returns whether every member of the object is one of these.
pub fn has_only(body: &Map<String, Value>, members: &[&str]) -> bool {
    body.keys().all(|name| members.contains(&name.as_str()))
}

/// Returns a member, if it is present.
///
/// # Errors
/// `error` if it is present and `parse` refuses it.
pub fn optional<T, E>(
    body: &Map<String, Value>,
    name: &str,
    parse: impl FnOnce(&Value) -> Option<T>,
    error: E,
) -> Result<Option<T>, E> {
    body.get(name).filter(|value| !value.is_null()).map(|value| parse(value).ok_or(error)).transpose()
}

/// Returns a member.
///
/// # Errors
/// `error` if it is absent or `parse` refuses it.
pub fn required<T, E: Copy>(
    body: &Map<String, Value>,
    name: &str,
    parse: impl FnOnce(&Value) -> Option<T>,
    error: E,
) -> Result<T, E> {
    optional(body, name, parse, error)?.ok_or(error)
}

/// Parses a list of at most so many items.
pub fn list<T>(value: &Value, most: usize, parse: impl FnMut(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array().filter(|items| items.len() <= most)?.iter().map(parse).collect()
}
