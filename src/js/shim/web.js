// Entry for browsers and bundlers: fetches the wasm beside it when first needed.
import { TokenError } from './errors.js';
import { sharedFlight } from './flight.js';
import init from './glue.js';
import { bindVerifier } from './verifier.js';

let isLoaded = false;

/** Calls in between share one load; after a failed one, the next call tries again. */
async function load() {
  if (isLoaded) return;
  try {
    await init({ module_or_path: new URL('./edgemint.wasm', import.meta.url) });
  } catch (cause) {
    throw new TokenError('wasm_unavailable', 'the WebAssembly module could not be loaded', { cause });
  }
  isLoaded = true;
}

export const createVerifier = bindVerifier({
  load,
  flight: sharedFlight,
  // The browser's cache may hold an older key set than we ask for.
  requestInit: { cache: 'no-cache', credentials: 'omit', referrerPolicy: 'no-referrer' },
});
export * from './api.js';
