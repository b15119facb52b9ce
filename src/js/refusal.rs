//! A reason in calls that are made once: thrown as JSON text, which no other error here is.

use wasm_bindgen::JsValue;

use crate::token::KeyError;
use crate::token::json::quote;

/// The shim turns this into a `TokenError`.
pub struct Refusal {
    code: &'static str,
    /// A stable word for the fault of a key.
    reason: &'static str,
    sentence: &'static str,
}

impl Refusal {
    pub(super) fn of_options() -> Self {
        Self { code: "invalid_option", reason: "", sentence: "the options cannot be read" }
    }

    pub(super) fn of_key(reason: &'static str, sentence: &'static str) -> Self {
        Self { code: "key_unusable", reason, sentence }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::of_key(error.reason(), error.sentence())
    }
}

impl From<Refusal> for JsValue {
    fn from(refusal: Refusal) -> Self {
        let [code, reason, sentence] = [refusal.code, refusal.reason, refusal.sentence].map(quote);
        Self::from_str(&format!(r#"{{"code":{code},"reason":{reason},"sentence":{sentence}}}"#))
    }
}
