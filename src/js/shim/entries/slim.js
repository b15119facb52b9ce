// Entry that loads no wasm: the caller passes the compiled module to `init`.
import { bindApi } from './bind.js';
import { isModule, wasmUnavailable } from '../wasm/compiled.js';
import { TokenError } from '../base/errors.js';
import { isStarted, startNow } from '../wasm/memory.js';
import { edgePlatform } from '../platform/platform_edge.js';

const NEEDED = ['memory', 'verifier_check', '__wbindgen_start'];

/** Starts the package with its `WebAssembly.Module`, or its bytes. Later calls have no effect. */
export function init(module) {
  if (isStarted()) return;
  try {
    const compiled = isModule(module) ? module : new WebAssembly.Module(module);
    // Checked first: a wrong module must not prevent a later call with the right one.
    const exported = WebAssembly.Module.exports(compiled).map(({ name }) => name);
    if (!NEEDED.every((name) => exported.includes(name))) throw new TypeError('another module');
    startNow(compiled);
  } catch (cause) {
    const message = 'this is no WebAssembly module of this package';
    throw isModule(module) ? new TokenError('wasm_unavailable', message, { cause }) : wasmUnavailable(message, cause);
  }
}

function requireStarted() {
  if (!isStarted()) throw new TokenError('wasm_unavailable', 'init has not been called');
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi(edgePlatform({ load: requireStarted }));
export * from './api.js';
