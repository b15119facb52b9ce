// Recognises compiled WebAssembly modules, and says why one could not be loaded.
import { TokenError } from '../base/errors.js';

/** The shortest module: a runtime that refuses it compiles none. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Returns whether the value is a `WebAssembly.Module` of any realm: test runners and edge sandboxes pass modules of another. */
export function isModule(value) {
  return Object.prototype.toString.call(value) === '[object WebAssembly.Module]';
}

/** Returns the error for a module that could not be loaded: with `message`, unless this runtime compiles no module at all. */
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
