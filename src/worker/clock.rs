//! The clock: the only place that reads it.

use crate::token::UnixTime;

/// The time, in whole seconds.
pub(crate) fn now() -> UnixTime {
    UnixTime(milliseconds() / 1000)
}

/// The time since 1970, in milliseconds. In a Worker it advances with input and output alone.
#[allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn milliseconds() -> u64 {
    js_sys::Date::now() as u64
}
