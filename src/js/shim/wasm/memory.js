// The memory of the wasm module, and how strings are written to it and read from it. `texts` is the platform's way of doing so.
import { TextDecoder, TextEncoder } from '../base/globals.js';
import { __wbg_set_wasm as setWasm, imports } from './glue.js';

let memory;

/** Instantiates a compiled module of any realm synchronously. */
export function startNow(module) {
  if (!isStarted()) begin(new WebAssembly.Instance(module, imports));
}

/** The same asynchronously: older browsers instantiate only small modules synchronously on their main thread. */
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

/** Returns the whole memory as it is now. Every call into wasm may move it: call this again after each. */
export function currentBytes(texts) {
  // One view for each `texts`, since two entries may be in use in one program.
  if (texts.bytes === undefined || texts.bytes.byteLength === 0) texts.bytes = texts.view(memory.buffer);
  return texts.bytes;
}

const encoder = new TextEncoder();
// Its input is valid UTF-8; a byte order mark must not disappear, since it is no JSON.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** For every platform. `write` returns the number of bytes written. */
export const webTexts = {
  bytes: undefined,
  view: (buffer) => new Uint8Array(buffer),
  write: (bytes, text, start, length) => encoder.encodeInto(text, bytes.subarray(start, start + length)).written,
  read: (bytes, start, length) => decoder.decode(bytes.subarray(start, start + length)),
};

/** Encodes a string as UTF-8. */
export function encode(text) {
  return encoder.encode(text);
}

/** Copies a string: a slice would keep the whole of the original in memory. */
export function copied(text) {
  return decoder.decode(encoder.encode(text));
}
