//! How a reason crosses the border where nothing repeats: thrown as JSON text, which no other error here is.

use wasm_bindgen::JsValue;

use crate::token::KeyError;
use crate::token::json::quote;

/// What the shim turns into a `TokenError`.
pub struct Refusal {
    code: &'static str,
    sentence: &'static str,
}

impl Refusal {
    pub(super) fn of_options() -> Self {
        Self { code: "invalid_option", sentence: "the options cannot be read" }
    }

    pub(super) fn of_key(sentence: &'static str) -> Self {
        Self { code: "key_unusable", sentence }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::of_key(error.sentence())
    }
}

impl From<Refusal> for JsValue {
    fn from(refusal: Refusal) -> Self {
        let [code, sentence] = [refusal.code, refusal.sentence].map(quote);
        Self::from_str(&format!(r#"{{"code":{code},"sentence":{sentence}}}"#))
    }
}
