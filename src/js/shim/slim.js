// Entry that loads nothing by itself: the caller passes the compiled module to `init`.
import { bindApi } from './bind.js';
import * as wasm from './engine_wasm.js';
import * as webCrypto from './engine_webcrypto.js';
import { TokenError } from './errors.js';
import { leasedFlight } from './flight.js';
import { isStarted, startNow, webTexts } from './memory.js';

const NEEDED = ['memory', 'verifier_check', '__wbindgen_start'];

/** Takes a `WebAssembly.Module` of this package, or its bytes. Once; later calls change nothing. */
export function init(module) {
  if (isStarted()) return;
  try {
    const compiled = module instanceof WebAssembly.Module ? module : new WebAssembly.Module(module);
    // Looked at before it is tried: a wrong one must not stand in the way of the right one.
    const exported = WebAssembly.Module.exports(compiled).map(({ name }) => name);
    if (!NEEDED.every((name) => exported.includes(name))) throw new TypeError('another module');
    startNow(compiled);
  } catch (cause) {
    throw new TokenError('wasm_unavailable', 'what was given is no WebAssembly module of this package', { cause });
  }
}

function requireStarted() {
  if (!isStarted()) throw new TokenError('wasm_unavailable', 'init has not been called');
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi({
  load: requireStarted,
  // The one that also works where a promise must not cross requests.
  flight: leasedFlight(() => {}),
  requestInit: {},
  texts: webTexts,
  engines: [wasm, webCrypto],
  isSync: false,
});
export * from './api.js';
