// Entry for browsers and bundlers: fetches the wasm beside it when first needed.
import { bindApi } from './bind.js';
import * as wasm from './engine_wasm.js';
import * as webCrypto from './engine_webcrypto.js';
import { TokenError } from './errors.js';
import { sharedFlight } from './flight.js';
import { isStarted, startFrom, webTexts } from './memory.js';

/** Calls in between share one load; after a failed one, the next call tries again. */
async function fetchWasm() {
  try {
    await startFrom(new URL('./edgemint.wasm', import.meta.url));
  } catch (cause) {
    throw new TokenError('wasm_unavailable', 'the WebAssembly module could not be loaded', { cause });
  }
}

export const { createIssuer, createJwks, createVerifier, generateKey, guard, importKey, thumbprint } = bindApi({
  load: () => (isStarted() ? undefined : fetchWasm()),
  flight: sharedFlight,
  // The browser's cache may hold an older key set than we ask for.
  requestInit: { cache: 'no-cache', credentials: 'omit', referrerPolicy: 'no-referrer' },
  texts: webTexts,
  engines: [wasm, webCrypto],
  isSync: false,
});
export * from './api.js';
