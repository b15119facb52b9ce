// The memory of the wasm module, and how texts get in and out of it. `texts` is the platform's way of doing that.
import { TextDecoder, TextEncoder } from '../base/globals.js';
import { __wbg_set_wasm as setWasm, imports } from './glue.js';

let memory;

/** Instantiates a compiled module, of this realm or another, at once. */
export function startNow(module) {
  if (!isStarted()) begin(new WebAssembly.Instance(module, imports));
}

/** The same asynchronously: on their main thread, older browsers instantiate only small modules at once. */
export async function start(module) {
  const instance = await WebAssembly.instantiate(module, imports);
  if (!isStarted()) begin(instance);
}

export function isStarted() {
  return memory !== undefined;
}

function begin({ exports }) {
  setWasm(exports);
  exports.__wbindgen_start();
  ({ memory } = exports);
}

/** All of the memory as it is now. Every call into wasm may move it: ask again after each. */
export function currentBytes(texts) {
  // Of each way of its own, since two entries may be in use in one program.
  if (texts.bytes === undefined || texts.bytes.byteLength === 0) texts.bytes = texts.view(memory.buffer);
  return texts.bytes;
}

const encoder = new TextEncoder();
// What it is asked to decode was found to be UTF-8, and a byte order mark no JSON.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** For every platform. Each has `view`, `write`, which gives the count of bytes written, and `read`. */
export const webTexts = {
  bytes: undefined,
  view: (buffer) => new Uint8Array(buffer),
  write: (bytes, text, start, length) => encoder.encodeInto(text, bytes.subarray(start, start + length)).written,
  read: (bytes, start, length) => decoder.decode(bytes.subarray(start, start + length)),
};

/** The UTF-8 of any text. */
export function encode(text) {
  return encoder.encode(text);
}

/** The same text by itself: one that was cut from a larger one keeps all of that in memory. */
export function copied(text) {
  return decoder.decode(encoder.encode(text));
}
