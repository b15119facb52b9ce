//! The clock: the only place that reads it.

use crate::token::UnixTime;

/// The time, in whole seconds.
#[allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn now() -> UnixTime {
    UnixTime((js_sys::Date::now() / 1000.0) as u64)
}
