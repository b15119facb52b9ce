//! Work that no response waits for: it continues after the response, for as long as the platform allows (30 s).

use js_sys::Promise;
use js_sys::futures::future_to_promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "cloudflare:workers")]
extern "C" {
    #[wasm_bindgen(js_name = waitUntil)]
    fn wait_until(promise: &Promise);
}

/// Has this done, whether or not the request is still there. It looks after its own failures.
pub(crate) fn run(work: impl Future<Output = ()> + 'static) {
    wait_until(&future_to_promise(async move {
        work.await;
        Ok(JsValue::UNDEFINED)
    }));
}
