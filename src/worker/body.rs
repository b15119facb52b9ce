//! Reading a body piece by piece, so that no more than its limit is ever taken, even where the sender announces another length.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use worker::web_sys::{ReadableStream, ReadableStreamDefaultReader};

use super::tasks;

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is longer than the limit.
    TooLarge,
    /// The stream failed.
    Broken,
}

/// Reads a stream to its end, at most `limit` bytes. A longer one is cancelled, which tells its sender to stop.
pub(crate) async fn read(stream: Option<ReadableStream>, limit: usize) -> Result<Vec<u8>, BodyError> {
    let broken = |_: JsValue| BodyError::Broken;
    let Some(stream) = stream else {
        return Ok(Vec::new());
    };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let step = tasks::settled(&reader.read()).await.map_err(broken)?;
        if Reflect::get(&step, &"done".into()).map_err(broken)?.is_truthy() {
            return Ok(body);
        }
        let chunk = Uint8Array::new(&Reflect::get(&step, &"value".into()).map_err(broken)?);
        if body.len() + chunk.length() as usize > limit {
            // Not awaited: the answer does not depend on when the sender notices.
            let _ = reader.cancel();
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk.to_vec());
    }
}

/// Cancels a body that is not going to be read.
pub(crate) fn discard(stream: Option<ReadableStream>) {
    if let Some(stream) = stream {
        let _ = stream.cancel();
    }
}
