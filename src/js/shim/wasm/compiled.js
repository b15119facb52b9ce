// What is a compiled WebAssembly module, and why none could be had.
import { TokenError } from '../base/errors.js';

/** The shortest module: what refuses it refuses all. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** A `WebAssembly.Module` of any realm: test runners and edge sandboxes pass modules that another realm has compiled. */
export function isModule(value) {
  return Object.prototype.toString.call(value) === '[object WebAssembly.Module]';
}

/** The error where the module could not be loaded: `message`, unless this runtime would compile no module at all. */
export function wasmUnavailable(message, cause) {
  return new TokenError('wasm_unavailable', obstacle() ?? message, { cause });
}

function obstacle() {
  if (typeof WebAssembly !== 'object') return 'this runtime has no WebAssembly';
  try {
    void new WebAssembly.Module(EMPTY);
    return undefined;
  } catch {
    return "compiling WebAssembly is forbidden here: add 'wasm-unsafe-eval' to script-src of the Content Security Policy; "
      + 'on an edge runtime, import edgemint.wasm';
  }
}
